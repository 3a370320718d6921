import { expect, test } from 'vitest';
import { notationFrom } from './notation-text.ts';

const notation = `${Array.from({ length: 100 }, (_, index) => `node${index + 1} = EmptyImage(width=64)`).join('\n')}\n`;

test('a long draft is read part by part, and nothing of it is lost', () => {
  const seen: string[] = [];
  for (let from: number | undefined = 1; from !== undefined;) {
    const part: string = notationFrom(notation, from, 1_000);
    expect(part.length).toBeLessThan(1_100);
    const next = /from_line (\d+)$/.exec(part)?.[1];
    seen.push(...part.split('\n').filter((line) => !line.startsWith('…')));
    from = next === undefined ? undefined : Number(next);
  }
  expect(seen.join('\n')).toBe(notation.trimEnd());
});

test('one line alone may be longer than an answer, and a line that is not there says so', () => {
  expect(notationFrom(`a = X(text="${'y'.repeat(50)}")\nb = Z()`, 1, 20)).toMatch(/^a = X\(text="y+\n… 1 more lines/);
  expect(notationFrom('a = X()', 9)).toBe('It has 1 lines.');
});
