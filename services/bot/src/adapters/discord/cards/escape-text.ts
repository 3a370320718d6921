import { escapeMarkdown } from 'discord.js';

/** What Discord makes a quotation or small print of at the start of a line, and names, channels and times of anywhere. */
const alsoSpecial = /^(?=\s*(?:>|-#))(\s*)|<(?=[@#:/t]|a:|id:)/gm;

/** A person's words as they are: nothing in them formats, links, quotes or names anybody. */
export function escapeText(text: string): string {
  const escaped = escapeMarkdown(text, { heading: true, bulletedList: true, numberedList: true, maskedLink: true });
  return escaped.replaceAll(alsoSpecial, (found, indent: string | undefined) =>
    indent === undefined ? `\\${found}` : `${indent}\\`,
  );
}
