import type { DrawnText } from '../api/telegram-calls.ts';
import { escapeHtml } from '../cards/escape-html.ts';

export interface BubbleMedia {
  /** Addresses of the pictures, such as data URLs. */
  pictures: readonly string[];
}

/** The look of Telegram's apps by day, for {@link telegramBubble}. */
export const telegramStyle = `
.tg { background: #dfe7d5; padding: 14px; border-radius: 12px; width: 400px; font: 15px/1.4 system-ui, 'Noto Sans CJK SC', sans-serif; color: #000; }
.tg-bubble { background: #fff; border-radius: 14px 14px 14px 4px; padding: 7px 11px; box-shadow: 0 1px 2px #0002; overflow: hidden; overflow-wrap: anywhere; }
.tg-bubble .tg-text { white-space: pre-line; }
.tg-bubble blockquote { margin: 4px 0; padding: 3px 9px; border-left: 3px solid #3390ec; background: #3390ec18; border-radius: 4px; }
.tg-bubble code { font: 14px ui-monospace, monospace; color: #3a6d99; }
.tg-bubble a { color: #3390ec; text-decoration: none; }
.tg-pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; margin: -7px -11px 7px; }
.tg-pictures img { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; }
.tg-pictures img:only-child { grid-column: 1 / -1; aspect-ratio: auto; }
.tg-row { display: flex; gap: 4px; margin-top: 4px; }
.tg-row span { flex: 1; min-width: 0; text-align: center; background: #7a9a6a99; color: #fff; border-radius: 8px; padding: 8px 4px; font-weight: 600; font-size: 14px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
`;

/**
 * A message as Telegram's apps show it, as HTML for a preview: rows of buttons under the bubble, labels cut where they do
 * not fit. What the bot sends is a subset of HTML already.
 */
export function telegramBubble({ html, rows }: DrawnText, { pictures }: BubbleMedia = { pictures: [] }): string {
  const images = pictures.map((address) => `<img alt="" src="${escapeHtml(address)}">`).join('');
  const buttons = rows
    .filter((row) => row.length > 0)
    .map((row) => `<div class="tg-row">${row.map(({ label }) => `<span>${escapeHtml(label)}</span>`).join('')}</div>`)
    .join('');
  return `<div class="tg"><div class="tg-bubble">${images === '' ? '' : `<div class="tg-pictures">${images}</div>`}<div class="tg-text">${html.replaceAll('</blockquote>\n', '</blockquote>')}</div></div>${buttons}</div>`;
}
