import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventLog, parseEventId, type EventPosition } from './event-log.ts';

const create = (capacity = 5) => createEventLog({ epoch: 'boot-1', capacity, now: () => 1_000 });
const positionOf = (id: string | undefined): EventPosition => {
  const position = parseEventId(id ?? '');
  if (position === undefined) throw new Error(`${id} is no id`);
  return position;
};

describe('what a client missed', () => {
  it('is exactly what came after its last id, as long as that is kept', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }), (before, after) => {
        const log = create(12);
        for (let index = 0; index < before; index++) log.append({ type: 'status', data: { index } });
        const position = positionOf(log.position());
        for (let index = 0; index < after; index++) log.append({ type: 'status', data: { index: before + index } });
        const missed = log.since(position);
        const expected = Array.from({ length: after }, (_, index) => before + index);
        expect(missed?.map(({ data }) => data['index'])).toEqual(after > 12 ? undefined : expected);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('is unknown for another process, and for what was not told yet', () => {
    const log = create();
    const { id } = log.append({ type: 'system', data: {} });
    expect(log.since({ ...positionOf(id), epoch: 'boot-2' })).toBeUndefined();
    expect(log.since({ ...positionOf(id), number: 9 })).toBeUndefined();
  });

  it.each(['', 'x', 'a.b.c', '1.2', 'boot.1.2.3', `${'a'.repeat(41)}.1.2`, 'boot.-1.2'])('%j is no id', (text) => {
    expect(parseEventId(text)).toBeUndefined();
  });
});
