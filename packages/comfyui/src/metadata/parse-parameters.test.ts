import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/property-runs.ts';
import { parseParameters } from './parse-parameters.ts';

describe('parseParameters', () => {
  it('reads the usual form', () => {
    const text = `masterpiece, <lora:ink:0.8>, a fox (smiling:1.2),
in snow <lora:styles/gouache:1:0.5>
Negative prompt: blurry, text
watermark
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 18446744073709551615, Size: 832x1216, Model hash: 31e35c80fc, Model: sd_xl_base_1.0, Denoising strength: 0.45, Clip skip: 2, Hires prompt: "a \\"fox\\", closer", Lora hashes: "ink: abc, gouache: def", Version: v1.10.1`;
    const read = parseParameters(text);
    expect(read).toMatchObject({
      prompt: 'masterpiece, a fox (smiling:1.2),\nin snow',
      negativePrompt: 'blurry, text\nwatermark',
      loras: [
        { name: 'ink', weight: 0.8 },
        { name: 'styles/gouache', weight: 1 },
      ],
      seed: 18_446_744_073_709_551_615n,
      steps: 28,
      cfgScale: 6.5,
      sampler: 'DPM++ 2M',
      scheduler: 'Karras',
      width: 832,
      height: 1216,
      denoise: 0.45,
      clipSkip: 2,
      model: 'sd_xl_base_1.0',
      modelHash: '31e35c80fc',
    });
    expect(read.settings['hires prompt']).toBe('a "fox", closer');
    expect(read.settings['lora hashes']).toBe('ink: abc, gouache: def');
    expect(read.settings['version']).toBe('v1.10.1');
  });

  it('reads a prompt alone, settings alone and both in Windows lines', () => {
    expect(parseParameters('a cat: the movie, 4: the return')).toMatchObject({
      prompt: 'a cat: the movie, 4: the return',
      settings: {},
    });
    expect(parseParameters('Steps: 4, Sampler: Euler, Seed: 1')).toMatchObject({ prompt: '', steps: 4, seed: 1 });
    expect(parseParameters('a cat\r\nNegative prompt: dog\r\nSteps: 4, Size: 64x32')).toMatchObject({
      prompt: 'a cat',
      negativePrompt: 'dog',
      height: 32,
    });
    expect(parseParameters('a cat\nSampler: Euler, Seed: 1, Model: a')).toMatchObject({ prompt: 'a cat', model: 'a' });
    expect(parseParameters('a cat\nNegative prompt: a: 1, b: 2, c: 3')).toMatchObject({
      negativePrompt: 'a: 1, b: 2, c: 3',
      settings: {},
    });
    expect(parseParameters('')).toMatchObject({ prompt: '', negativePrompt: '' });
  });

  it('leaves out values that are no numbers', () => {
    const read = parseParameters(
      'a\nSteps: 20, Seed: abc, CFG scale: 1e999, Size: huge, Clip skip: , Denoising strength: NaN',
    );
    expect(read).toEqual({
      prompt: 'a',
      negativePrompt: '',
      loras: [],
      steps: 20,
      settings: expect.any(Object) as unknown,
    });
  });

  it('refuses what is too much', () => {
    for (const text of [
      'x'.repeat(1_000_001),
      '<lora:a:1>'.repeat(101),
      `Steps: 1${Array.from({ length: 600 }, (_, n) => `, k${n}: 1`).join('')}`,
    ]) {
      expect(() => parseParameters(text)).toThrow(expect.objectContaining({ code: 'too_large' }) as Error);
    }
  });

  it('reads what is written, whatever the values', () => {
    const word = fc
      .string({ minLength: 1, maxLength: 20 })
      .filter((text) => /^[\w ,.()-]+$/.test(text) && text.trim() === text);
    fc.assert(
      fc.property(
        word,
        word,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.string(),
        (prompt, negative, seed, quoted) => {
          const text = `${prompt}\nNegative prompt: ${negative}\nSteps: 5, Seed: ${seed}, Note: ${JSON.stringify(`,${quoted}`)}, Model: m`;
          const read = parseParameters(text);
          expect(read).toMatchObject({ prompt, negativePrompt: negative, steps: 5, model: 'm' });
          expect(BigInt(read.seed ?? -1)).toBe(seed);
          expect(read.settings['note']).toBe(`,${quoted}`.replaceAll('\0', ''));
        },
      ),
      { seed: 2, numRuns: propertyRuns(200) },
    );
  });

  it.each([
    ['opened LoRA marks', '<lora:'.repeat(150_000), ''],
    ['colons', 'a:'.repeat(400_000), ''],
    ['escapes in a quote that never closes', `Steps: 1, a: "${'\\"'.repeat(400_000)}`, '1'],
    ['empty lines', `a${'\n'.repeat(900_000)}b`, ''],
  ])('takes time in proportion to the text: %s', (_, text, steps) => {
    expect(parseParameters(text).settings['steps'] ?? '').toBe(steps);
  });
});
