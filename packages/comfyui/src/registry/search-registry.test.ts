import { describe, expect, test } from 'vitest';
import { parseRegistry } from './parse-registry.ts';
import { readRecordedObjectInfo } from './recorded-registry.ts';
import { createRegistrySearch } from './search-registry.ts';
import type { NodeSearchOptions } from './search-registry.ts';

const registry = parseRegistry(readRecordedObjectInfo('0.8.0'));
const finder = createRegistrySearch(registry);

function names(query: string, options?: NodeSearchOptions): string[] {
  return finder.search(query, options).map(({ nodeClass }) => nodeClass.name);
}

describe('the first result', () => {
  test.each([
    ['KSampler', 'KSampler'],
    ['ksampler', 'KSampler'],
    ['kasmpler', 'KSampler'],
    ['load checkpoint', 'CheckpointLoaderSimple'],
    ['load checkpint', 'CheckpointLoaderSimple'],
    ['chekpoint loader simple', 'CheckpointLoaderSimple'],
    ['lora', 'LoraLoader'],
    ['flux guidance', 'FluxGuidance'],
    ['outpaint', 'ImagePadForOutpaint'],
    ['latent to image', 'VAEDecode'],
    ['what turns LATENT into IMAGE', 'VAEDecode'],
    ['image -> latent', 'VAEEncode'],
    ['save image', 'SaveImage'],
    ['clip text encode', 'CLIPTextEncode'],
    ['apply controlnet', 'ControlNetApplyAdvanced'],
    ['upscale image with model', 'ImageUpscaleWithModel'],
  ])('for %j is %s', (query, expected) => {
    expect(names(query)[0]).toBe(expected);
  });
});

test('types filter: what takes LATENT and gives IMAGE', () => {
  expect(names('', { takes: 'LATENT', gives: 'IMAGE' }).sort()).toEqual(['VAEDecode', 'VAEDecodeTiled']);
  expect(names('decode', { takes: 'LATENT', gives: 'IMAGE', limit: 1 })).toEqual(['VAEDecode']);
  expect(names('sampler', { gives: 'NOISE' })).toEqual([]);
  expect(names('batch', { takes: 'IMAGE', gives: 'IMAGE' })).toContain('BatchImagesNode');
});

test('deprecated classes are left out unless asked for', () => {
  const deprecated = [...registry.classes.values()].find((nodeClass) => nodeClass.deprecated);
  expect(deprecated).toBeDefined();
  expect(names(deprecated?.name ?? '')).not.toContain(deprecated?.name);
  expect(names(deprecated?.name ?? '', { deprecated: true })).toContain(deprecated?.name);
});

test('a word of the description alone is found, and a question may be a whole sentence', () => {
  const described = parseRegistry(
    JSON.stringify({
      Plain: { input: {}, output: ['IMAGE'], description: 'It is the übermäßig quick way to vectorise.' },
      Other: { input: {}, output: ['IMAGE'], description: 'It is slow.' },
    }),
  );
  const search = createRegistrySearch(described);
  const found = (query: string): string[] => search.search(query).map(({ nodeClass }) => nodeClass.name);
  expect(found('vectorise')).toEqual(['Plain']);
  expect(found('ÜBERMÄßIG')).toEqual(['Plain']);
  expect(found('which node is for vectorise')).toEqual(['Plain']);
});

test('limits, and queries of any kind', () => {
  expect(names('image', { limit: 3 })).toHaveLength(3);
  for (const query of [
    '   ',
    '??',
    '\u0000',
    '🎨',
    'x'.repeat(10_000),
    '__proto__',
    'constructor',
    '中文',
    'a '.repeat(5_000),
  ]) {
    expect(Array.isArray(names(query))).toBe(true);
  }
});
