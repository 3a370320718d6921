import { crc32, deflateSync } from 'node:zlib';
import { sampleImage, sampleNames } from '@atelier/comfyui/metadata/testing/sample-images';
import { writeMetadata } from '@atelier/comfyui/metadata/write-metadata';
import type { Random } from './random.ts';

function pngChunk(name: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(data.byteLength + 12);
  chunk.writeUInt32BE(data.byteLength, 0);
  chunk.write(name, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, data.byteLength + 8)), data.byteLength + 8);
  return chunk;
}

/** The sample with chunks behind its header. */
function pngWith(chunks: readonly Uint8Array[]): Buffer {
  const png = sampleImage('png');
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

/** Text chunks that say little and unpack to `bytes` zeros each. */
function decompressionBomb(bytes: number, count: number): Uint8Array {
  const packed = deflateSync(Buffer.alloc(bytes));
  const zTxt = pngChunk('zTXt', Buffer.concat([Buffer.from('workflow\0\0', 'latin1'), packed]));
  const iTxt = pngChunk('iTXt', Buffer.concat([Buffer.from('prompt\0\x01\0\0\0', 'latin1'), packed]));
  return pngWith(Array.from({ length: count }, (_, index) => (index % 2 === 0 ? zTxt : iTxt)));
}

/** Images of about `size` bytes that are costly for their length. */
export function giantImages(size: number): (() => Uint8Array)[] {
  const withStart = (start: string): Uint8Array => {
    const bytes = Buffer.alloc(size);
    bytes.write(start, 'latin1');
    return bytes;
  };
  return [
    () => decompressionBomb(size, 50),
    () => pngWith([pngChunk('tEXt', Buffer.concat([Buffer.from('prompt\0'), Buffer.alloc(size, '[')]))]),
    () => pngWith(Array.from({ length: Math.ceil(size / 1_000) }, () => pngChunk('tEXt', Buffer.from('a\0b')))),
    () => withStart('\x89PNG\r\n\x1a\n'),
    () => withStart('RIFF\xff\xff\xff\xffWEBP'),
    () => withStart('\xff\xd8\xff\xe1\xff\xff'),
    () => Buffer.alloc(size, 0xff),
  ];
}

/** Cuts, overwrites and repeats bytes. */
function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes);
  const count = 1 + random.integer(6);
  for (let change = 0; change < count && result.byteLength > 0; change += 1) {
    const at = random.integer(result.byteLength);
    const end = Math.min(result.byteLength, at + random.integer(40));
    const before = result;
    random.pick<() => void>([
      () => void (result[at] = random.integer(256)),
      () => void (result[at] = random.pick([0, 0x7f, 0x80, 0xff])),
      () => void result.fill(random.pick([0, 0xff]), at, Math.min(end, at + 4)),
      () => void (result = before.slice(0, at)),
      () => void (result = Uint8Array.from(Buffer.concat([before.subarray(0, end), before.subarray(at)]))),
    ])();
  }
  return result;
}

/** An image with metadata, broken somewhere. */
export function hostileImage(random: Random): Uint8Array {
  const image = sampleImage(random.pick(['png', ...sampleNames]));
  const metadata = random.chance(0.7)
    ? writeMetadata(image, {
        prompt: { '3': { class_type: 'KSampler', inputs: { seed: 18_446_744_073_709_551_615n } } },
        parameters: 'a fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Size: 512x512',
      })
    : image;
  if (random.chance(0.1)) return mutateBytes(decompressionBomb(100_000, 3), random);
  return mutateBytes(metadata, random);
}

/** A frame of ComfyUI's socket: a type, then a length or a format, then whatever. */
export function hostileFrame(random: Random): Uint8Array {
  const frame = Buffer.alloc(8 + random.integer(200), random.integer(256));
  frame.writeUInt32BE(random.pick([0, 1, 2, 3, 4, 5, 0xffff_ffff]), 0);
  frame.writeUInt32BE(random.pick([0, 1, 2, 10, 60, 0xffff, 0xffff_ffff]), 4);
  frame.write('{"prompt_id":"a","node_id":3}', 8, 'latin1');
  return random.chance(0.5) ? frame : mutateBytes(frame, random);
}
