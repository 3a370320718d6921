import { crc32, deflateSync } from 'node:zlib';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { sharpOf } from './edit-picture.ts';
import type { Picture, RawPicture } from './picture.ts';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
/** Where text goes: behind the signature and the header chunk. */
const afterHeader = signature.length + 25;
/** Up to here packing right away is faster than a turn through sharp's threads. */
const maxDirectPixels = 128 * 128;

/** A PNG whose `texts` are JSON in tEXt chunks, ASCII alone, as ComfyUI writes `prompt` and `workflow`. */
export async function encodePng(picture: Picture, texts: JsonObject): Promise<Buffer> {
  const raw = await picture.raw();
  const png =
    raw.width * raw.height <= maxDirectPixels
      ? packPng(raw)
      : await sharpOf(raw).png({ compressionLevel: 1, adaptiveFiltering: false }).toBuffer();
  const chunks = Object.entries(texts).map(([key, value]) =>
    textChunk(key, stringifyJson(value, { nonFinite: 'literal' })),
  );
  return Buffer.concat([png.subarray(0, afterHeader), ...chunks, png.subarray(afterHeader)]);
}

/** A PNG without row filters. */
function packPng({ data, width, height, channels }: RawPicture): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 3 ? 2 : 6, 0, 0, 0], 8);
  const rowBytes = width * channels;
  const rows = Buffer.alloc((rowBytes + 1) * height);
  for (let row = 0; row < height; row += 1)
    data.copy(rows, row * (rowBytes + 1) + 1, row * rowBytes, (row + 1) * rowBytes);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const whole = Buffer.allocUnsafe(body.length + 8);
  whole.writeUInt32BE(content.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

function textChunk(key: string, text: string): Buffer {
  const ascii = text.replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return chunk('tEXt', Buffer.from(`${key}\0${ascii}`, 'latin1'));
}
