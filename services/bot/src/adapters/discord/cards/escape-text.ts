import { escapeMarkdown } from 'discord.js';

/** A person's words as they are: nothing in them formats, links or quotes. */
export function escapeText(text: string): string {
  return escapeMarkdown(text, { heading: true, bulletedList: true, numberedList: true, maskedLink: true });
}
