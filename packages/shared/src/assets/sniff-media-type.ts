import { fileTypeFromBuffer } from 'file-type';

/** How many bytes of a file's beginning {@link sniffMediaType} looks at. */
export const sniffBytes = 4_100;

/** Names by the library that differ from the ones we use, and every other type that we know. */
const knownTypes: Record<string, string> = {
  'image/png': 'image/png',
  'image/apng': 'image/png',
  'image/jpeg': 'image/jpeg',
  'image/webp': 'image/webp',
  'image/gif': 'image/gif',
  'image/avif': 'image/avif',
  'video/mp4': 'video/mp4',
  'video/x-m4v': 'video/mp4',
  'video/webm': 'video/webm',
  'video/ogg': 'video/ogg',
  'audio/wav': 'audio/wav',
  'audio/mpeg': 'audio/mpeg',
  'audio/flac': 'audio/flac',
  'audio/x-flac': 'audio/flac',
  'audio/ogg': 'audio/ogg',
  'audio/mp4': 'audio/mp4',
  'audio/x-m4a': 'audio/mp4',
  'model/gltf-binary': 'model/gltf-binary',
};

const unknownType = 'application/octet-stream';

/**
 * The media type by what the bytes are, whatever name or type came with them: png, jpeg, webp, gif, avif, mp4, webm,
 * ogg, wav, mp3, flac, m4a, glb, JSON and plain text; `application/octet-stream` for all else, markup included, since
 * a browser would run it.
 *
 * @param head the file's beginning, {@link sniffBytes} of it or the whole file.
 */
export async function sniffMediaType(head: Uint8Array): Promise<string> {
  const found = await fileTypeFromBuffer(head);
  if (found !== undefined) return knownTypes[found.mime.split(';')[0] ?? ''] ?? unknownType;
  const text = decodeText(head);
  if (text === undefined || text === '' || /^\s*</.test(text)) return unknownType;
  return looksLikeJson(text, head.byteLength < sniffBytes) ? 'application/json' : 'text/plain';
}

/** UTF-8 without control characters; the cut at the end may have split a character. */
function decodeText(head: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    // Tab, line feed, form feed and carriage return belong to texts; the other control characters do not.
    return /[^\P{Cc}\t\n\f\r]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A whole file must parse; of a longer one only the beginning can be judged. */
function looksLikeJson(text: string, whole: boolean): boolean {
  const opening = /^\s*(?:\{\s*["}]|\[\s*(?:["{[\]\d-]|true|false|null))/.test(text);
  if (!opening || !whole) return opening;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
