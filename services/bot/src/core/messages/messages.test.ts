import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { zh } from './zh.ts';

/** Every sentence of a catalogue by its path; functions are called with small numbers. */
function sentences(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    const say = value as (...args: unknown[]) => string;
    if (/startsIn|endsIn/.test(path)) return [[path, say({ low: 70, high: 200 })]];
    // What takes its parts by name is given the same for each.
    const takesNames = /^\(\s*\{/.test(String(say));
    return [[path, takesNames ? say(new Proxy({}, { get: () => 2 })) : say(2, 3, 'fox')]];
  }
  return Object.entries(value as Record<string, unknown>).flatMap(([key, inner]) => sentences(inner, `${path}.${key}`));
}

describe('the catalogues', () => {
  it('say everything in both languages', () => {
    const english = sentences(en);
    const chinese = new Map(sentences(zh));
    expect(english.map(([path]) => path)).toEqual([...chinese.keys()]);
    const said = (text: string) => text.trim() !== '' && !/undefined|NaN|\[object/.test(text);
    expect(english.filter(([, text]) => !said(text))).toEqual([]);
    expect([...chinese].filter(([, text]) => !said(text) || !/[\p{Script=Han}：]/u.test(text))).toEqual([]);
  });

  it.each([
    [{ low: 0.2, high: 0.6 }, 'starts now', '马上开始'],
    [{ low: 3, high: 3.4 }, 'starts in about 3 s', '约 3 秒后开始'],
    [{ low: 12, high: 24 }, 'starts in about 10–25 s', '约 10–25 秒后开始'],
    [{ low: 50, high: 100 }, 'starts in about 1–2 min', '约 1–2 分钟后开始'],
    [{ low: 3_000, high: 7_200 }, 'starts in about 1–2 h', '约 1–2 小时后开始'],
  ])('round %j to what a person would say', (range, english, chinese) => {
    expect(en.queue.startsIn(range)).toBe(english);
    expect(zh.queue.startsIn(range)).toBe(chinese);
  });

  it.each([
    [1, '1st'],
    [2, '2nd'],
    [3, '3rd'],
    [4, '4th'],
    [11, '11th'],
    [12, '12th'],
    [22, '22nd'],
    [113, '113th'],
  ])('count %d as %s', (position, words) => {
    expect(en.queue.position(position)).toBe(`${words} in line`);
  });
});
