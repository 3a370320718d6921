import { createHmac, timingSafeEqual } from 'node:crypto';

/** A link to one file for whoever has it, until a time. */
export interface SignedLink {
  hash: string;
  /** Milliseconds since 1970. */
  expiresAtMs: number;
  /** The name under which it is saved. */
  name?: string | undefined;
}

/** The query of a signed link: `expires`, `name` and `signature`. Changing any of them, or the hash, makes it worthless. */
export function signLink(key: string, link: SignedLink): URLSearchParams {
  const query = new URLSearchParams({ expires: String(Math.floor(link.expiresAtMs / 1_000)) });
  if (link.name !== undefined) query.set('name', link.name);
  query.set('signature', signatureOf(key, link.hash, query.get('expires') ?? '', link.name));
  return query;
}

export interface LinkQuery {
  expires: string;
  name?: string | undefined;
  signature: string;
}

/** Whether a link is ours and its time is not over. */
export function isValidLink(key: string, hash: string, query: LinkQuery, nowMs: number): boolean {
  const expected = Buffer.from(signatureOf(key, hash, query.expires, query.name));
  const given = Buffer.from(query.signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
  return Number(query.expires) * 1_000 > nowMs;
}

/** Lengths stand before the parts, so that no two links share a text. */
function signatureOf(key: string, hash: string, expires: string, name: string | undefined): string {
  const parts = [hash, expires, name ?? ''].map((part) => `${part.length}:${part}`);
  return createHmac('sha256', key).update(parts.join('')).digest('base64url');
}
