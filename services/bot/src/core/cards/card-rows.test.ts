import { describe, expect, it } from 'vitest';
import { messagesFor } from '../messages/messages-for.ts';
import { controlsOf } from './card-rows.ts';
import type { CardTile } from './job-card.ts';

const requestId = '11111111-1111-4111-8111-111111111111';

function resultOf(count: number, mediaType = 'image/png', isMoving = false) {
  const tiles = Array.from({ length: count }, (_, index): CardTile => ({
    jobId: requestId,
    state: 'done',
    image: { hash: String(index), mediaType, bytes: 1, filename: 'fox.png', alt: '' },
  }));
  const marks = { isDeleted: false, isShared: false };
  const facts = { requestId, state: 'succeeded' as const, tiles, question: null, isMoving, ...marks };
  const { rows, menus } = controlsOf(facts, messagesFor('en'), 'en');
  return {
    rows: rows.map((row) => row.map(({ action }) => action)),
    more: menus.find(({ kind }) => kind === 'more')?.entries.map(({ action }) => action) ?? [],
  };
}

describe('a contact sheet', () => {
  it('is in the menu of a few pictures, and at hand where there are many', () => {
    expect(resultOf(4).more).toContain('sheet');
    expect(resultOf(4).rows.flat()).not.toContain('sheet');
    expect(resultOf(12).rows).toEqual([['reroll', 'remix', 'original', 'sheet']]);
    expect(resultOf(12).more).not.toContain('sheet');
  });

  it('is not offered of one picture, or of what is none', () => {
    const videos = [resultOf(3, 'video/mp4'), resultOf(12, 'video/mp4'), resultOf(3, 'image/webp', true)];
    for (const { rows, more } of [resultOf(1), ...videos]) {
      expect([...rows.flat(), ...more]).not.toContain('sheet');
    }
  });
});
