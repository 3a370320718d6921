import { createHmac, timingSafeEqual } from 'node:crypto';

/** Lasting links to single files, for who was sent one: whoever has the link sees that file and no other. */
export interface SignedFiles {
  /** `/files/<hash>/<signature>/<name>` */
  path(file: { hash: string; filename: string }): string;
  isSigned(hash: string, signature: string): boolean;
}

/** @param key the secret that signs; another one ends every link. */
export function createSignedFiles(key: string): SignedFiles {
  const sign = (hash: string): string =>
    createHmac('sha256', key).update(`file ${hash}`).digest('base64url').slice(0, 32);
  return {
    path: ({ hash, filename }) => `/files/${hash}/${sign(hash)}/${encodeURIComponent(plainName(filename))}`,
    isSigned(hash, signature) {
      const expected = Buffer.from(sign(hash));
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

function plainName(filename: string): string {
  return filename.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(-100) || 'file';
}
