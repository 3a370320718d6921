import { crc32 } from 'node:zlib';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { sharpOf } from './edit-picture.ts';
import type { Picture } from './picture.ts';

/** Where text goes: behind the signature and the header chunk. */
const afterHeader = 8 + 25;

/** A PNG whose `texts` are JSON in tEXt chunks, ASCII alone, as ComfyUI writes `prompt` and `workflow`. */
export async function encodePng(picture: Picture, texts: JsonObject): Promise<Buffer> {
  const png = await sharpOf(await picture.raw())
    .png({ compressionLevel: 1, adaptiveFiltering: false })
    .toBuffer();
  const chunks = Object.entries(texts).map(([key, value]) =>
    textChunk(key, stringifyJson(value, { nonFinite: 'literal' })),
  );
  return Buffer.concat([png.subarray(0, afterHeader), ...chunks, png.subarray(afterHeader)]);
}

function textChunk(key: string, text: string): Buffer {
  const ascii = text.replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const body = Buffer.from(`tEXt${key}\0${ascii}`, 'latin1');
  const chunk = Buffer.allocUnsafe(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
