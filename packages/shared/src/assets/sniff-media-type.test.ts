import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sniffBytes, sniffMediaType } from './sniff-media-type.ts';

/** Latin-1 text as bytes, so that signatures can be read. */
const bytes = (signature: string): Uint8Array => Uint8Array.from(Buffer.from(signature.padEnd(64, '\0'), 'latin1'));
const utf8 = (words: string): Uint8Array => new TextEncoder().encode(words);

/** An MPEG audio frame header (layer III, 128 kbit/s, 44.1 kHz) where a frame begins. */
const mp3Frame = `\xff\xfb\x90\x00${'\0'.repeat(413)}`;
const webm =
  '\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02';

describe('media types by content', () => {
  it.each([
    ['image/png', bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\0\0\0\0\0\0\0\0IDAT')],
    ['image/jpeg', bytes('\xff\xd8\xff\xe0\0\x10JFIF\0')],
    ['image/webp', bytes('RIFF\x24\0\0\0WEBPVP8 ')],
    ['image/gif', bytes('GIF89a\x01\0\x01\0')],
    ['image/avif', bytes('\0\0\0\x1cftypavif\0\0\0\0')],
    ['video/mp4', bytes('\0\0\0\x18ftypmp42\0\0\0\0')],
    ['video/mp4', bytes('\0\0\0\x18ftypisom\0\0\0\0')],
    ['video/webm', bytes(webm)],
    ['audio/wav', bytes('RIFF\x24\0\0\0WAVEfmt ')],
    ['audio/mpeg', bytes(mp3Frame.repeat(2))],
    ['audio/mpeg', bytes('ID3\x04\0\0\0\0\x7f\x7f')],
    ['audio/flac', bytes('fLaC\0\0\0\x22')],
    ['audio/ogg', bytes(`OggS\0\x02${'\0'.repeat(22)}OpusHead`)],
    ['model/gltf-binary', bytes('glTF\x02\0\0\0')],
    ['application/json', utf8('{"3": {"class_type": "KSampler"}}')],
    ['application/json', utf8('[1, 2]')],
    ['text/plain', utf8('a red fox in snow\n')],
    ['text/plain', utf8('雪中的红狐')],
    ['text/plain', utf8('{ not JSON at all }')],
  ])('%s', async (mediaType, head) => {
    expect(await sniffMediaType(head)).toBe(mediaType);
  });

  it.each([
    ['a page', utf8('<!doctype html><script>alert(1)</script>')],
    ['a drawing with a script', utf8('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')],
    ['a drawing behind a declaration', utf8('<?xml version="1.0"?>\n<svg/>')],
    ['markup behind a byte order mark', utf8('\uFEFF <html>')],
    ['a program', bytes('\x7fELF\x02\x01\x01')],
    ['an archive', bytes('PK\x03\x04\x14\0\0\0')],
    ['nothing', new Uint8Array()],
    ['bytes without meaning', Uint8Array.of(0, 1, 2, 3, 0xff, 0xfe)],
  ])('nothing that would run or that we do not know: %s', async (_name, head) => {
    expect(await sniffMediaType(head)).toBe('application/octet-stream');
  });

  it('judges a long text by its beginning, also where that splits a character', async () => {
    expect(await sniffMediaType(utf8(`a${'雪'.repeat(2_000)}`).subarray(0, sniffBytes))).toBe('text/plain');
    const long = utf8(`{"text": "${'雪'.repeat(2_000)}"}`);
    expect(await sniffMediaType(long.subarray(0, sniffBytes))).toBe('application/json');
  });

  it('never fails, and names one of few types', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (head) => {
        expect(await sniffMediaType(head)).toMatch(/^(image|audio|video|model|text|application)\/[a-z-]+\d?$/);
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
