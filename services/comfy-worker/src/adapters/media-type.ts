import type { Readable } from 'node:stream';
import { sniffBytes, sniffMediaType } from '@atelier/shared/assets/sniff-media-type';

/** Kinds of which only the name tells: their bytes are text, or anything at all. No browser runs one of them. */
const typesByExtension: ReadonlyMap<string, { type: string; looksLike: string }> = new Map([
  ['gltf', { type: 'model/gltf+json', looksLike: 'application/json' }],
  ['obj', { type: 'model/obj', looksLike: 'text/plain' }],
  ['ply', { type: 'model/ply', looksLike: 'any' }],
  ['stl', { type: 'model/stl', looksLike: 'any' }],
  ['fbx', { type: 'model/fbx', looksLike: 'application/octet-stream' }],
  ['usdz', { type: 'model/vnd.usdz+zip', looksLike: 'application/octet-stream' }],
  ['splat', { type: 'model/splat', looksLike: 'application/octet-stream' }],
]);

/** The media type by content; the name decides only among kinds whose content does not tell. */
export async function mediaTypeOf(head: Uint8Array, filename: string): Promise<string> {
  const byContent = await sniffMediaType(head);
  const named = typesByExtension.get(filename.split('.').at(-1)?.toLowerCase() ?? '');
  if (named === undefined) return byContent;
  const isNeutral = byContent === 'text/plain' || byContent === 'application/octet-stream';
  return named.looksLike === byContent || (named.looksLike === 'any' && isNeutral) ? named.type : byContent;
}

/** The beginning of a stream, and the whole of it with that beginning again: nothing beyond the beginning is held. */
export async function peekStream(source: Readable): Promise<{ head: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const chunks = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < sniffBytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    first.push(next.value);
    bytes += next.value.byteLength;
  }
  return { head: Buffer.concat(first).subarray(0, sniffBytes), all: rejoin(first, chunks) };
}

async function* rejoin(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    // Whoever stops reading halfway closes the connection with it.
    await rest.return?.();
  }
}
