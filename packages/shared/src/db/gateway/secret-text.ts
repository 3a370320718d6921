import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits in letters, digits, `-` and `_`, after a prefix that says what they are. */
export function randomSecret(prefix: string, random: (bytes: number) => Buffer = randomBytes): string {
  return prefix + random(32).toString('base64url');
}

/** What is kept of a secret: SHA-256, in hex. Enough for secrets of 256 random bits, which nobody can try out. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
