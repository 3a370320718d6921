import type { QueueCard } from '../../../core/cards/queue-card.ts';
import type { ListCard, Panel } from '../../../core/panels/panel.ts';
import type { DrawnText } from '../api/telegram-calls.ts';
import { buttonOf } from './button-rows.ts';
import { MAX_TEXT_CHARS } from './draw-job-card.ts';
import { createHtmlText } from './html-text.ts';

const listedEntries = 20;
const maxEntryTitleChars = 80;
const maxEntryChars = 300;
const perRow = 5;

/** Words alone. */
export function drawText(words: string): DrawnText {
  const text = createHtmlText(MAX_TEXT_CHARS);
  text.line(words);
  return { html: text.html(), rows: [] };
}

export function drawQueueCard(card: QueueCard): DrawnText {
  const text = createHtmlText(MAX_TEXT_CHARS);
  text.line(card.title, { tag: 'b' });
  text.line(card.summary);
  for (const entry of card.entries.slice(0, listedEntries)) {
    const place = entry.position === undefined ? '▸' : `${entry.position}.`;
    text.line(`${place} ${entry.author} · ${entry.text}`);
    if (entry.title !== undefined) text.line(entry.title, { tag: 'i', maxChars: maxEntryTitleChars });
  }
  if (card.more !== undefined) text.line(card.more);
  return { html: text.html(), rows: [] };
}

/** @param maxChars less where it stands under a picture. */
export function drawPanel(panel: Panel, maxChars = MAX_TEXT_CHARS): DrawnText {
  const text = createHtmlText(maxChars);
  if (panel.title !== undefined) text.line(panel.title, { tag: 'b' });
  text.line(panel.text);
  // Tapping it copies it.
  if (panel.code !== undefined) text.line(panel.code, { tag: 'code' });
  const links = panel.links.map(({ label, url }) => ({ label, url }));
  return {
    html: text.html(),
    rows: [...panel.rows.map((row) => row.map(buttonOf)), ...(links.length === 0 ? [] : [links])],
  };
}

/** One page of a list: entries are numbered, and the buttons below carry the numbers. */
export function drawList(list: ListCard): DrawnText {
  const text = createHtmlText(MAX_TEXT_CHARS);
  text.line(list.title, { tag: 'b' });
  text.line(list.summary);
  const numbered: { label: string; data: string }[] = [];
  for (const [index, entry] of list.entries.entries()) {
    const mark = entry.button === undefined ? '•' : `${index + 1}.`;
    text.line(`${mark} ${entry.title}`, { maxChars: maxEntryChars });
    text.line(entry.text, { tag: 'i', maxChars: maxEntryChars });
    if (entry.button !== undefined) numbered.push({ label: String(index + 1), data: entry.button.id });
  }
  const rows = [];
  for (let start = 0; start < numbered.length; start += perRow) rows.push(numbered.slice(start, start + perRow));
  return { html: text.html(), rows: [...rows, list.buttons.map(buttonOf)] };
}
