import { inflateSync } from 'node:zlib';

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * The workflow that ComfyUI wrote into a PNG, as JSON text: the one in API format (`prompt`), which is what ran, before the
 * front end's (`workflow`). Undefined where the file is no PNG or holds none. Texts as in the PNG specification (third
 * edition, 11.3.3): tEXt, zTXt and iTXt.
 */
export function readPngWorkflow(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length > MAX_FILE_BYTES || !file.subarray(0, 8).equals(SIGNATURE)) return undefined;
  const texts = new Map<string, string>();
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    if (at + 12 + length > file.length) break;
    const type = file.toString('latin1', at + 4, at + 8);
    const entry = textOf(type, file.subarray(at + 8, at + 8 + length));
    // Where a name comes twice the first one counts, as in ComfyUI's front end.
    if (entry !== undefined && !texts.has(entry.name)) texts.set(entry.name, entry.text);
    at += 12 + length;
  }
  return [texts.get('prompt'), texts.get('workflow')].find((text) => text !== undefined && /^\s*\{/.test(text));
}

function textOf(type: string, data: Buffer): { name: string; text: string } | undefined {
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt') return undefined;
  const end = data.indexOf(0);
  if (end < 1) return undefined;
  const name = data.toString('latin1', 0, end);
  const rest = data.subarray(end + 1);
  if (type === 'tEXt') return { name, text: decoded(rest) };
  if (type === 'zTXt') return inflated(name, rest.subarray(1));
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return undefined;
  const body = rest.subarray(translated + 1);
  return rest[0] === 1 ? inflated(name, body) : { name, text: decoded(body) };
}

function inflated(name: string, data: Buffer): { name: string; text: string } | undefined {
  try {
    return { name, text: decoded(inflateSync(data, { maxOutputLength: MAX_TEXT_BYTES })) };
  } catch {
    // Damaged, or larger than any workflow: as if it were not there.
    return undefined;
  }
}

/** UTF-8 where it is valid: many programs write it where the format asks for Latin-1. */
function decoded(data: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return data.toString('latin1');
  }
}
