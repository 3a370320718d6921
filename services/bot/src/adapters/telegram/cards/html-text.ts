import { shorten } from '@atelier/shared/text/shorten';
import { escapeHtml } from './escape-html.ts';

export interface LineStyle {
  tag?: 'b' | 'i' | 'code' | 'blockquote';
  /** In UTF-16 code units, without markup. */
  maxChars?: number;
}

/** Lines of escaped HTML that together never exceed a number of visible characters. */
export interface HtmlText {
  /** Left out where it is empty or nothing fits any more. */
  line(text: string, style?: LineStyle): void;
  html(): string;
}

export function createHtmlText(maxChars: number): HtmlText {
  const lines: string[] = [];
  let left = maxChars;
  return {
    line(text, style = {}) {
      const separator = lines.length === 0 ? 0 : 1;
      const fitting = shorten(text.trim(), Math.min(style.maxChars ?? left, left - separator));
      if (fitting === '' || fitting === '…') return;
      left -= fitting.length + separator;
      const escaped = escapeHtml(fitting);
      lines.push(style.tag === undefined ? escaped : `<${style.tag}>${escaped}</${style.tag}>`);
    },
    html: () => lines.join('\n'),
  };
}
