import type { QueueCard } from '../../../core/cards/queue-card.ts';
import type { DrawnText } from '../api/telegram-calls.ts';
import { MAX_TEXT_CHARS } from './draw-job-card.ts';
import { createHtmlText } from './html-text.ts';

const listedEntries = 20;
const maxEntryTitleChars = 80;

/** Words alone. */
export function drawText(words: string): DrawnText {
  const text = createHtmlText(MAX_TEXT_CHARS);
  text.line(words);
  return { html: text.html(), buttons: [] };
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
  return { html: text.html(), buttons: [] };
}
