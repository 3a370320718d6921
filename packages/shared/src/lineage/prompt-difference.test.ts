import fc from 'fast-check';
import { expect, test } from 'vitest';
import { promptDifference } from './prompt-difference.ts';

const plan = {
  recipe: 'sdxl',
  prompt: 'a red fox in snow',
  seed: '1',
  model: 'base',
  width: 1024,
  height: 1024,
  steps: 25,
};

test('words that were taken out and put in, in their order', () => {
  const { prompt, settings } = promptDifference(plan, { ...plan, prompt: 'a blue fox in deep snow', seed: '2' });
  expect(prompt).toEqual([
    { kind: 'same', text: 'a ' },
    { kind: 'removed', text: 'red ' },
    { kind: 'added', text: 'blue ' },
    { kind: 'same', text: 'fox in ' },
    { kind: 'added', text: 'deep ' },
    { kind: 'same', text: 'snow' },
  ]);
  expect(settings).toEqual([{ setting: 'seed', before: '1', after: '2' }]);
});

test('each Chinese character is a word', () => {
  const { prompt } = promptDifference({ ...plan, prompt: '雪地里的红狐狸' }, { ...plan, prompt: '雪地里的白狐狸' });
  expect(prompt).toEqual([
    { kind: 'same', text: '雪地里的' },
    { kind: 'removed', text: '红' },
    { kind: 'added', text: '白' },
    { kind: 'same', text: '狐狸' },
  ]);
});

test('settings that came, went and changed', () => {
  const { steps: _steps, ...without } = plan;
  expect(promptDifference(plan, { ...without, width: 768, strength: 0.35 })).toEqual({
    prompt: [],
    settings: [
      { setting: 'size', before: '1024 × 1024', after: '768 × 1024' },
      { setting: 'steps', before: '25' },
      { setting: 'strength', after: '0.35' },
    ],
  });
});

test('the parts make both prompts again', () => {
  const words = fc
    .array(fc.constantFrom('a ', 'fox ', 'red ', '雪', ', ', 'in\n'), { maxLength: 30 })
    .map((list) => list.join(''));
  fc.assert(
    fc.property(words, words, (before, after) => {
      const { prompt } = promptDifference({ ...plan, prompt: before }, { ...plan, prompt: after });
      const joined = (left: string): string =>
        prompt.map(({ kind, text }) => (kind === 'same' || kind === left ? text : '')).join('');
      expect(prompt.length === 0).toBe(before === after);
      expect(joined('added')).toBe(prompt.length === 0 ? '' : after);
      expect(joined('removed').replaceAll(/\s+/g, '')).toBe(prompt.length === 0 ? '' : before.replaceAll(/\s+/g, ''));
    }),
    { seed: 9, numRuns: 300 },
  );
});
