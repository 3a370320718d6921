import { describe, expect, it } from 'vitest';
import { plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { renderQueueCard } from './queue-card.ts';

const me = '22222222-2222-4222-8222-222222222222';
const id = (n: number): string => `${String(n).repeat(8)}-1111-4111-8111-111111111111`;
const mine = requestRecord({ id: id(1), state: 'working', plan });
const theirs = requestRecord({ id: id(2), state: 'working', plan, personId: id(9), personName: 'Ana' });
const planned = requestRecord({ id: id(3), state: 'planning', personId: id(9), personName: 'Ana' });

describe('renderQueueCard', () => {
  const facts = {
    open: [mine, theirs, planned],
    forecasts: new Map([
      [mine.id, { place: 1, starts: { low: 7, high: 14 } }],
      [theirs.id, { place: 0, ends: { low: 7, high: 14 } }],
    ]),
  };

  it('lists what runs, then who waits, then what is planned', () => {
    const card = renderQueueCard(facts, 'en', me);
    expect(card.summary).toBe('1 running, 2 waiting');
    expect(card.entries.map(({ author, state, position, text }) => [author, state, position, text])).toEqual([
      ['Ana', 'running', undefined, 'done in about 7–15 s'],
      ['You', 'waiting', 1, 'starts in about 7–15 s'],
      ['Ana', 'planning', undefined, 'Planning'],
    ]);
  });

  it('shows words to their author alone', () => {
    const titles = (reader?: string) => renderQueueCard(facts, 'en', reader).entries.map((entry) => entry.title);
    expect(titles(me)).toEqual([undefined, 'a red fox in snow, portrait, 2 images', undefined]);
    expect(titles()).toEqual([undefined, undefined, undefined]);
  });

  it('says what keeps GPUs from all this', () => {
    const held = { pausedGpus: 1, foreignPrompts: 2 };
    expect(renderQueueCard({ ...facts, held }, 'en', me).summary).toBe(
      '1 running, 2 waiting · 1 GPU is paused, 2 asked of ComfyUI directly, and counted in the times',
    );
    expect(renderQueueCard({ ...facts, held: { ...held, pausedGpus: 0 } }, 'zh', me).summary).toContain('2 个直接提交');
  });

  it('says when nothing waits, and how many do not fit', () => {
    expect(renderQueueCard({ open: [], forecasts: new Map() }, 'zh')).toMatchObject({
      summary: '目前无人排队，新的请求会立即开始。',
      entries: [],
    });
    const many = renderQueueCard({ open: Array.from({ length: 53 }, () => planned), forecasts: new Map() }, 'en');
    expect(many.entries).toHaveLength(50);
    expect(many.more).toBe('and 3 more');
  });
});
