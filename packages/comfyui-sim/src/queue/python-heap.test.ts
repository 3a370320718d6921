import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heapify, heapPop, heapPush } from './python-heap.ts';
import type { HeapItem } from './python-heap.ts';

const item = (number: number, promptId = ''): HeapItem => ({ number, promptId });
const items = fc.array(
  fc.record({ number: fc.integer({ min: -20, max: 20 }), promptId: fc.constantFrom('a', 'b', 'c') }),
  { maxLength: 40 },
);

function compare(a: HeapItem, b: HeapItem): number {
  if (a.number !== b.number) return a.number - b.number;
  return a.promptId < b.promptId ? -1 : Number(a.promptId > b.promptId);
}

describe('the heap', () => {
  it("lies in memory as Python's heapq leaves it", () => {
    const heap: HeapItem[] = [];
    for (const number of [10, -11, -5, 3, -20, 7]) heapPush(heap, item(number));
    // The lists are what Python 3.13 prints for the same operations.
    expect(heap.map(({ number }) => number)).toEqual([-20, -11, -5, 10, 3, 7]);
    heap.splice(1, 1);
    heapify(heap);
    expect(heap.map(({ number }) => number)).toEqual([-20, -5, 10, 3, 7]);
    expect(heapPop(heap)?.number).toBe(-20);
    expect(heap.map(({ number }) => number)).toEqual([-5, 3, 10, 7]);
  });

  it('gives items by number, then by id', () => {
    fc.assert(
      fc.property(items, (all) => {
        const heap: HeapItem[] = [];
        for (const each of all) heapPush(heap, each);
        const popped: HeapItem[] = [];
        for (let next = heapPop(heap); next !== undefined; next = heapPop(heap)) popped.push(next);
        expect(popped).toEqual([...all].sort(compare));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('is a heap again after one was taken from the middle', () => {
    fc.assert(
      fc.property(items, fc.nat(), (all, at) => {
        fc.pre(all.length > 0);
        const heap: HeapItem[] = [];
        for (const each of all) heapPush(heap, each);
        heap.splice(at % heap.length, 1);
        heapify(heap);
        const isInOrder = heap.every(
          (each, index) => index === 0 || compare(heap[(index - 1) >> 1] ?? each, each) <= 0,
        );
        expect(isInOrder).toBe(true);
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});
