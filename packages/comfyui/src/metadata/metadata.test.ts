import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { errorOf } from '../errors/testing/error-of.ts';
import type { Json } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { anyCharacter } from '../testing/any-character.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { setLimits } from './image-metadata.ts';
import { parseJpeg } from './jpeg.ts';
import { parsePng } from './png.ts';
import { parseMetadata, readMetadata } from './read-metadata.ts';
import { sampleImage, sampleNames } from './testing/sample-images.ts';
import { parseWebp } from './webp.ts';
import { stripMetadata, writeMetadata } from './write-metadata.ts';

const prompt = parseJson(
  '{"3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "text": "un phare, 灯塔 🗼", "cfg": 7.5}}}',
);
const workflow = parseJson(
  '{"last_node_id": 9, "nodes": [{"id": 3, "widgets_values": [18446744073709551615]}], "links": []}',
);
const parameters =
  'a lighthouse, 灯塔\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768';

function pngChunk(type: string, data: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(data as string, 'latin1');
  const chunk = Buffer.alloc(12 + bytes.byteLength);
  chunk.writeUInt32BE(bytes.byteLength, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(bytes, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.byteLength - 4);
  return chunk;
}

/** The PNG sample with chunks behind its header. */
function pngWith(...chunks: Uint8Array[]): Uint8Array {
  const png = Buffer.from(sampleImage('png'));
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

/** What a call gives, or the code of its ComfyError; anything else that it throws fails the test. */
function outcomeOf<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof ComfyError) return error.code;
    throw error;
  }
}

describe('what is written is read', () => {
  it.each(sampleNames)('in %s, with integers and letters of any kind', (name) => {
    const written = writeMetadata(sampleImage(name), { prompt, workflow, parameters });
    const read = parseMetadata(written);
    expect(read.prompt).toEqual(prompt);
    expect(read.workflow).toEqual(workflow);
    expect(read.texts['parameters']).toBe(parameters);
    expect(read.parameters).toMatchObject({
      prompt: 'a lighthouse, 灯塔',
      negativePrompt: 'blurry',
      seed: 42,
      width: 512,
    });
    expect(Buffer.from(written).toString('latin1')).toContain('18446744073709551615');
  });

  it.each(sampleNames)('in %s, once: the old words are gone', (name) => {
    const twice = writeMetadata(writeMetadata(sampleImage(name), { prompt, parameters }), { workflow });
    expect(parseMetadata(twice)).toMatchObject({ workflow });
    expect(parseMetadata(twice).prompt).toBeUndefined();
    expect(parseMetadata(twice).texts['parameters']).toBeUndefined();
  });

  it.each(sampleNames)('in %s, for any values', (name) => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string({ unit: anyCharacter }).filter((text) => !text.includes('\0')),
        (value, text) => {
          const node = { '1': { class_type: 'X', inputs: { value: value as Json } } };
          const read = parseMetadata(writeMetadata(sampleImage(name), { prompt: node, parameters: `Q ${text}` }));
          expect(read.prompt).toEqual(parseJson(stringifyJson(node)));
          expect(read.texts['parameters']).toBe(`Q ${text}`);
        },
      ),
      { seed: 5, numRuns: propertyRuns(60) },
    );
  });

  it('writes large workflows into PNG and WebP, and says why not into JPEG', () => {
    const large = { '1': { class_type: 'X', inputs: { text: 'x'.repeat(100_000) } } };
    for (const name of ['png', 'webp', 'webpLossless', 'webpExt'] as const) {
      expect(parseMetadata(writeMetadata(sampleImage(name), { prompt: large })).prompt).toEqual(large);
    }
    const error = errorOf(() => writeMetadata(sampleImage('jpeg'), { prompt: large }));
    expect(error).toMatchObject({ code: 'too_large', hint: 'Use PNG or WebP, or leave the workflow out.' });
  });
});

describe('stripMetadata', () => {
  it.each(sampleNames)('leaves the picture of %s, its colours and its orientation alone', (name) => {
    const original = sampleImage(name);
    const stripped = stripMetadata(writeMetadata(original, { prompt, workflow, parameters }));
    expect(Buffer.from(stripped).toString('latin1')).not.toContain('KSampler');
    expect(parseMetadata(stripped).texts).toEqual({});
    expect(pictureOf(stripped)).toEqual(pictureOf(original));
    expect(Buffer.from(stripMetadata(stripped))).toEqual(Buffer.from(stripped));
  });

  it('gives a file in simple form back as it was', () => {
    for (const name of ['webp', 'jpeg', 'png'] as const) {
      expect(Buffer.from(stripMetadata(sampleImage(name)))).toEqual(Buffer.from(sampleImage(name)));
    }
  });

  it('takes out what stands behind the picture, between its scans, and in parts that are not known', () => {
    const jpeg = Buffer.from(sampleImage('jpeg'));
    const webp = Buffer.from(sampleImage('webp'));
    const end = jpeg.lastIndexOf(Buffer.from([0xff, 0xd9]));
    const segment = (marker: number): Buffer => Buffer.from(`\xff${String.fromCharCode(marker)}\0\x08SECRET`, 'latin1');
    const scans = Buffer.concat([
      jpeg.subarray(0, 2),
      segment(0xeb),
      segment(0xe2),
      jpeg.subarray(2, end),
      segment(0xe1),
      segment(0xfe),
      jpeg.subarray(end),
      sampleImage('jpegExif'),
    ]);
    expect(Buffer.from(stripMetadata(scans))).toEqual(jpeg);
    const png = Buffer.concat([pngWith(pngChunk('caBX', 'SECRET')), Buffer.from('SECRET')]);
    expect(Buffer.from(stripMetadata(png))).toEqual(Buffer.from(sampleImage('png')));
    const riff = Buffer.concat([webp, Buffer.from('C2PA\x06\0\0\0SECRET', 'latin1')]);
    riff.writeUInt32LE(riff.byteLength - 8, 4);
    expect(Buffer.from(stripMetadata(riff))).toEqual(webp);
  });

  it('refuses a segment between scans that is longer than the file', () => {
    const jpeg = Buffer.from(sampleImage('jpeg'));
    const cut = Buffer.concat([jpeg.subarray(0, -2), Buffer.from([0xff, 0xe1, 0xff, 0xff, 1])]);
    expect(errorOf(() => stripMetadata(cut)).code).toBe('malformed');
  });

  it('takes out what a damaged EXIF block holds', () => {
    const jpeg = Buffer.from(sampleImage('jpegExif'));
    jpeg.write('XX', jpeg.indexOf('II*\0'), 'latin1');
    expect(errorOf(() => parseMetadata(jpeg)).code).toBe('malformed');
    const stripped = stripMetadata(jpeg);
    expect(Buffer.from(stripped).includes('Exif')).toBe(false);
    expect(parseMetadata(stripped).format).toBe('jpeg');
  });
});

/** Everything that is the picture, from the file's own parts. */
function pictureOf(bytes: Uint8Array): unknown {
  const limits = setLimits({});
  const { format } = parseMetadata(bytes);
  if (format === 'png') return parsePng(bytes, limits).map(({ type, data }) => [type, Buffer.from(data)]);
  if (format === 'jpeg') {
    const { segments, rest } = parseJpeg(bytes, limits);
    const kept = segments.filter(({ marker }) => marker !== 0xe1).map(({ whole }) => Buffer.from(whole));
    return [kept, Buffer.from(rest), Buffer.from(bytes).includes('Exif')];
  }
  const chunks = parseWebp(bytes, limits).filter(({ type }) => type !== 'EXIF');
  return chunks.filter(({ type }) => type !== 'VP8X').map(({ type, data }) => [type, Buffer.from(data)]);
}

describe('what other programs write', () => {
  it('reads compressed and international texts, and the chunk of animated PNG', () => {
    const compressed = deflateSync('{"1": {"class_type": "A", "inputs": {}}}').toString('latin1');
    const plain = Buffer.from('{"nodes": [], "extra": "ü"}', 'utf8').toString('latin1');
    const read = parseMetadata(
      pngWith(
        pngChunk('zTXt', `prompt\0\0${compressed}`),
        pngChunk('iTXt', `workflow\0\0\0en\0\0${plain}`),
        pngChunk('iTXt', `parameters\0\u0001\0\0\0${deflateSync('a cat').toString('latin1')}`),
        pngChunk('tEXt', 'Comment\0made by h\xe9l\xe8ne'),
        pngChunk('comf', 'prompt\0{"2": {"class_type": "B"}}'),
      ),
    );
    expect(read.prompt).toEqual({ '1': { class_type: 'A', inputs: {} } });
    expect(read.workflow).toEqual({ nodes: [], extra: 'ü' });
    expect(read.parameters?.prompt).toBe('a cat');
    expect(read.texts['Comment']).toBe('made by hélène');
    expect(parseMetadata(pngWith(pngChunk('comf', 'prompt\0{"2": {"class_type": "B"}}'))).prompt).toBeDefined();
  });

  it('keeps NaN, which Python writes, and does not mind texts that are not JSON', () => {
    const read = parseMetadata(
      pngWith(
        pngChunk('tEXt', 'prompt\0{"1": {"class_type": "A", "is_changed": [NaN]}}'),
        pngChunk('tEXt', 'workflow\0{oops'),
      ),
    );
    expect(read.prompt).toEqual({ '1': { class_type: 'A', is_changed: [Number.NaN] } });
    expect(read.workflow).toBeUndefined();
    expect(read.texts['workflow']).toBe('{oops');
    const rewritten = writeMetadata(sampleImage('webp'), read.prompt === undefined ? {} : { prompt: read.prompt });
    expect(parseMetadata(rewritten).prompt).toEqual(read.prompt);
    expect(parseMetadata(pngWith(pngChunk('tEXt', 'prompt\0a cat on a mat'))).prompt).toBeUndefined();
  });

  it('finds workflows that stand in a JPEG comment or in one object', () => {
    const both = JSON.stringify({ prompt: { '1': { class_type: 'A' } }, workflow: { nodes: [] } });
    const jpeg = Buffer.from(sampleImage('jpeg'));
    const comment = Buffer.from(`\xff\xfe\0\0${both}`, 'latin1');
    comment.writeUInt16BE(comment.byteLength - 2, 2);
    const read = parseMetadata(Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]));
    expect(read).toMatchObject({ prompt: { '1': { class_type: 'A' } }, workflow: { nodes: [] } });
  });

  it('reads a user comment in either byte order, whatever the block says', () => {
    const text = 'a cat\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64';
    for (const [order, swapped] of [
      ['II', true],
      ['II', false],
      ['MM', true],
      ['MM', false],
    ] as const) {
      const little = order === 'II';
      const value = Buffer.from(text, 'utf16le');
      if (little === swapped) value.swap16();
      const comment = Buffer.concat([Buffer.from('UNICODE\0', 'latin1'), value]);
      const head = Buffer.alloc(26);
      head.write(order, 0, 'latin1');
      const u16 = (at: number, number: number) =>
        little ? head.writeUInt16LE(number, at) : head.writeUInt16BE(number, at);
      const u32 = (at: number, number: number) =>
        little ? head.writeUInt32LE(number, at) : head.writeUInt32BE(number, at);
      u16(2, 42);
      u32(4, 8);
      u16(8, 1);
      u16(10, 0x9286);
      u16(12, 7);
      u32(14, comment.byteLength);
      u32(18, 26);
      const read = parseMetadata(pngWith(pngChunk('eXIf', Buffer.concat([head, comment]))));
      expect(read.texts['parameters'], `${order} ${swapped}`).toBe(text);
    }
  });

  it('keeps prototype keys as keys', () => {
    const read = parseMetadata(
      pngWith(pngChunk('tEXt', '__proto__\0x'), pngChunk('tEXt', 'prompt\0{"__proto__": {"class_type": "A"}}')),
    );
    expect(Object.keys(read.texts)).toEqual(['__proto__', 'prompt']);
    expect(Object.keys(read.prompt ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['class_type']).toBeUndefined();
  });
});

describe('hostile files', () => {
  it('reads texts full of NULs in time', () => {
    const padded = `{${`${'\0'.repeat(400_000)}x`.repeat(2)}`;
    expect(parseMetadata(pngWith(pngChunk('tEXt', `workflow\0${padded}`))).workflow).toBeUndefined();
    // One entry: the camera's make, an ASCII text behind the directory.
    const head = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\0\0\0\0\x1a\0\0\0\0', 'latin1');
    const text = Buffer.from(`${padded}\0\0`, 'latin1');
    head.writeUInt32BE(text.byteLength, 14);
    const { texts } = parseMetadata(pngWith(pngChunk('eXIf', Buffer.concat([head, text]))));
    expect(texts['exif:010f']).toBe(padded);
  });

  it('stops decompression bombs at the cap', () => {
    const bomb = deflateSync(Buffer.alloc(20_000_000, 0x20)).toString('latin1');
    for (const chunk of [pngChunk('zTXt', `prompt\0\0${bomb}`), pngChunk('iTXt', `prompt\0\u0001\0\0\0${bomb}`)]) {
      expect(errorOf(() => parseMetadata(pngWith(chunk))).code).toBe('too_large');
    }
    // Many small ones add up.
    const small = pngChunk('zTXt', `a\0\0${deflateSync(Buffer.alloc(100_000)).toString('latin1')}`);
    const many = pngWith(...Array.from({ length: 20 }, () => small));
    expect(errorOf(() => parseMetadata(many, { maxTextBytes: 1_000_000 })).code).toBe('too_large');
    expect(parseMetadata(many).format).toBe('png');
  });

  it('counts a text that many EXIF entries point at as often as they do', () => {
    const text = Buffer.alloc(10_000, 0x61);
    const count = 1_000;
    const head = Buffer.alloc(10 + count * 12 + 4);
    head.write('MM\0*', 0, 'latin1');
    head.writeUInt32BE(8, 4);
    head.writeUInt16BE(count, 8);
    for (let index = 0; index < count; index += 1) {
      head.writeUInt16BE(0x010e, 10 + index * 12);
      head.writeUInt16BE(2, 12 + index * 12);
      head.writeUInt32BE(text.byteLength, 14 + index * 12);
      head.writeUInt32BE(head.byteLength, 18 + index * 12);
    }
    const file = pngWith(pngChunk('eXIf', Buffer.concat([head, text])));
    expect(errorOf(() => parseMetadata(file, { maxTextBytes: 1_000_000 })).code).toBe('too_large');
  });

  it('caps the file and its parts', () => {
    expect(errorOf(() => parseMetadata(sampleImage('png'), { maxFileBytes: 90 })).code).toBe('too_large');
    const texts = Array.from({ length: 1_001 }, (_, index) => pngChunk('tEXt', `${index}\0b`));
    expect(errorOf(() => parseMetadata(pngWith(...texts))).code).toBe('too_large');
    const crowded = pngWith(...Array.from({ length: 50 }, () => pngChunk('tEXt', 'a\0b')));
    expect(errorOf(() => parseMetadata(crowded, { maxParts: 20 })).code).toBe('too_large');
  });

  it.each([
    [
      'a text whose checksum is wrong',
      () => {
        const chunk = Buffer.from(pngChunk('tEXt', 'prompt\0{}'));
        chunk.writeUInt32BE(1, chunk.byteLength - 4);
        return pngWith(chunk);
      },
    ],
    ['a text without a name', () => pngWith(pngChunk('tEXt', '\0x'))],
    ['a text that is all name', () => pngWith(pngChunk('tEXt', 'prompt'))],
    ['a text compressed in an unknown way', () => pngWith(pngChunk('zTXt', 'prompt\0\u0001xx'))],
    ['a text that does not inflate', () => pngWith(pngChunk('zTXt', 'prompt\0\0nonsense'))],
    ['a length of four gigabytes', () => pngWith(Buffer.from('\xff\xff\xff\xfftEXtprompt\0x', 'latin1'))],
    ['no header', () => Buffer.concat([sampleImage('png').subarray(0, 8), pngChunk('IDAT', ''), pngChunk('IEND', '')])],
    ['nothing', () => new Uint8Array()],
    ['another format', () => Buffer.from('GIF89a........')],
    ['a page', () => Buffer.from('<!doctype html>')],
  ])('says so of %s', (_, build) => {
    expect(errorOf(() => parseMetadata(build())).code).toBe('malformed');
  });

  it.each(sampleNames)('says so of %s cut anywhere, or reads what is whole', (name) => {
    const file = writeMetadata(sampleImage(name), { prompt, workflow, parameters });
    const whole = parseMetadata(file);
    const outcomes = Array.from({ length: file.byteLength }, (_, length) =>
      outcomeOf(() => parseMetadata(file.subarray(0, length))),
    );
    const others = outcomes.filter((outcome) => outcome !== 'malformed');
    // In a JPEG nothing before its end says how long the picture is.
    expect(others.length > 0).toBe(whole.format === 'jpeg');
    for (const read of others) expect(read).toEqual(whole);
  });

  it.each(sampleNames)(
    'never fails otherwise on %s with bytes changed, whether reading, writing or stripping',
    (name) => {
      const file = writeMetadata(sampleImage(name), { prompt, parameters });
      const change = fc.tuple(fc.nat({ max: file.byteLength - 1 }), fc.integer({ min: 0, max: 255 }));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
          const changed = new Uint8Array(file);
          for (const [at, value] of changes) changed[at] = value;
          const outcomes = [
            outcomeOf(() => parseMetadata(changed).format),
            outcomeOf(() => stripMetadata(changed).byteLength),
            outcomeOf(() => writeMetadata(changed, { workflow }).byteLength),
          ];
          expect(outcomes).not.toContain(undefined);
        }),
        { seed: 9, numRuns: propertyRuns(300) },
      );
    },
  );

  it('never fails otherwise on noise behind a proper beginning', () => {
    const heads = ['\x89PNG\r\n\x1a\n', 'RIFF\x40\0\0\0WEBPEXIF\x20\0\0\0', '\xff\xd8\xff\xe1\0\x30Exif\0\0MM\0*'];
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 120 }), (head, noise) => {
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), noise]);
        expect(typeof outcomeOf(() => parseMetadata(bytes).format)).toBe('string');
      }),
      { seed: 9, numRuns: propertyRuns(500) },
    );
  });
});

describe('readMetadata from a path', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'metadata-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('reads a file within the cap', async () => {
    const path = join(folder, 'a.png');
    await writeFile(path, writeMetadata(sampleImage('png'), { prompt }));
    expect((await readMetadata(path)).prompt).toEqual(prompt);
    await expect(readMetadata(path, { maxFileBytes: 50 })).rejects.toMatchObject({ code: 'too_large' });
  });

  it('says so of folders and missing files, without their paths', async () => {
    await expect(readMetadata(folder)).rejects.toMatchObject({ code: 'invalid_value' });
    const missing = readMetadata(join(folder, 'none.png'));
    await expect(missing).rejects.toMatchObject({
      code: 'invalid_value',
      message: 'The image file cannot be read: ENOENT.',
    });
  });
});
