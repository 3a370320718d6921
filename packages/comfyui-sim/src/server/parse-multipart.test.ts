import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMultipart } from './parse-multipart.ts';

async function encode(form: FormData): Promise<{ contentType: string; body: Buffer }> {
  const response = new Response(form);
  return { contentType: response.headers.get('content-type') ?? '', body: Buffer.from(await response.arrayBuffer()) };
}

describe('parseMultipart', () => {
  it('reads what a browser sends, bytes unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 20 }), async (bytes, subfolder) => {
        const form = new FormData();
        form.append('image', new Blob([Uint8Array.from(bytes)]), 'a "quoted" name.png');
        form.append('subfolder', subfolder);
        const { contentType, body } = await encode(form);
        const parts = parseMultipart(contentType, body);
        expect(parts?.map(({ name, filename }) => [name, filename])).toEqual([
          ['image', 'a "quoted" name.png'],
          ['subfolder', undefined],
        ]);
        expect(parts?.[0]?.bytes.equals(Buffer.from(bytes))).toBe(true);
        // A form writes line ends as CRLF.
        expect(parts?.[1]?.bytes.toString('utf8')).toBe(subfolder.replaceAll(/\r\n|\r|\n/g, '\r\n').toWellFormed());
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it('refuses a body that is cut off, and a type without boundary', async () => {
    const form = new FormData();
    form.append('image', new Blob(['abc']), 'x.png');
    const { contentType, body } = await encode(form);
    expect(parseMultipart(contentType, body.subarray(0, body.length - 10))).toBeUndefined();
    expect(parseMultipart('multipart/form-data', body)).toBeUndefined();
    expect(parseMultipart(undefined, body)).toBeUndefined();
  });
});
