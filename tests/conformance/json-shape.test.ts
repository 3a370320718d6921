import { describe, expect, it } from 'vitest';
import { shapeDifferences } from './json-shape.ts';

const of = (a: unknown, b: unknown) => shapeDifferences(a, b, 'x', new Set(['success']));

describe('shapes of answers', () => {
  it('are equal whatever the values', () => {
    expect(of({ a: 1, b: ['x'], c: [{ d: null }] }, { a: 2, b: ['y', 'z'], c: [{ d: null }] })).toEqual([]);
  });
  it.each([
    [{ a: 1 }, {}, 'x.a: number, absent'],
    [{}, { a: null }, 'x.a: absent, null'],
    [[{}], [], 'x: 1 items, 0 items'],
    [[{ a: 1 }], [{ a: '1' }], 'x.0.a: number, string'],
    [{ s: 'success' }, { s: 'error' }, 'x.s: success, error'],
    [[1], { 0: 1 }, 'x: list, object'],
  ])('differ: %j, %j', (a, b, difference) => {
    expect(of(a, b)).toEqual([difference]);
  });
});
