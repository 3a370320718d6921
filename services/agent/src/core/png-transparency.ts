import { inflateSync } from 'node:zlib';

const MAX_PIXELS = 64 * 1024 * 1024;
/** Bytes of a pixel by colour type, for the two that hold transparency, at 8 bits a channel. */
const PIXEL_BYTES: Readonly<Record<number, number>> = { 4: 2, 6: 4 };

/**
 * Whether a PNG has a pixel that is not opaque. Only what drawing programs write for masks is looked into: 8 bits a channel,
 * grey or colour with transparency, not interlaced; false for all else and for damaged files.
 */
export function pngHasTransparency(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 45 || file.readUInt32BE(0) !== 0x89504e47) return false;
  const width = file.readUInt32BE(16);
  const height = file.readUInt32BE(20);
  const pixelBytes = PIXEL_BYTES[file[25] ?? 0];
  if (pixelBytes === undefined || file[24] !== 8 || file[28] !== 0 || width * height > MAX_PIXELS) return false;
  const rowBytes = width * pixelBytes;
  const data = inflated(file, (rowBytes + 1) * height);
  return data !== undefined && data.length === (rowBytes + 1) * height && hasClearPixel(data, rowBytes, pixelBytes);
}

function inflated(file: Buffer, maxOutputLength: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  try {
    return inflateSync(Buffer.concat(parts), { maxOutputLength });
  } catch {
    return undefined;
  }
}

/** Undoes the filters of the PNG specification (9.2) in place, row by row, and looks at each pixel's last channel. */
function hasClearPixel(data: Buffer, rowBytes: number, pixelBytes: number): boolean {
  for (let start = 0; start < data.length; start += rowBytes + 1) {
    const filter = data[start] ?? 0;
    const above = start - rowBytes - 1;
    for (let index = 1; index <= rowBytes; index += 1) {
      const left = index > pixelBytes ? (data[start + index - pixelBytes] ?? 0) : 0;
      const up = above >= 0 ? (data[above + index] ?? 0) : 0;
      const corner = above >= 0 && index > pixelBytes ? (data[above + index - pixelBytes] ?? 0) : 0;
      const value = ((data[start + index] ?? 0) + predicted(filter, left, up, corner)) & 0xff;
      data[start + index] = value;
      if (index % pixelBytes === 0 && value !== 0xff) return true;
    }
  }
  return false;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const guess = left + up - corner;
  const [byLeft, byUp, byCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}
