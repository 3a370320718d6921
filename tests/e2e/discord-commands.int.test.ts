import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ButtonAction, buttonActions, formatButtonId } from '@atelier/bot/core/cards/card-buttons';
import type { CommandName, CommandOption } from '@atelier/bot/core/commands/command-spec';
import { commandTable } from '@atelier/bot/core/commands/command-table';
import type { FormSpec } from '@atelier/bot/core/forms/form-spec';
import type { ChatCommandCall, ChatOutcome } from '@atelier/bot/ports';
import { flatten, type SentFile } from '../support/discord/check-message.ts';
import type { FakeMessage } from '../support/discord/discord-state.ts';
import { buttonsOf, type OptionValues, selectsOf, textOf } from '../support/discord/fake-person.ts';
import { type ScriptedBot, startScriptedBot } from '../support/discord/scripted-bot.ts';

/* Every command, menu, button and form over the wire: what people do arrives in the core as it was meant, and every
   outcome is drawn within Discord's rules, which the fake enforces. */

let bot: ScriptedBot;
const picture: SentFile = { name: 'fox.png', contentType: 'image/png', bytes: Buffer.from('a picture') };
const json: SentFile = { name: 'flow.json', contentType: 'application/json', bytes: Buffer.from('{"1":{}}') };

beforeAll(async () => {
  bot = await startScriptedBot({
    // One person does what a team does in an hour.
    discord: { rateRules: { 'message-create': { limit: 1_000, windowMs: 1_000 } } },
  });
  for (let digit = 0; digit < 10; digit++) bot.core.files.set(String(digit).repeat(64), Buffer.from('a picture'));
  bot.core.files.set('f'.repeat(64), Buffer.from('a thumbnail'));
});
afterAll(() => bot.stop());
beforeEach(() => bot.core.reset());
afterEach(() => bot.discord.assertCorrect());

const said: ChatOutcome = { outcome: 'said', text: 'done' };

function exampleOf(option: CommandOption): OptionValues[string] {
  switch (option.type) {
    case 'whole':
    case 'number':
      return option.min ?? 1;
    case 'switch':
      return true;
    case 'image':
      return { ...picture, name: `${option.name}.png` };
    case 'file':
      return json;
    case 'person':
      return bot.mei.user.id;
    case 'channel':
      return bot.discord.channel.id;
    default:
      return option.choices?.[0]?.value ?? 'a fox';
  }
}

interface NamedCall {
  words: string;
  command: CommandName;
  subcommand: string | undefined;
  options: readonly CommandOption[];
}
const calls = commandTable.flatMap((spec): NamedCall[] =>
  spec.subcommands === undefined
    ? [{ words: spec.name, command: spec.name, subcommand: undefined, options: spec.options }]
    : spec.subcommands.map((sub) => ({
        words: `${spec.name} ${sub.name}`,
        command: spec.name,
        subcommand: sub.name,
        options: sub.options,
      })),
);

describe('commands', () => {
  it.each(calls)('/$words hands over every option', async ({ words, command, subcommand, options }) => {
    const taken: ChatCommandCall[] = [];
    bot.core.script.run = async (call) => {
      taken.push(call);
      return said;
    };
    const values = Object.fromEntries(options.map((option) => [option.name, exampleOf(option)]));
    const { original } = await bot.mei.slash(words, values);
    expect(original && textOf(original)).toBe('done');
    const attached = options.filter((option) => option.type === 'image' || option.type === 'file');
    expect(taken).toEqual([
      {
        command,
        ...(subcommand === undefined ? {} : { subcommand }),
        values: Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value !== 'object')),
        attachments: Object.fromEntries(
          attached.map(({ name, type }) => [
            name,
            expect.objectContaining(type === 'image' ? { kind: 'image' } : { kind: 'text', text: '{"1":{}}' }),
          ]),
        ),
      },
    ]);
  });

  const suggesting = calls.flatMap(({ words, options }) =>
    options.flatMap(({ name, suggest }) => (suggest === undefined ? [] : [{ words, name, suggest }])),
  );
  it.each(suggesting)('/$words completes $name', async ({ words, name, suggest }) => {
    bot.core.script.suggest = async (source, typed) =>
      Array.from({ length: 30 }, (_, index) => ({
        value: `${source}-${index}`,
        label: `${typed} ${'long '.repeat(30)}`,
      }));
    const choices = await bot.mei.complete(words, name, 'fo');
    expect(choices).toHaveLength(25);
    expect(choices[0]).toEqual({ value: `${suggest}-0`, name: expect.stringMatching(/^fo long/) });
  });

  it('are localised: a Chinese reader sees and reads Chinese', async () => {
    for (const command of bot.discord.commands.current) {
      expect(command.name_localizations?.['zh-CN']).toMatch(/\p{Script=Han}/u);
    }
    const hua = bot.discord.addPerson('Hua', { locale: 'zh-CN' });
    const { original } = await hua.slash('help');
    expect(original && textOf(original)).toMatch(/\p{Script=Han}/u);
  });

  it('carry what Discord says about who asks and where', async () => {
    const role = bot.discord.addRole('painters');
    const chief = bot.discord.addPerson('Ana', { roles: [role], permissions: String(1 << 5) });
    const adult = bot.discord.addChannel('adults', { nsfw: true });
    let standing: unknown;
    bot.core.script.run = async (_call, by) => {
      standing = by.standing;
      return said;
    };
    await chief.slash('help', {}, adult.id);
    expect(standing).toMatchObject({ channelIds: [adult.id], isAdultPlace: true, isChatAdmin: true, isDirect: false });
    expect((standing as { roles: string[] }).roles).toContain(role);
    await chief.slash('help', {}, chief.direct().id);
    expect(standing).toMatchObject({ isAdultPlace: false, isDirect: true });
  });
});

const form: FormSpec = {
  id: formatButtonId('remix', '11111111-1111-4111-8111-111111111111'),
  title: 'Remix',
  hint: 'Write the new words',
  textField: 'prompt',
  submitLabel: 'Send',
  fields: [
    { name: 'prompt', label: 'Prompt', kind: 'paragraph', value: 'a fox', required: true, maxLength: 4_000 },
    { name: 'negative', label: 'Without', kind: 'line', required: false, maxLength: 1_000, placeholder: 'text' },
    {
      name: 'aspect',
      label: 'Shape',
      kind: 'choice',
      value: '3:4',
      required: false,
      maxLength: 10,
      choices: ['1:1', '3:4'].map((value) => ({ value, label: value })),
    },
  ],
};
const entry = { title: 'a *fox*', text: 'yesterday · 2 pictures' };
const show = { action: 'show' as const, label: 'Show', style: 'secondary' as const };

/** One of each kind; ids of requests are filled in where there are any. */
function outcomes(): Record<ChatOutcome['outcome'], () => ChatOutcome> {
  const facts = () => bot.factsOf({ ended: true, pictures: 4 });
  const id = facts().request.id;
  const image = { hash: '1'.repeat(64), mediaType: 'image/png', bytes: 9, filename: 'fox.png', alt: 'a fox' };
  return {
    said: () => said,
    accepted: () => bot.accepted(String(Math.random())),
    queue: () => ({ outcome: 'queue', facts: { open: [], forecasts: new Map() }, personId: id }),
    card: () => ({ outcome: 'card', facts: facts() }),
    panel: () => ({
      outcome: 'panel',
      panel: {
        title: 'Picture 2',
        text: 'What now?',
        code: '/imagine a fox ``` --ar 3:4',
        image,
        rows: [
          Array.from({ length: 7 }, (_, index) => ({ ...show, id: formatButtonId('show', id, { picture: index }) })),
        ],
        links: [{ label: 'Open', url: 'https://pictures.example/fox' }],
      },
    }),
    list: () => ({
      outcome: 'list',
      list: {
        list: 'history',
        title: 'History',
        summary: '30 requests, page 1 of 3',
        entries: Array.from({ length: 10 }, (_, index) => ({
          ...entry,
          image,
          button: { ...show, id: formatButtonId('show', id, { picture: index }) },
        })),
        page: 0,
        pages: 3,
        buttons: [
          { ...show, action: 'page', label: 'Next', id: formatButtonId('page', id, { picture: 1, arg: 'history' }) },
        ],
      },
    }),
    files: () => ({
      outcome: 'files',
      text: 'Here they are.',
      files: [
        { kind: 'stored', ...image },
        { kind: 'text', filename: 'flow.json', mediaType: 'application/json', text: '{}' },
      ],
    }),
    form: () => ({ outcome: 'form', form }),
    answered: () => ({ outcome: 'answered', requestId: id, text: 'Running it.' }),
  };
}

describe('outcomes', () => {
  const privateKinds = ['said', 'queue', 'card', 'panel', 'list', 'files', 'answered'] as const;
  it.each(privateKinds)('%s is for who asked, and within the rules', async (kind) => {
    const outcome = outcomes()[kind]();
    bot.core.script.run = async () => outcome;
    const { original } = await bot.mei.slash('imagine', { prompt: 'a fox' });
    expect(original?.onlyFor).toBe(bot.mei.user.id);
  });

  it('the card of a request is for everybody, and a form is a modal', async () => {
    bot.core.script.run = async (_call, by) => bot.accepted(by.eventId);
    const { original } = await bot.mei.slash('imagine', { prompt: 'a fox' });
    expect(original).toBeDefined();
    expect(original?.onlyFor).toBeUndefined();
    bot.core.script.run = async () => outcomes().form();
    const { modal } = await bot.mei.slash('imagine', { prompt: 'a fox' });
    expect(modal).toMatchObject({ title: 'Remix', custom_id: form.id });
  });

  it('files come as they are, with their names', async () => {
    const outcome = outcomes().files();
    bot.core.script.run = async () => outcome;
    const { original } = await bot.mei.slash('history');
    expect(original?.attachments.map((file) => [file.filename, file.content_type])).toEqual([
      ['1-fox.png', 'image/png'],
      ['flow.json', 'application/json'],
    ]);
  });

  it('a list shows pictures, a menu of its entries and buttons to its other pages, which change it in place', async () => {
    const { list } = outcomes();
    bot.core.script.run = async () => list();
    const { original } = await bot.mei.slash('history');
    if (original === undefined) throw new Error('no list');
    expect(flatten(original.components).filter((one) => one.type === 9)).toHaveLength(10);
    expect(selectsOf(original)).toHaveLength(1);
    bot.core.script.press = async () => said;
    const turned = await bot.mei.press(original, 'Next');
    expect(turned.original?.id).toBe(original.id);
    expect(textOf(original)).toBe('done');
  });
});

describe('buttons', () => {
  const opened = { remix: 1, edit: 1, vary_region: 1, animate: 1, report: 1, answer_text: 1 } satisfies Partial<
    Record<ButtonAction, 1>
  >;
  let card: FakeMessage;

  beforeEach(async () => {
    card = await bot.postResult(bot.factsOf({ ended: true, pictures: 4 }));
  });

  it.each(buttonActions)('%s arrives as it was made, and after a restart', async (action) => {
    const id = '11111111-1111-4111-8111-111111111111';
    let pressed: unknown;
    bot.core.script.press = async (button) => {
      pressed = button;
      return action in opened ? { outcome: 'form', form } : said;
    };
    // As a card shows it that a version of last year drew.
    card.components = [
      {
        type: 1,
        components: [
          { type: 2, style: 2, label: 'Old', custom_id: formatButtonId(action, id, { picture: 3, arg: 'x' }) },
        ],
      },
    ];
    const { original, modal } = await bot.mei.press(card, 'Old');
    expect(pressed).toEqual({ action, requestId: id, picture: 3, arg: 'x' });
    expect(modal?.title ?? (original && textOf(original))).toBe(action in opened ? 'Remix' : 'done');
  });

  it('of a card are those of the core, and all of its menus work', async () => {
    const pressed: string[] = [];
    bot.core.script.press = async (button) => {
      pressed.push(`${button.action} ${button.picture ?? ''}`);
      return said;
    };
    const labels = buttonsOf(card).map((button) => button.label);
    expect(labels).toEqual(expect.arrayContaining(['U1', 'U2', 'U3', 'U4', 'V1', 'V2', 'V3', 'V4']));
    const [pictures, more] = selectsOf(card);
    if (pictures?.type !== 3 || more?.type !== 3) throw new Error('no menus');
    expect(pictures.options).toHaveLength(4);
    await bot.mei.press(card, 'U2');
    await bot.mei.choose(card, pictures.options[2]?.label ?? '');
    for (const { label } of more.options) await bot.mei.choose(card, label);
    expect(pressed.slice(0, 2)).toEqual(['upscale_subtle 1', 'pick 2']);
    expect(pressed).toHaveLength(2 + more.options.length);
  });

  it('of another bot, or of a version that is no more, say that they are gone', async () => {
    card.components = [{ type: 1, components: [{ type: 2, style: 2, label: 'Old', custom_id: 'retired:1' }] }];
    const { original } = await bot.mei.press(card, 'Old');
    expect(original).toMatchObject({ onlyFor: bot.mei.user.id });
    expect(original && textOf(original)).not.toBe('');
  });

  it('that answer a question change the card at once', async () => {
    const facts = bot.factsOf({ ended: false });
    bot.core.script.press = async () => ({ outcome: 'answered', requestId: facts.request.id, text: 'Running it.' });
    card.components = [
      {
        type: 1,
        components: [
          { type: 2, style: 3, label: 'Run', custom_id: formatButtonId('answer', facts.request.id, { arg: 'run' }) },
        ],
      },
    ];
    const { original } = await bot.mei.press(card, 'Run');
    expect(original?.id).toBe(card.id);
    expect(textOf(card)).toContain('a red fox in snow');
  });
});

describe('forms', () => {
  it('come back with every value, prefilled ones as they were', async () => {
    const card = await bot.postResult(bot.factsOf({ ended: true }));
    bot.core.script.press = async () => ({ outcome: 'form', form });
    let taken: unknown;
    bot.core.script.submitForm = async (pressed, values, by) => {
      taken = { pressed, values };
      return bot.accepted(by.eventId);
    };
    const opened = await bot.mei.press(card, { id: 'rm:' });
    const { original } = await bot.mei.submit(opened, { negative: 'snow' });
    expect(taken).toEqual({
      pressed: { action: 'remix', requestId: '11111111-1111-4111-8111-111111111111' },
      values: { prompt: 'a fox', negative: 'snow', aspect: '3:4' },
    });
    expect(original && textOf(original)).toContain('a red fox in snow');
  });

  it('that come too late are said to be, within 3 s', async () => {
    const card = await bot.postResult(bot.factsOf({ ended: true }));
    const slow = Promise.withResolvers<ChatOutcome>();
    bot.core.script.press = () => slow.promise;
    const { original, answeredAfterMs } = await bot.mei.press(card, { id: 'rm:' });
    expect(answeredAfterMs).toBeLessThan(3_000);
    expect(original).toMatchObject({ onlyFor: bot.mei.user.id });
    slow.resolve({ outcome: 'form', form });
  });
});

describe("a message's menu", () => {
  it.each(['Describe', 'Upscale'])('%s takes the pictures of anybody', async (name) => {
    const said = await bot.discord.addPerson('Ivo').say('look', { attach: [picture, picture] });
    let call: ChatCommandCall | undefined;
    bot.core.script.run = async (given, by) => {
      call = given;
      return bot.accepted(by.eventId);
    };
    const { original } = await bot.mei.menu(name, said);
    expect(call).toMatchObject({ command: name.toLowerCase(), images: [{}, {}] });
    expect(original?.onlyFor).toBeUndefined();
  });

  it.each([
    ['Edit', 'run'],
    ['Use as reference', 'submit'],
  ])('%s asks for words, and takes pictures that we could not read again', async (name) => {
    const said = await bot.discord.addPerson('Ivo').say('look', { attach: [picture] });
    const opened = await bot.mei.menu(name, said);
    bot.discord.state.delete(said.id);
    let taken: unknown;
    bot.core.script.run = async (call, by) => {
      taken = { text: call.values['prompt'], images: call.images };
      return bot.accepted(by.eventId);
    };
    bot.core.script.submit = async (line) => {
      taken = { text: line.text, images: line.images, operation: line.options?.operation };
      return bot.accepted(line.eventId);
    };
    await bot.mei.submit(opened, { text: 'at night' });
    expect(taken).toMatchObject({ text: 'at night', images: [{ mediaType: 'image/png' }] });
  });

  it('on a card of ours is about its request', async () => {
    const facts = bot.factsOf({ ended: true, pictures: 4 });
    const card = await bot.postResult(facts);
    const pressed: unknown[] = [];
    bot.core.script.press = async (button) => {
      pressed.push(button);
      return said;
    };
    bot.core.script.run = async (call) => {
      pressed.push(call.about);
      return said;
    };
    for (const name of ['Edit', 'Describe', 'Upscale', 'Show workflow']) await bot.mei.menu(name, card);
    const requestId = facts.request.id;
    expect(pressed).toEqual([
      { action: 'edit', requestId, picture: 0 },
      [{ requestId }],
      { action: 'upscale_subtle', requestId, picture: 0 },
      { action: 'open', requestId },
    ]);
  });

  it('Show workflow gives the workflow of a file, and every menu says where there is nothing', async () => {
    const flow = await bot.mei.say('flow', { attach: [json] });
    const { original } = await bot.mei.menu('Show workflow', flow);
    expect(original?.attachments.map((file) => Buffer.from(file.bytes).toString())).toEqual(['{"1":{}}']);
    const empty = await bot.mei.say('nothing here');
    for (const name of ['Edit', 'Describe', 'Upscale', 'Use as reference', 'Show workflow']) {
      const { original: refusal } = await bot.mei.menu(name, empty);
      expect(refusal).toMatchObject({ onlyFor: bot.mei.user.id });
      expect(refusal && textOf(refusal)).toMatch(/picture/);
    }
  });
});
