import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PROMPT_CHARS, MAX_SHOTS } from '../contracts/request.ts';
import { parseShots, type ParsedShot, type ParsedShots } from './parse-shots.ts';

function shotsOf(parsed: ParsedShots): ParsedShot[] {
  if ('problem' in parsed) throw new Error(parsed.problem.en);
  return parsed.shots;
}

const two = [
  { shotId: '1', prompt: 'a fox wakes' },
  { shotId: '2', prompt: 'it runs, fast' },
];

describe('reads a storyboard from', () => {
  test.each<[string, string]>([
    ['lines', 'a fox wakes\nit runs, fast'],
    ['a numbered list with a title', 'My film\n1. a fox wakes\n2) it runs, fast'],
    ['a bulleted list', '- a fox wakes\n- it runs, fast\n'],
    ['marked shots', 'Shot 1: a fox wakes\n\nShot 2: it runs, fast'],
    ['Chinese shots', '镜头1：a fox wakes\n镜头2：it runs, fast'],
    ['a shot over several lines', '1. a fox\n   wakes\n2. it runs, fast'],
    ['lines under a heading', 'Storyboard:\na fox wakes\nit runs, fast'],
    ['a Markdown table', '| Shot | Prompt |\n|---|:-:|\n| 1 | a fox wakes |\n| 2 | it runs, fast |'],
    ['CSV', 'shot_id,prompt\n1,a fox wakes\n2,"it runs, fast"'],
    ['CSV with semicolons', 'id;prompt\n1;a fox wakes\n2;it runs, fast'],
    ['TSV', 'shot\tprompt\r\n1\ta fox wakes\r\n2\tit runs, fast\r\n'],
    ['TSV without a heading', '1\ta fox wakes\n2\tit runs, fast'],
    ['Chinese columns', '镜号,画面\n1,a fox wakes\n2,"it runs, fast"'],
    ['JSON', '{"shots":[{"shot_id":"1","prompt":"a fox wakes"},{"shotId":2,"description":"it runs, fast"}]}'],
    ['a JSON list of texts', '["a fox wakes", "it runs, fast"]'],
    ['a fenced block', '```json\n["a fox wakes", "it runs, fast"]\n```'],
  ])('%s', (_name, text) => {
    expect(parseShots(text)).toEqual({ shots: two });
  });

  test('words with commas, which are no table', () => {
    expect(shotsOf(parseShots('a fox, a hare, a hat\na den, at night')).map(({ prompt }) => prompt)).toEqual([
      'a fox, a hare, a hat',
      'a den, at night',
    ]);
  });

  test('a style for all, wherever it stands', () => {
    for (const text of [
      'Style: ink wash\n1. a fox\n2. a den',
      '风格：ink wash\na fox\na den',
      '1. a fox\n2. a den\n**Style:** ink wash',
    ])
      expect(parseShots(text)).toMatchObject({ style: 'ink wash', shots: [{ prompt: 'a fox' }, { prompt: 'a den' }] });
    expect(parseShots('{"style":"ink wash","scenes":["a fox"]}')).toMatchObject({ style: 'ink wash' });
    expect(parseShots('prompt,style\na fox,ink\na den,ink')).toMatchObject({ style: 'ink' });
  });

  test('lengths, in a column or behind the words', () => {
    expect(shotsOf(parseShots('1. a fox (3s)\n2. a den, 2.5 seconds\n3. 雪地 4秒\n4. the summer of 69'))).toEqual([
      { shotId: '1', prompt: 'a fox', durationSeconds: 3 },
      { shotId: '2', prompt: 'a den', durationSeconds: 2.5 },
      { shotId: '3', prompt: '雪地', durationSeconds: 4 },
      { shotId: '4', prompt: 'the summer of 69' },
    ]);
    expect(shotsOf(parseShots('id,prompt,duration\na,x,5\nb,y,'))).toEqual([
      { shotId: 'a', prompt: 'x', durationSeconds: 5 },
      { shotId: 'b', prompt: 'y' },
    ]);
  });

  test('references by name or number, with their strength', () => {
    expect(
      shotsOf(parseShots('| # | prompt | references |\n|--|--|--|\n| 1 | x | fox.png, 2 |'))[0]?.references,
    ).toEqual([{ name: 'fox.png' }, { name: '2' }]);
    const json = '[{"prompt":"x","references":[{"image":"fox.png","strength":0.4},"den.png"]}]';
    expect(shotsOf(parseShots(json))[0]?.references).toEqual([{ name: 'fox.png', strength: 0.4 }, { name: 'den.png' }]);
  });

  test('ids of the author, and free ones for the others', () => {
    expect(shotsOf(parseShots('id,prompt\n2,x\n,y\nopening,z')).map(({ shotId }) => shotId)).toEqual([
      '2',
      '3',
      'opening',
    ]);
  });
});

describe('says what is wrong with', () => {
  test.each([
    ['nothing', ' \n ', 'no shots'],
    ['a style alone', 'style: ink', 'no shots'],
    ['too many', Array.from({ length: MAX_SHOTS + 1 }, (_, index) => `${index + 1}. x`).join('\n'), 'at most 24'],
    ['one id twice', 'id,prompt\na,x\na,y', '“a” stands twice'],
    ['a long prompt', `1. ${'x'.repeat(MAX_PROMPT_CHARS + 1)}\n2. y`, 'shorten it'],
    ['a long video', '1. a fox (90s)\n2. a den', '0.5 to 30 s'],
    ['broken JSON', '{"shots": [', 'no valid JSON'],
    ['JSON without shots', '{"a": 1}', 'no list of shots'],
    ['a whole book', 'x\n'.repeat(200_001), 'too long'],
  ])('%s', (_name, text, part) => {
    const parsed = parseShots(text);
    expect('problem' in parsed ? parsed.problem.en : '').toContain(part);
    expect('problem' in parsed ? parsed.problem.zh : '').toMatch(/\p{Script=Han}/u);
  });
});

const word = fc.stringMatching(/^[a-z\u4e00-\u4e20]{1,8}$/);
/** Words that hold neither a mark nor a length. */
const prompts = fc.uniqueArray(
  fc.array(word, { minLength: 2, maxLength: 6 }).map((words) => words.join(' ')),
  { minLength: 2, maxLength: MAX_SHOTS },
);

describe('properties', () => {
  test('what is written as CSV, TSV, Markdown, JSON or a list is read as it was', () => {
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const writers: ((list: string[]) => string)[] = [
      (list) => `shot_id,prompt\n${list.map((prompt, index) => `${index + 1},${quoted(prompt)}`).join('\n')}`,
      (list) => `shot_id\tprompt\n${list.map((prompt, index) => `${index + 1}\t${prompt}`).join('\n')}`,
      (list) =>
        `| shot | prompt |\n| --- | --- |\n${list.map((prompt, index) => `| ${index + 1} | ${prompt} |`).join('\n')}`,
      (list) => JSON.stringify({ shots: list.map((prompt, index) => ({ shot_id: String(index + 1), prompt })) }),
      (list) => list.map((prompt, index) => `${index + 1}. ${prompt}`).join('\n'),
    ];
    fc.assert(
      fc.property(prompts, fc.constantFrom(...writers), (list, write) => {
        expect(parseShots(write(list))).toEqual({
          shots: list.map((prompt, index) => ({ shotId: String(index + 1), prompt })),
        });
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  test('whatever the text, it gives shots within the limits or one sentence, soon', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 400, unit: 'grapheme' }),
      fc
        .array(
          fc.constantFrom(
            '1.',
            '|',
            '---',
            ',',
            '\t',
            '\n',
            '"',
            '{',
            '[',
            'style:',
            'shot',
            'prompt',
            '3s',
            '镜头',
            ':',
            'a',
          ),
          { maxLength: 80 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (value) => {
        const parsed = parseShots(value);
        const shots = 'problem' in parsed ? [] : parsed.shots;
        const problem = 'problem' in parsed ? parsed.problem.en : '';
        expect(shots.length > 0).toBe(problem === '');
        expect(shots.length).toBeLessThanOrEqual(MAX_SHOTS);
        expect(new Set(shots.map(({ shotId }) => shotId)).size).toBe(shots.length);
        expect(shots.every(({ prompt, durationSeconds = 1 }) => prompt.trim() !== '' && durationSeconds >= 0.5)).toBe(
          true,
        );
      }),
      { seed: 5, numRuns: 600 },
    );
  });
});
