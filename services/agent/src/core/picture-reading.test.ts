import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { parameters as sample } from './testing/a1111-parameters.ts';
import { describeOffline } from './describe-offline.ts';
import { readPictureSize } from './picture-size.ts';
import { pngHasTransparency } from './png-transparency.ts';
import { ratioName } from './ratio-name.ts';
import { samplePng } from './testing/sample-png.ts';

const opaque = (width: number, height: number): Uint8Array => new Uint8Array(width * height * 4).fill(255);

describe('readPictureSize', () => {
  test.each([
    ['PNG', samplePng(7, 5, opaque(7, 5)), { width: 7, height: 5 }],
    ['GIF', Buffer.from('4749463839610a001400', 'hex'), { width: 10, height: 20 }],
    [
      'JPEG behind other segments',
      Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb000300ffc0001108002000300301220002110103110100', 'hex'),
      { width: 48, height: 32 },
    ],
    ['lossless WebP', Buffer.from('52494646000000005745425056503848000000000000', 'hex'), undefined],
    [
      'lossy WebP',
      Buffer.from('52494646000000005745425056503820000000000000009d012a40013000', 'hex'),
      { width: 320, height: 48 },
    ],
    [
      'extended WebP',
      Buffer.from('524946460000000057454250565038580a00000000000000ff0300ff0100', 'hex'),
      { width: 1024, height: 512 },
    ],
    ['text', Buffer.from('not a picture at all, only words'), undefined],
    ['nothing', Buffer.alloc(0), undefined],
  ])('%s', (_name, bytes, size) => {
    expect(readPictureSize(bytes)).toEqual(size);
  });

  test('never throws, whatever the bytes', () => {
    const heads = ['89504e47', 'ffd8ff', '52494646', '47494638', '424d', ''].map((head) => Buffer.from(head, 'hex'));
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 80 }), (head, rest) => {
        const size = readPictureSize(Buffer.concat([head, rest]));
        expect(size === undefined || (size.width > 0 && size.height > 0)).toBe(true);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe('pngHasTransparency', () => {
  test('finds one clear pixel anywhere, whatever the row filters', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        fc.option(fc.nat()),
        (width, height, filters, colours, clear) => {
          const pixels = opaque(width, height);
          for (let index = 0; index < pixels.length; index += 1) {
            if (index % 4 !== 3) pixels[index] = colours.next().value ?? 0;
          }
          if (clear !== null) pixels[(clear % (width * height)) * 4 + 3] = 254;
          expect(pngHasTransparency(samplePng(width, height, pixels, filters))).toBe(clear !== null);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  test('is false for what is cut off or no PNG', () => {
    const bytes = samplePng(4, 4, new Uint8Array(64));
    expect(pngHasTransparency(bytes)).toBe(true);
    expect(pngHasTransparency(bytes.subarray(0, 50))).toBe(false);
    expect(pngHasTransparency(Buffer.from('hello'))).toBe(false);
  });
});

test.each([
  [1920, 1080, '16:9'],
  [1024, 1024, '1:1'],
  [896, 1152, '0.78:1'],
  [768, 1024, '3:4'],
])('%i × %i is %s', (width, height, name) => {
  expect(ratioName({ width, height })).toBe(name);
});

describe('describeOffline', () => {
  const registry = recordedRegistry('0.8.0');

  test('reads prompt and settings that ComfyUI wrote', () => {
    const prompt = JSON.stringify({
      a: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'x.safetensors' } },
      p: { class_type: 'CLIPTextEncode', inputs: { clip: ['a', 1], text: 'a quiet harbour' } },
      n: { class_type: 'CLIPTextEncode', inputs: { clip: ['a', 1], text: 'people' } },
      l: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
      k: {
        class_type: 'KSampler',
        inputs: {
          model: ['a', 0],
          positive: ['p', 0],
          negative: ['n', 0],
          latent_image: ['l', 0],
          seed: 5,
          steps: 9,
          cfg: 2,
          sampler_name: 'euler',
          scheduler: 'simple',
          denoise: 1,
        },
      },
    });
    const text = describeOffline([samplePng(8, 4, opaque(8, 4), [0], { prompt })], registry, 'en');
    expect(text).toContain('8 × 4, 2:1.');
    expect(text).toContain('Prompt in the file: “a quiet harbour”');
    expect(text).toContain('Negative prompt: “people”');
    expect(text).toContain('model x.safetensors, seed 5, steps 9, cfg 2, sampler euler');
    expect(text).toContain('ANTHROPIC_API_KEY');
  });

  test('reads what other programs wrote, in Chinese, for several pictures', () => {
    const bytes = samplePng(4, 4, opaque(4, 4), [0], { parameters: sample });
    const text = describeOffline([bytes, Buffer.from('GIF89a')], registry, 'zh');
    expect(text).toContain('图 1：尺寸：4 × 4, 1:1。');
    expect(text).toContain('文件中的提示词：“a lighthouse”');
    expect(text).toContain('图 2：无法读取尺寸。\n文件中没有生成信息。');
  });
});
