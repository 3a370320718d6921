import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPngWorkflow } from './read-png-workflow.ts';

function png(...chunks: readonly (readonly [string, Buffer])[]): Buffer {
  const parts = chunks.map(([type, data]) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length, 0);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, data, Buffer.alloc(4)]);
  });
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...parts]);
}

const api = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}';
const frontend = '{"nodes":[]}';

test('what ran goes before what the front end saved', () => {
  const texts = [
    ['tEXt', Buffer.from(`workflow\0${frontend}`)],
    ['tEXt', Buffer.from(`prompt\0${api}`)],
  ] as const;
  expect(readPngWorkflow(png(...texts))).toBe(api);
  expect(readPngWorkflow(png(texts[0]))).toBe(frontend);
});

test('also packed, and in the international form', () => {
  const packed = deflateSync(Buffer.from(api));
  expect(readPngWorkflow(png(['zTXt', Buffer.concat([Buffer.from('prompt\0\0'), packed])]))).toBe(api);
  expect(readPngWorkflow(png(['iTXt', Buffer.from(`prompt\0\0\0en\0\0${api}`)]))).toBe(api);
  expect(readPngWorkflow(png(['iTXt', Buffer.concat([Buffer.from('prompt\0\x01\0\0\0'), packed])]))).toBe(api);
});

test('nothing is found in other files and other texts, and nothing throws', () => {
  expect(readPngWorkflow(Buffer.from('hello'))).toBeUndefined();
  expect(readPngWorkflow(png(['tEXt', Buffer.from('prompt\0a fox')]))).toBeUndefined();
  expect(readPngWorkflow(png(['zTXt', Buffer.from('prompt\0\0broken')]))).toBeUndefined();
  fc.assert(
    fc.property(
      fc.constantFrom('tEXt', 'zTXt', 'iTXt'),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(80),
      (type, data, cut) => {
        const found = readPngWorkflow(png([type, Buffer.from(data)]).subarray(0, cut));
        expect(found === undefined || found.includes('{')).toBe(true);
      },
    ),
    { seed: 13, numRuns: 300 },
  );
});
