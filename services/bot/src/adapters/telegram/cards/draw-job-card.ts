import type { JobCard } from '../../../core/cards/job-card.ts';
import type { DrawnText } from '../api/telegram-calls.ts';
import { cardRows } from './button-rows.ts';
import { createHtmlText } from './html-text.ts';

/** Of a message and of what stands under a picture, without markup. https://core.telegram.org/bots/api#sendmessage */
export const MAX_TEXT_CHARS = 4_096;
export const MAX_CAPTION_CHARS = 1_024;
const barCells = 12;

/** A request's card as one message: its text, or what stands under its picture. */
export function drawJobCard(card: JobCard, maxChars: number): DrawnText {
  const text = createHtmlText(maxChars);
  text.line(card.headline, { tag: 'b' });
  if (card.lineage !== undefined) text.line(`↳ ${card.lineage.text}`, { tag: 'i', maxChars: 120 });
  // What the person wrote stands above in the chat; what they wait for must fit.
  text.line(card.title, { tag: 'blockquote', maxChars: Math.floor(maxChars / 4) });
  if (card.question !== undefined) {
    text.line(card.question.text);
    for (const line of card.question.plan) text.line(`• ${line}`, { maxChars: 300 });
  }
  if (card.reply !== undefined) text.line(card.reply);
  if (card.error !== undefined) text.line(card.error);
  if (card.progress !== undefined) {
    text.line(barOf(card.progress.fraction), { tag: 'code' });
    text.line(card.progress.text);
  } else if (card.queue !== undefined) text.line(card.queue.text);
  if (card.reason !== undefined) text.line(card.reason, { tag: 'i', maxChars: 300 });
  text.line([card.author, ...card.facts].join(' · '), { tag: 'i', maxChars: 300 });
  for (const note of card.notes) text.line(note, { tag: 'i', maxChars: 500 });
  return { html: text.html(), rows: cardRows(card) };
}

function barOf(fraction: number): string {
  const filled = Math.min(barCells, Math.floor(fraction * barCells));
  return `${'█'.repeat(filled)}${'░'.repeat(barCells - filled)} ${Math.floor(fraction * 100)} %`;
}
