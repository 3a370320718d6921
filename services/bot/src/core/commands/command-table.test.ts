import { expect, it } from 'vitest';
import { bestMatches } from './best-matches.ts';
import { checkCall } from './check-call.ts';
import { commandNames, type CommandOption } from './command-spec.ts';
import { commandTable, findCommand } from './command-table.ts';
import { parseParameters } from './parse-parameters.ts';
import { parseShots } from './parse-shots.ts';

const lists = commandTable.flatMap((spec) => [
  { where: spec.name, options: spec.options, textOption: spec.textOption },
  ...(spec.subcommands ?? []).map((sub) => ({ where: `${spec.name} ${sub.name}`, ...sub })),
]);

it('has every command once, under names that fit the platforms', () => {
  expect(commandTable.map(({ name }) => name).toSorted()).toEqual([...commandNames].toSorted());
  const names = commandTable.flatMap((spec) => [spec.name, spec.zhName, ...spec.aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const spec of commandTable) {
    expect(findCommand(spec.zhName)).toBe(spec);
    // Discord: letters, digits, hyphens and underscores, in lower case; descriptions of at most 100 characters.
    for (const named of [spec, ...(spec.subcommands ?? [])]) {
      expect(named.name).toMatch(/^[a-z_]{1,32}$/);
      expect(named.zhName).toMatch(/^[\p{Script=Han}\d]{1,32}$/u);
      expect(Math.max(named.description.en.length, named.description.zh.length)).toBeLessThanOrEqual(100);
    }
  }
});

it.each(lists)('$where offers what the platforms take', ({ options, textOption }) => {
  expect(options.length).toBeLessThanOrEqual(25);
  const names = options.flatMap((option: CommandOption) => [option.name, option.zhName, ...(option.aliases ?? [])]);
  expect(new Set(names).size).toBe(names.length);
  const required = options.map((option: CommandOption) => option.required === true);
  expect(required).toEqual(required.toSorted((a, b) => Number(b) - Number(a)));
  const optionNames: (string | undefined)[] = [...options.map((option) => option.name), undefined];
  expect(optionNames).toContain(textOption);
  for (const option of options) {
    expect(option.name).toMatch(/^[a-z_0-9]{1,32}$/);
    expect(Math.max(option.description.en.length, option.description.zh.length)).toBeLessThanOrEqual(100);
    expect(option.choices?.length ?? 0).toBeLessThanOrEqual(25);
    expect(option.choices !== undefined && option.suggest !== undefined).toBe(false);
  }
});

it.each([
  [{ command: 'usage', values: { days: '91' } }, /1 to 90/],
  [{ command: 'gallery', values: { of: 'theirs' } }, /one of: team, mine/],
  [{ command: 'show', values: {} }, /needs job/],
  [{ command: 'settings', subcommand: 'mine', values: { private: 'perhaps' } }, /on or off/],
] as const)('refuses %j', (call, sentence) => {
  expect(() => checkCall(call)).toThrow(sentence);
});

it('takes choices by their name in any language, and switches in words', () => {
  const call = checkCall({ command: 'gallery', values: { of: '我的收藏', page: '2' } });
  expect([call.text('of'), call.number('page')]).toEqual(['mine', 2]);
  expect(checkCall({ command: 'cancel', values: { all: '是' } }).flag('all')).toBe(true);
});

it.each([
  ['a fox wakes; it runs；it sleeps', ['a fox wakes', 'it runs', 'it sleeps']],
  ['1. a fox wakes\n\n2) it runs\n镜头三：它睡了', ['a fox wakes', 'it runs', '它睡了']],
  ['["a fox", {"id": "b", "prompt": "a hare"}]', ['a fox', 'a hare']],
])('reads the shots of %j', (text, prompts) => {
  expect(parseShots(text).map(({ prompt }) => prompt)).toEqual(prompts);
});

it.each(['', '{"shots": [{"text": "a"}]}', '["a", {"id": "1", "prompt": "b"}]', Array(25).fill('a fox').join('\n')])(
  'refuses %j as shots',
  (text) => {
    expect(() => parseShots(text)).toThrow(/shots/);
  },
);

it('reads parameters with their types, and large seeds as they are', () => {
  expect(parseParameters('steps=30; prompt=a fox, in snow；tiling＝true\nseed=18446744073709551615; name="7"')).toEqual(
    {
      steps: 30,
      prompt: 'a fox, in snow',
      tiling: true,
      seed: '18446744073709551615',
      name: '7',
    },
  );
  for (const text of ['', 'steps', 'a=1;a=2', '__proto__=1']) expect(() => parseParameters(text)).toThrow(/parameter/);
});

it('puts what begins as typed first', () => {
  const all = ['juggernaut_xl', 'sd_xl_base_1.0', 'flux-dev', 'xl-turbo'].map((value) => ({ value, label: value }));
  const found = (typed: string) => bestMatches(all, typed, 3).map(({ value }) => value);
  expect(found('xl')).toEqual(['xl-turbo', 'juggernaut_xl', 'sd_xl_base_1.0']);
  expect(found('base xl')).toEqual(['sd_xl_base_1.0']);
  expect(found('')).toHaveLength(3);
});
