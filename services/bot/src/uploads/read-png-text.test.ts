import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPngText } from './read-png-text.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function png(...chunks: [type: string, data: Buffer][]): Buffer {
  const parts = chunks.map(([type, data]) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, data, Buffer.alloc(4)]);
  });
  return Buffer.concat([signature, ...parts]);
}

it('reads the three kinds of text', () => {
  const file = png(
    ['IHDR', Buffer.alloc(13)],
    ['tEXt', Buffer.from('prompt\0{"1": "狐"}')],
    ['zTXt', Buffer.concat([Buffer.from('workflow\0\0'), deflateSync('{"nodes": []}')])],
    ['iTXt', Buffer.concat([Buffer.from('note\0\u0001\0en\0\0'), deflateSync('hello')])],
    ['IEND', Buffer.alloc(0)],
    ['tEXt', Buffer.from('late\0never read')],
  );
  expect([...readPngText(file)]).toEqual([
    ['prompt', '{"1": "狐"}'],
    ['workflow', '{"nodes": []}'],
    ['note', 'hello'],
  ]);
});

it('survives whatever a file holds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(readPngText(Buffer.concat([signature, bytes])).size).toBeLessThan(20);
      expect(readPngText(bytes).size).toBe(0);
    }),
    { numRuns: 100, seed: 7 },
  );
});
