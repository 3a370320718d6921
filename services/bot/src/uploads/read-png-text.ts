import { inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const maxChars = 4_000_000;

/** Text chunks of a PNG by their keyword (tEXt, zTXt, iTXt; https://www.w3.org/TR/png-3/#11textinfo); what is damaged is left out. */
export function readPngText(bytes: Uint8Array): Map<string, string> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts = new Map<string, string>();
  if (!file.subarray(0, 8).equals(signature)) return texts;
  let at = 8;
  while (at + 12 <= file.length) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (end > file.length || type === 'IEND') break;
    const text = readChunk(type, file.subarray(at + 8, end));
    if (text !== undefined && text.value.length <= maxChars) texts.set(text.keyword, text.value);
    at = end + 4;
  }
  return texts;
}

function readChunk(type: string, data: Buffer): { keyword: string; value: string } | undefined {
  const split = data.indexOf(0);
  if (split < 1) return undefined;
  const keyword = data.toString('latin1', 0, split);
  const rest = data.subarray(split + 1);
  try {
    // Python writes UTF-8 into tEXt where it should not, and nothing else.
    if (type === 'tEXt') return { keyword, value: rest.toString('utf8') };
    if (type === 'zTXt') return { keyword, value: inflate(rest.subarray(1)).toString('utf8') };
    if (type !== 'iTXt') return undefined;
    const isCompressed = rest[0] === 1;
    const language = rest.indexOf(0, 2);
    const translated = rest.indexOf(0, language + 1);
    if (language < 0 || translated < 0) return undefined;
    const text = rest.subarray(translated + 1);
    return { keyword, value: (isCompressed ? inflate(text) : text).toString('utf8') };
  } catch {
    return undefined;
  }
}

function inflate(data: Buffer): Buffer {
  return inflateSync(data, { maxOutputLength: 4 * maxChars });
}
