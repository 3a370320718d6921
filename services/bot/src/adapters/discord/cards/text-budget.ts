import { type APITextDisplayComponent, ComponentType } from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';

/** All text of a message together. https://discord.com/developers/docs/components/reference#text-display */
export const MAX_MESSAGE_CHARS = 4_000;

/** Makes the texts of one message, which share its room: what comes first is kept. */
export function createTextBudget(maxChars = MAX_MESSAGE_CHARS) {
  let left = maxChars;
  return function text(content: string): APITextDisplayComponent[] {
    const fitting = shorten(content, left);
    if (fitting.trim() === '') return [];
    left -= fitting.length;
    return [{ type: ComponentType.TextDisplay, content: fitting }];
  };
}

/** As a quotation, whose every line needs its mark. */
export function quote(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

/** Small print, a line each. */
export function smallPrint(lines: readonly string[]): string {
  return lines.map((line) => `-# ${oneLine(line)}`).join('\n');
}
