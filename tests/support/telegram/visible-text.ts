import { badRequest } from './telegram-error.ts';

const tags: ReadonlySet<string> = new Set([
  'b',
  'strong',
  'i',
  'em',
  'u',
  's',
  'code',
  'pre',
  'blockquote',
  'tg-spoiler',
  'a',
]);
const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"' };

/** What people see of a text in HTML mode. @throws TelegramError for what Telegram cannot parse. */
export function visibleText(text: string, parseMode: string | undefined): string {
  if (parseMode === undefined) return text.trim();
  if (parseMode !== 'HTML') throw badRequest('unsupported parse_mode');
  const open: string[] = [];
  const plain = text.replaceAll(
    /<(\/?)([a-z-]*)[^<>]*>|[<>]/g,
    (found, slash: string | undefined, name: string | undefined) => {
      if (name === undefined || !tags.has(name)) {
        throw badRequest(`can't parse entities: Unsupported start tag "${found.slice(1, 20)}"`);
      }
      if (slash === '') open.push(name);
      else if (open.pop() !== name) throw badRequest(`can't parse entities: Unmatched end tag "${name}"`);
      return '';
    },
  );
  if (open.length > 0)
    throw badRequest(`can't parse entities: Can't find end tag corresponding to start tag "${open.at(-1)}"`);
  return plain.replaceAll(/&\w+;/g, (entity) => entities[entity] ?? entity).trim();
}

/** The addresses behind its words, in HTML mode. */
export function linksOf(text: string): string[] {
  return [...text.matchAll(/<a href="([^"]*)">/g)].map(([, url = '']) =>
    url.replaceAll(/&\w+;/g, (entity) => entities[entity] ?? entity),
  );
}
