import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mediaTypeOf, peekStream } from './media-type.ts';

describe('mediaTypeOf', () => {
  it.each([
    ['89504e470d0a1a0a0000000d49484452', 'x.jpg', 'image/png'],
    ['000000186674797069736f6d0000020069736f6d69736f32', 'x.png', 'video/mp4'],
    ['524946462400000057415645666d7420', 'x.mp4', 'audio/wav'],
    ['664c6143000000221000100000000000', 'x.bin', 'audio/flac'],
    ['676c5446020000001c00000000000000', 'x.obj', 'model/gltf-binary'],
    [Buffer.from('{"asset":{"version":"2.0"}}').toString('hex'), 'x.gltf', 'model/gltf+json'],
    [Buffer.from('v 0 0 0\nv 1 0 0\n').toString('hex'), 'x.obj', 'model/obj'],
    [Buffer.from('<svg onload=alert(1)>').toString('hex'), 'x.svg', 'application/octet-stream'],
    [Buffer.from('<html>').toString('hex'), 'x.obj', 'application/octet-stream'],
    [Buffer.from('a fox').toString('hex'), 'x.png', 'text/plain'],
  ])('knows a file by its content (%s as %s)', async (hex, name, type) => {
    expect(await mediaTypeOf(Buffer.from(hex, 'hex'), name)).toBe(type);
  });
});

describe('peekStream', () => {
  it('gives back every byte in order, however they come', async () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 3_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 8 }), async (chunks) => {
        const { head, all } = await peekStream(Readable.from(chunks));
        const whole = Buffer.concat(chunks);
        expect(Buffer.from(head).equals(whole.subarray(0, head.length))).toBe(true);
        expect(head.length).toBe(Math.min(whole.length, 4_100));
        expect((await buffer(Readable.from(all))).equals(whole)).toBe(true);
      }),
      { seed: 5, numRuns: 40 },
    );
  });
});
