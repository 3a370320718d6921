import { describe, expect, it } from 'vitest';
import type { CardButton } from '../../../core/cards/card-buttons.ts';
import type { CardMenu } from '../../../core/cards/job-card.ts';
import { cardRows, formatMenuId, menuRows, parseMenuId } from './button-rows.ts';

const requestId = '11111111-1111-4111-8111-111111111111';
const button = (label: string): CardButton => ({ action: 'reroll', label, style: 'secondary', id: `rr:${label}` });
const menu: CardMenu = { kind: 'more', placeholder: 'More', entries: ['a', 'b', 'c'].map(button) };

describe('cardRows', () => {
  it('puts a button for each menu below the rows', () => {
    const rows = cardRows({ requestId, rows: [[button('U1')]], menus: [menu, { ...menu, entries: [] }] });
    expect(rows).toEqual([[{ label: 'U1', data: 'rr:U1' }], [{ label: 'More ▾', data: `m:${requestId}:0` }]]);
  });
});

describe('long rows', () => {
  it('are halved, so that no label is cut', () => {
    const labels = (row: string[]) =>
      cardRows({ requestId, rows: [row.map(button)], menus: [] }).map((shown) => shown.map(({ label }) => label));
    expect(labels(['U1', 'U2', 'U3', 'U4', 'Reroll'])).toHaveLength(1);
    expect(labels(['Upscale', 'Upscale +', 'Vary', 'Vary +', 'Reroll'])).toEqual([
      ['Upscale', 'Upscale +', 'Vary'],
      ['Vary +', 'Reroll'],
    ]);
  });
});

describe('menuRows', () => {
  it('shows the entries two in a row, and the way back', () => {
    const labels = menuRows(requestId, menu, 'Back').map((row) => row.map(({ label }) => label));
    expect(labels).toEqual([['a', 'b'], ['c'], ['‹ Back']]);
  });
});

describe('parseMenuId', () => {
  it.each([{ requestId }, { requestId, menu: 1 }])('reads back %j', (press) => {
    expect(parseMenuId(formatMenuId(press))).toEqual(press);
    expect(Buffer.byteLength(formatMenuId(press))).toBeLessThanOrEqual(64);
  });

  it.each(['m:', `m:${requestId}:12`, `c:${requestId}`])('does not take %j for its own', (id) => {
    expect(parseMenuId(id)).toBeUndefined();
  });
});
