import type { CardButton } from '../../../core/cards/card-buttons.ts';
import type { CardMenu } from '../../../core/cards/job-card.ts';
import type { Button } from '../api/telegram-calls.ts';

/** Telegram shows up to eight in a row, but cuts labels where there are more than a few. */
const perMenuRow = 2;
const maxMenuEntries = 25;
const maxRowChars = 22;

export function buttonOf({ label, id }: Pick<CardButton, 'label' | 'id'>): Button {
  return { label, data: id };
}

/** A card's rows, and below them a button for each menu: Telegram has no select menus, so menus take the rows' place. */
export function cardRows(card: { requestId: string; rows: CardButton[][]; menus: CardMenu[] }): Button[][] {
  const menus = card.menus.flatMap((menu, index) =>
    menu.entries.length === 0
      ? []
      : [
          {
            label: `${menu.placeholder.replace(/…$/, '')} ▾`,
            data: formatMenuId({ requestId: card.requestId, menu: index }),
          },
        ],
  );
  return [...card.rows.flatMap((row) => fitting(row.map(buttonOf))), ...(menus.length === 0 ? [] : [menus])];
}

/** Buttons of a row share the message's width: longer labels are cut, so that they get a second row. */
function fitting(row: Button[]): Button[][] {
  const chars = row.reduce((sum, { label }) => sum + label.length, 0);
  if (row.length < 4 || chars <= maxRowChars) return [row];
  const half = Math.ceil(row.length / 2);
  return [row.slice(0, half), row.slice(half)];
}

/** A menu in place of the rows, with the way back. */
export function menuRows(requestId: string, menu: CardMenu, backLabel: string): Button[][] {
  const entries = menu.entries
    .slice(0, maxMenuEntries)
    .map(({ label, title, id }) => buttonOf({ label: title ?? label, id }));
  const rows: Button[][] = [];
  for (let start = 0; start < entries.length; start += perMenuRow) rows.push(entries.slice(start, start + perMenuRow));
  return [...rows, [{ label: `‹ ${backLabel}`, data: formatMenuId({ requestId }) }]];
}

/** A press that changes only which buttons are shown; without `menu` the card's own rows. */
export interface MenuPress {
  requestId: string;
  menu?: number;
}

const menuPattern = /^m:([0-9a-f-]{36})(?::(\d))?$/;

export function formatMenuId({ requestId, menu }: MenuPress): string {
  return menu === undefined ? `m:${requestId}` : `m:${requestId}:${menu}`;
}

export function parseMenuId(id: string): MenuPress | undefined {
  const [, requestId, menu] = menuPattern.exec(id) ?? [];
  if (requestId === undefined) return undefined;
  return { requestId, ...(menu === undefined ? {} : { menu: Number(menu) }) };
}
