import { describe, expect, it } from 'vitest';
import { parseChoices, parseCommands } from './check-commands.ts';
import { checkMessage, componentsV2Flag, messagePayloadSchema, parsePayload } from './check-message.ts';
import { parseModal } from './check-modal.ts';
import { createRateLimits } from './rate-limits.ts';

/* A fake that takes everything would prove nothing: these are the limits that Discord documents. */

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const text = (content: string) => ({ type: 10, content });
const button = (id: string) => ({ type: 2, style: 1, label: 'x', custom_id: id });
const row = (...components: unknown[]) => ({ type: 1, components });
const select = (options: number, more: object = {}) => ({
  type: 3,
  custom_id: 'menu',
  options: many(options, (index) => ({ label: 'x', value: String(index) })),
  ...more,
});
const gallery = (items: number, more: object = {}) => ({
  type: 12,
  items: many(items, () => ({ media: { url: 'https://x.example/1.png' }, ...more })),
});

function send(...components: unknown[]): void {
  const payload = parsePayload(messagePayloadSchema, { components, flags: componentsV2Flag });
  checkMessage(payload, true, []);
}

describe('a message', () => {
  it.each<[string, unknown[]]>([
    ['the most text', [text('x'.repeat(4_000))]],
    ['the most components', many(40, () => text('x'))],
    ['the most buttons in a row', [row(...many(5, (index) => button(String(index))))]],
    ['the most options', [row(select(25))]],
    ['the largest gallery', [gallery(10, { description: 'x'.repeat(1_024) })]],
  ])('is taken with %s', (_what, components) => expect(() => send(...components)).not.toThrow());

  it.each<[string, unknown[]]>([
    ['more text', [text('x'.repeat(2_001)), text('x'.repeat(2_000))]],
    ['more components', many(41, () => text('x'))],
    ['a sixth button', [row(...many(6, (index) => button(String(index))))]],
    ['a 26th option', [row(select(26))]],
    ['two options of one value', [row({ ...select(0), options: many(2, () => ({ label: 'x', value: '1' })) })]],
    ['an empty gallery', [gallery(0)]],
    ['an eleventh picture', [gallery(11)]],
    ['alt text that is too long', [gallery(1, { description: 'x'.repeat(1_025) })]],
    ['an id that is too long', [row(button('x'.repeat(101)))]],
    ['an id that occurs twice', [row(button('1'), button('1'))]],
    ['a button and a select in one row', [row(button('1'), select(1))]],
    ['a picture that was not attached', [{ type: 12, items: [{ media: { url: 'attachment://x.png' } }] }]],
    ['a field that Discord does not know', [{ ...text('x'), colour: 1 }]],
    ['nothing', []],
  ])('is refused with %s', (_what, components) => expect(() => send(...components)).toThrow(/Form Body|Empty|empty/));
});

describe('a form', () => {
  const field = (index: number, more: object = {}) => ({
    type: 18,
    label: 'x',
    component: { type: 4, custom_id: String(index), style: 1, ...more },
  });
  const form = (...components: unknown[]) => ({ custom_id: 'x', title: 'x', components });

  it('is taken with five fields', () => expect(parseModal(form(...many(5, (index) => field(index))))).toBeDefined());

  it.each<[string, unknown]>([
    ['six fields', form(...many(6, (index) => field(index)))],
    ['no field', form()],
    ['a title that is too long', { ...form(field(1)), title: 'x'.repeat(46) }],
    ['two fields of one id', form(field(1), field(1))],
    ['a value that is longer than its field', form(field(1, { value: 'xx', max_length: 1 }))],
  ])('is refused with %s', (_what, modal) => expect(() => parseModal(modal)).toThrow('Form Body'));
});

describe('commands', () => {
  const command = (name: string, more: object = {}) => ({ type: 1, name, description: 'x', ...more });
  const option = (name: string, more: object = {}) => ({ type: 3, name, description: 'x', ...more });

  it.each<[string, unknown[]]>([
    ['two of one name', [command('a'), command('a')]],
    ['two of one translation', many(2, (index) => command(`a${index}`, { name_localizations: { 'zh-CN': '画' } }))],
    ['a capital letter', [command('Imagine')]],
    ['a required option behind another', [command('a', { options: [option('b'), option('c', { required: true })] })]],
    ['a 26th option', [command('a', { options: many(26, (index) => option(`o${index}`)) })]],
    ['choices beside completion', [command('a', { options: [option('b', { choices: [], autocomplete: true })] })]],
    ['options beside subcommands', [command('a', { options: [option('b'), { ...option('c'), type: 1 }] })]],
    ['a sixth menu', many(6, (index) => ({ type: 3, name: `M${index}` }))],
    [
      'too much text',
      [
        command('a', {
          options: many(25, (index) =>
            option(`o${index}`, {
              choices: many(6, (choice) => ({ name: `${choice}${'x'.repeat(60)}`, value: String(choice) })),
            }),
          ),
        }),
      ],
    ],
  ])('are refused with %s', (_what, commands) => expect(() => parseCommands(commands)).toThrow('Form Body'));

  it('offer at most 25 choices', () => {
    const choices = (count: number) => ({ choices: many(count, (index) => ({ name: 'x', value: String(index) })) });
    expect(parseChoices(choices(25))).toHaveLength(25);
    expect(() => parseChoices(choices(26))).toThrow('Form Body');
  });
});

it('a caller who does not wait is counted, and banned after too many refusals', () => {
  let at = 0;
  const rules = { send: { limit: 1, windowMs: 1_000 } };
  const limits = createRateLimits({ now: () => at, rules, timeScale: 1, maxInvalid: 3 });
  const call = (): boolean => {
    const { allowed } = limits.take('send', '1', true);
    if (!allowed) limits.count(429);
    return allowed;
  };
  expect([call(), call()]).toEqual([true, false]);
  at = 100;
  expect(call()).toBe(false);
  expect(limits.counts).toMatchObject({ early: 1, invalid: 2 });
  at = 1_000;
  expect(call()).toBe(true);
  expect(limits.isBanned).toBe(false);
  expect(call()).toBe(false);
  expect(limits.isBanned).toBe(true);
  at = 601_001;
  expect(limits.isBanned).toBe(false);
});
