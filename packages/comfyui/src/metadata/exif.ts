import { decodeText, malformedImage, startsWith, tooMuchMetadata, withoutPadding } from './image-metadata.ts';
import type { NamedText, SetMetadataLimits } from './image-metadata.ts';

/** What an EXIF block holds that matters here. */
export interface ExifContent {
  texts: NamedText[];
  /** 1 (upright) to 8, which viewers obey: it has to outlive a rewrite. */
  orientation: number | undefined;
}

const orientationTag = 0x0112;
const exifPointerTag = 0x8769;
const userCommentTag = 0x9286;
/** ComfyUI writes `prompt:{…}` as the camera's model, and `workflow:{…}` as its make. */
const modelTag = 0x0110;
const makeTag = 0x010f;

const asciiType = 2;
const shortType = 3;
const longType = 4;
const undefinedType = 7;

const bytesPerUnit = new Map([
  [1, 1],
  [asciiType, 1],
  [shortType, 2],
  [longType, 4],
  [undefinedType, 1],
]);

/**
 * Reads an EXIF block, with or without the `Exif` mark in front: the texts of the main directory and of the EXIF one.
 *
 * A text that begins like `workflow:` is given that name; others get the name `exif:` with the tag's number.
 *
 * @throws ComfyError `malformed` for offsets outside the block, `too_large`.
 */
export function parseExif(block: Uint8Array, limits: SetMetadataLimits): ExifContent {
  const bytes = startsWith(block, 0, 'Exif\0\0') ? block.subarray(6) : block;
  const little = startsWith(bytes, 0, 'II*\0');
  if (!little && !startsWith(bytes, 0, 'MM\0*')) throw malformedImage('EXIF', 'it does not begin as it should');
  const reader: Reader = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    little,
    budget: limits.maxTextBytes,
    limits,
  };
  if (bytes.byteLength < 8) throw malformedImage('EXIF', 'it is cut off');
  const main = readDirectory(reader, reader.view.getUint32(4, little));
  const pointer = main.find((entry) => entry.tag === exifPointerTag);
  const inner = pointer === undefined ? [] : readDirectory(reader, numberOf(reader, pointer));
  const entries = [...main, ...inner];
  const texts: NamedText[] = [];
  for (const entry of entries) {
    const text = textOf(reader, entry);
    if (text !== undefined && text !== '') texts.push(named(entry.tag, text));
  }
  const turned = main.find((entry) => entry.tag === orientationTag);
  const orientation = turned === undefined ? undefined : numberOf(reader, turned);
  return {
    texts,
    orientation: orientation !== undefined && orientation >= 1 && orientation <= 8 ? orientation : undefined,
  };
}

/** What {@link buildExif} writes. */
export interface ExifToWrite {
  /** JSON in ASCII. */
  prompt?: string | undefined;
  /** JSON in ASCII. */
  workflow?: string | undefined;
  /** Any text; goes to the user comment, where AUTOMATIC1111 has it. */
  parameters?: string | undefined;
  orientation?: number | undefined;
}

/** Builds an EXIF block without the `Exif` mark, or undefined if there is nothing to write. */
export function buildExif(content: ExifToWrite): Uint8Array | undefined {
  const entries: Written[] = [];
  if (content.workflow !== undefined) entries.push(asciiEntry(makeTag, `workflow:${content.workflow}`));
  if (content.prompt !== undefined) entries.push(asciiEntry(modelTag, `prompt:${content.prompt}`));
  if (content.orientation !== undefined && content.orientation !== 1) {
    const data = Buffer.alloc(2);
    data.writeUInt16BE(content.orientation);
    entries.push({ tag: orientationTag, type: shortType, count: 1, data });
  }
  const comment = content.parameters === undefined ? undefined : userComment(content.parameters);
  if (entries.length === 0 && comment === undefined) return undefined;
  if (comment === undefined) return Buffer.concat([tiffHead(), writeDirectory(entries, 8)]);
  const pointer: Written = { tag: exifPointerTag, type: longType, count: 1, data: Buffer.alloc(4) };
  const innerAt = 8 + writeDirectory([...entries, pointer], 8).byteLength;
  pointer.data.writeUInt32BE(innerAt);
  return Buffer.concat([tiffHead(), writeDirectory([...entries, pointer], 8), writeDirectory([comment], innerAt)]);
}

interface Reader {
  bytes: Uint8Array;
  view: DataView;
  little: boolean;
  /** Bytes of text that may still be read. */
  budget: number;
  limits: SetMetadataLimits;
}

interface Entry {
  tag: number;
  type: number;
  count: number;
  /** Where the value stands. */
  at: number;
}

function readDirectory(reader: Reader, at: number): Entry[] {
  const { view, little, bytes, limits } = reader;
  if (at + 2 > bytes.byteLength) throw malformedImage('EXIF', 'a directory lies outside of it');
  const count = view.getUint16(at, little);
  if (count > limits.maxParts) throw tooMuchMetadata('EXIF entries', limits.maxParts);
  if (at + 2 + count * 12 > bytes.byteLength) throw malformedImage('EXIF', 'a directory is cut off');
  return Array.from({ length: count }, (_, index) => {
    const entryAt = at + 2 + index * 12;
    const type = view.getUint16(entryAt + 2, little);
    const units = view.getUint32(entryAt + 4, little);
    const size = units * (bytesPerUnit.get(type) ?? 0);
    const valueAt = size <= 4 ? entryAt + 8 : view.getUint32(entryAt + 8, little);
    if (valueAt + size > bytes.byteLength) throw malformedImage('EXIF', 'a value lies outside of it');
    return { tag: view.getUint16(entryAt, little), type, count: units, at: valueAt };
  });
}

function numberOf(reader: Reader, entry: Entry): number {
  if (entry.count < 1) return 0;
  if (entry.type === shortType) return reader.view.getUint16(entry.at, reader.little);
  return entry.type === longType ? reader.view.getUint32(entry.at, reader.little) : 0;
}

function textOf(reader: Reader, entry: Entry): string | undefined {
  const isComment = entry.tag === userCommentTag && entry.type === undefinedType;
  if (entry.type !== asciiType && !isComment) return undefined;
  // Many entries may point at the same long text, so the sum counts, not the size of the block.
  reader.budget -= entry.count;
  if (reader.budget < 0) throw tooMuchMetadata('bytes of text', reader.limits.maxTextBytes);
  const value = reader.bytes.subarray(entry.at, entry.at + entry.count);
  const text = isComment ? commentText(value, reader.little) : decodeText(value);
  return withoutPadding(text);
}

/** EXIF's user comment: eight bytes name the encoding. */
function commentText(value: Uint8Array, little: boolean): string {
  const rest = value.subarray(8);
  if (startsWith(value, 0, 'UNICODE\0')) {
    const first = utf16(rest, little);
    // Programs that copy a comment into a block of the other byte order leave it as it was: then its letters look like U+XX00.
    return looksSwapped(first) ? utf16(rest, !little) : first;
  }
  const marked = startsWith(value, 0, 'ASCII\0\0\0') || startsWith(value, 0, '\0\0\0\0\0\0\0\0');
  return decodeText(marked ? rest : value);
}

function utf16(bytes: Uint8Array, little: boolean): string {
  const even = Buffer.from(bytes.subarray(0, bytes.byteLength & ~1));
  return (little ? even : even.swap16()).toString('utf16le');
}

function looksSwapped(text: string): boolean {
  let swapped = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if ((unit & 0xff) === 0 && unit > 0 && unit < 0x8000) swapped += 1;
  }
  return text.length >= 8 && swapped * 2 > text.length;
}

function named(tag: number, text: string): NamedText {
  const colon = text.slice(0, 16).indexOf(':');
  const prefix = colon < 0 ? '' : text.slice(0, colon).trim().toLowerCase();
  if (prefix === 'prompt' || prefix === 'workflow' || prefix === 'parameters') {
    return { name: prefix, text: text.slice(colon + 1).trim() };
  }
  if (tag === userCommentTag) return { name: 'parameters', text };
  return { name: `exif:${tag.toString(16).padStart(4, '0')}`, text };
}

interface Written {
  tag: number;
  type: number;
  count: number;
  data: Buffer;
}

function asciiEntry(tag: number, text: string): Written {
  const data = Buffer.from(`${text}\0`, 'latin1');
  return { tag, type: asciiType, count: data.byteLength, data };
}

function userComment(text: string): Written {
  const data = Buffer.concat([Buffer.from('UNICODE\0', 'latin1'), Buffer.from(text, 'utf16le').swap16()]);
  return { tag: userCommentTag, type: undefinedType, count: data.byteLength, data };
}

function tiffHead(): Buffer {
  return Buffer.from([0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8]);
}

/** One directory, big-endian, entries in order of tag, values of more than four bytes behind it. */
function writeDirectory(entries: readonly Written[], at: number): Buffer {
  const sorted = [...entries].sort((a, b) => a.tag - b.tag);
  const head = Buffer.alloc(2 + sorted.length * 12 + 4);
  head.writeUInt16BE(sorted.length, 0);
  const values: Buffer[] = [];
  let valueAt = at + head.byteLength;
  for (const [index, entry] of sorted.entries()) {
    const entryAt = 2 + index * 12;
    head.writeUInt16BE(entry.tag, entryAt);
    head.writeUInt16BE(entry.type, entryAt + 2);
    head.writeUInt32BE(entry.count, entryAt + 4);
    if (entry.data.byteLength <= 4) {
      head.set(entry.data, entryAt + 8);
      continue;
    }
    head.writeUInt32BE(valueAt, entryAt + 8);
    // Values begin at even offsets.
    const padded = entry.data.byteLength % 2 === 0 ? entry.data : Buffer.concat([entry.data, Buffer.alloc(1)]);
    values.push(padded);
    valueAt += padded.byteLength;
  }
  return Buffer.concat([head, ...values]);
}
