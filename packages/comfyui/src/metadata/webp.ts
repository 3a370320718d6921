import { concatBytes, malformedImage, startsWith, tooMuchMetadata } from './image-metadata.ts';
import type { SetMetadataLimits } from './image-metadata.ts';

/** A chunk of a WebP file. The data shares the file's memory. */
export interface WebpChunk {
  /** Four characters, such as `VP8 ` or `EXIF`. */
  type: string;
  data: Uint8Array;
}

/** The chunks that make up a picture; others (`EXIF`, `XMP `, a provenance mark) tell about it. */
const pictureChunks = new Set(['VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);

/** The feature bits of a VP8X chunk. */
const alphaFlag = 0x10;
const exifFlag = 0x08;
const xmpFlag = 0x04;

/**
 * Splits a WebP file (RFC 9649).
 *
 * @throws ComfyError `malformed` for a file that is cut, `too_large` for too many chunks.
 */
export function parseWebp(bytes: Uint8Array, limits: SetMetadataLimits): WebpChunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12) throw malformedImage('WebP', 'it is cut off');
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.byteLength) throw malformedImage('WebP', 'it is shorter than it says');
  const chunks: WebpChunk[] = [];
  for (let at = 12; at < end;) {
    if (at + 8 > end) throw malformedImage('WebP', 'a chunk is cut off');
    const size = view.getUint32(at + 4, true);
    if (size > end - at - 8) throw malformedImage('WebP', 'a chunk is longer than the rest of the file');
    chunks.push({
      type: String.fromCharCode(...bytes.subarray(at, at + 4)),
      data: bytes.subarray(at + 8, at + 8 + size),
    });
    if (chunks.length > limits.maxParts) throw tooMuchMetadata('chunks', limits.maxParts);
    at += 8 + size + (size % 2);
  }
  return chunks;
}

/** The EXIF block of a WebP file, if it has one. */
export function webpExif(chunks: readonly WebpChunk[]): Uint8Array | undefined {
  return chunks.find((chunk) => chunk.type === 'EXIF')?.data;
}

/**
 * The picture alone, without EXIF, XMP and chunks that are not known, with a new EXIF block. A file in the simple form becomes one in the extended form when it gets a block.
 *
 * @throws ComfyError `malformed` when there is no picture in it.
 */
export function rewriteWebp(chunks: readonly WebpChunk[], exif: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  const header = chunks.find(({ type }) => type === 'VP8X');
  const rest = chunks.filter(({ type }) => pictureChunks.has(type));
  const parts: Uint8Array[] = [];
  if (header !== undefined || exif !== undefined) {
    const data = Buffer.from(header?.data ?? extendedHeader(rest));
    if (data.byteLength < 10) throw malformedImage('WebP', 'its header is cut off');
    data[0] = ((data[0] ?? 0) & ~(exifFlag | xmpFlag)) | (exif === undefined ? 0 : exifFlag);
    parts.push(buildChunk('VP8X', data));
  }
  for (const chunk of rest) parts.push(buildChunk(chunk.type, chunk.data));
  if (exif !== undefined) parts.push(buildChunk('EXIF', exif));
  const body = concatBytes(parts);
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  head.writeUInt32LE(4 + body.byteLength, 4);
  return concatBytes([head, body]);
}

/** The VP8X header that a file in the simple form lacks, from the size in its one picture. */
function extendedHeader(chunks: readonly WebpChunk[]): Uint8Array {
  const picture = chunks[0];
  const { width, height, alpha } = sizeOf(picture);
  const header = Buffer.alloc(10);
  header[0] = alpha ? alphaFlag : 0;
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  return header;
}

function sizeOf(picture: WebpChunk | undefined): { width: number; height: number; alpha: boolean } {
  const data = picture?.data ?? new Uint8Array();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  // VP8: three bytes of frame tag, three of start code, then 14 bits each, the upper two of which scale.
  if (picture?.type === 'VP8 ' && startsWith(data, 3, '\x9d\x01\x2a') && data.byteLength >= 10) {
    const width = view.getUint16(6, true) & 0x3fff;
    const height = view.getUint16(8, true) & 0x3fff;
    if (width > 0 && height > 0) return { width, height, alpha: false };
  }
  // VP8L: one byte of signature, then 14 bits each, less one, and one for transparency.
  if (picture?.type === 'VP8L' && data[0] === 0x2f && data.byteLength >= 5) {
    const bits = view.getUint32(1, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha: ((bits >>> 28) & 1) === 1 };
  }
  throw malformedImage('WebP', 'there is no picture in it');
}

function buildChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(8 + data.byteLength + (data.byteLength % 2));
  chunk.write(type, 0, 'latin1');
  chunk.writeUInt32LE(data.byteLength, 4);
  chunk.set(data, 8);
  return chunk;
}
