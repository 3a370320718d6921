import { crc32, inflateSync } from 'node:zlib';
import { concatBytes, decodeText, malformedImage, tooMuchMetadata } from './image-metadata.ts';
import type { NamedText, SetMetadataLimits } from './image-metadata.ts';

/** A chunk of a PNG file (PNG specification, third edition, section 5.3). The data shares the file's memory. */
export interface PngChunk {
  type: string;
  data: Uint8Array;
  /** Length, type, data and checksum. */
  whole: Uint8Array;
}

const signature = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Optional chunks that change how a picture looks or moves. All others hold words about it, or what nobody here knows. */
const lookChunks = new Set(
  'tRNS bKGD hIST sPLT sBIT pHYs gAMA cHRM sRGB iCCP cICP mDCV cLLI acTL fcTL fdAT'.split(' '),
);

/** Each may have to be inflated, which costs far more than its bytes. */
const maxTexts = 1_000;

/**
 * Splits a PNG file.
 *
 * @throws ComfyError `malformed` for a file that is cut or not PNG, `too_large` for too many chunks.
 */
export function parsePng(bytes: Uint8Array, limits: SetMetadataLimits): PngChunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: PngChunk[] = [];
  let at = signature.byteLength;
  for (;;) {
    if (at + 12 > bytes.byteLength) throw malformedImage('PNG', 'it ends without its last chunk');
    const length = view.getUint32(at);
    if (length > bytes.byteLength - at - 12) throw malformedImage('PNG', 'a chunk is longer than the rest of the file');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw malformedImage('PNG', 'a chunk has no proper type');
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length), whole: bytes.subarray(at, at + 12 + length) });
    if (chunks.length === 1 && type !== 'IHDR') throw malformedImage('PNG', 'it does not begin with its header');
    if (chunks.length > limits.maxParts) throw tooMuchMetadata('chunks', limits.maxParts);
    at += 12 + length;
    if (type === 'IEND') return chunks;
  }
}

/**
 * The texts of a PNG file in order.
 *
 * Compressed texts are inflated only up to the cap.
 */
export function pngTexts(chunks: readonly PngChunk[], limits: SetMetadataLimits): NamedText[] {
  const texts: NamedText[] = [];
  let budget = limits.maxTextBytes;
  for (const chunk of chunks) {
    const text = readText(chunk, budget, limits.maxTextBytes);
    if (text === undefined) continue;
    if (texts.length === maxTexts) throw tooMuchMetadata('texts', maxTexts);
    budget -= text.size;
    texts.push({ name: text.name, text: decodeText(text.content) });
  }
  return texts;
}

/** The EXIF block of a PNG file, if it has one. */
export function pngExif(chunks: readonly PngChunk[]): Uint8Array | undefined {
  return chunks.find((chunk) => chunk.type === 'eXIf')?.data;
}

/** The file without its words and without chunks that are not known, with new words in their place. */
export function rewritePng(
  chunks: readonly PngChunk[],
  texts: readonly NamedText[],
  exif: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [signature];
  for (const chunk of chunks) {
    // A capital first letter: no picture without it.
    if (!/^[A-Z]/.test(chunk.type) && !lookChunks.has(chunk.type)) continue;
    parts.push(chunk.whole);
    if (chunk.type !== 'IHDR') continue;
    for (const { name, text } of texts) parts.push(textChunk(name, text));
    if (exif !== undefined) parts.push(buildChunk('eXIf', exif));
  }
  return concatBytes(parts);
}

interface RawText {
  name: string;
  content: Uint8Array;
  size: number;
}

function readText(chunk: PngChunk, budget: number, cap: number): RawText | undefined {
  const { type, data } = chunk;
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt' && type !== 'comf') return undefined;
  const end = data.indexOf(0);
  if (end < 1) throw malformedImage('PNG', 'a text has no name');
  const stored = new DataView(chunk.whole.buffer, chunk.whole.byteOffset, chunk.whole.byteLength);
  if (crc32(chunk.whole.subarray(4, -4)) !== stored.getUint32(chunk.whole.byteLength - 4)) {
    throw malformedImage('PNG', 'the checksum of a text is wrong');
  }
  const name = decodeText(data.subarray(0, end));
  const content = textContent(type, data, end + 1, budget, cap);
  if (content.byteLength > budget) throw tooMuchMetadata('bytes of text', cap);
  return { name, content, size: name.length + content.byteLength };
}

function textContent(type: string, data: Uint8Array, at: number, budget: number, cap: number): Uint8Array {
  if (type === 'zTXt') return inflate(data, at, budget, cap);
  if (type !== 'iTXt') return data.subarray(at);
  const compressed = data[at];
  const languageEnd = data.indexOf(0, at + 2);
  const keywordEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (compressed === undefined || keywordEnd < 0) throw malformedImage('PNG', 'a text is cut off');
  if (compressed === 0) return data.subarray(keywordEnd + 1);
  if (compressed !== 1 || data[at + 1] !== 0) throw malformedImage('PNG', 'a text is compressed in an unknown way');
  return inflateBounded(data.subarray(keywordEnd + 1), budget, cap);
}

function inflate(data: Uint8Array, at: number, budget: number, cap: number): Uint8Array {
  if (data[at] !== 0) throw malformedImage('PNG', 'a text is compressed in an unknown way');
  return inflateBounded(data.subarray(at + 1), budget, cap);
}

function inflateBounded(data: Uint8Array, budget: number, cap: number): Uint8Array {
  try {
    return inflateSync(data, { maxOutputLength: Math.max(1, budget) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooMuchMetadata('bytes of text', cap);
    throw malformedImage('PNG', 'a compressed text cannot be read');
  }
}

/** `tEXt` where the text is ASCII, as ComfyUI's JSON is; else `iTXt`, uncompressed. */
function textChunk(name: string, text: string): Uint8Array {
  const ascii = Buffer.byteLength(text, 'utf8') === text.length;
  const head = ascii ? `${name}\0` : `${name}\0\0\0\0\0`;
  return buildChunk(ascii ? 'tEXt' : 'iTXt', Buffer.from(head + text, 'utf8'));
}

function buildChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.byteLength);
  chunk.writeUInt32BE(data.byteLength, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.byteLength)), 8 + data.byteLength);
  return chunk;
}
