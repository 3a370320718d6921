import { crc32, deflateSync } from 'node:zlib';

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(content.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/**
 * A PNG with transparency.
 *
 * @param pixels four bytes each, row by row.
 * @param filters of the rows, from 0 to 4, in turn.
 * @param texts as tEXt chunks.
 */
export function samplePng(
  width: number,
  height: number,
  pixels: Uint8Array,
  filters: readonly number[] = [0],
  texts: Readonly<Record<string, string>> = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const rowBytes = width * 4;
  const rows = Buffer.alloc((rowBytes + 1) * height);
  const at = (row: number, column: number): number =>
    row < 0 || column < 0 ? 0 : (pixels[row * rowBytes + column] ?? 0);
  for (let row = 0; row < height; row += 1) {
    const filter = filters[row % filters.length] ?? 0;
    rows[row * (rowBytes + 1)] = filter;
    for (let column = 0; column < rowBytes; column += 1) {
      const [left, up, corner] = [at(row, column - 4), at(row - 1, column), at(row - 1, column - 4)];
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      rows[row * (rowBytes + 1) + 1 + column] = (at(row, column) - guess) & 0xff;
    }
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...Object.entries(texts).map(([name, text]) => chunk('tEXt', Buffer.from(`${name}\0${text}`, 'utf8'))),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const distances = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return [left, up, corner][distances.indexOf(Math.min(...distances))] ?? 0;
}
