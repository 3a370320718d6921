import { describe, expect, it } from 'vitest';
import { parsePythonJson } from '@atelier/comfyui/json/python-json';
import type { PyDict } from '@atelier/comfyui/json/python-json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import { pythonJsonText } from '../json/python-json-text.ts';
import { loadObjectInfo } from '../registry/load-object-info.ts';
import { generateObjectInfo } from '../registry/generate-object-info.ts';
import { applyInventory } from './apply-inventory.ts';
import { demoInventory, demoModels, recordedInventory } from './inventory.ts';

function options(info: PyDict, className: string, input: string): unknown {
  return parseRegistry(pythonJsonText(info)).classes.get(className)?.inputsByName.get(input)?.options;
}

describe('the inventory', () => {
  it.each(['0.3.64', '0.8.0'] as const)(
    'leaves the recorded registry of %s as it was when it is the recorded one',
    (version) => {
      const served = pythonJsonText(applyInventory(loadObjectInfo(version), recordedInventory, ['example.png']));
      expect(parsePythonJson(served)).toEqual(parsePythonJson(readRecordedObjectInfo(version)));
    },
  );

  it('fills combos of both forms and keeps choices that are no files', () => {
    const info = applyInventory(loadObjectInfo('0.8.0'), demoInventory, ['b.png', 'a.jpg', 'sub/c.png', 'clip.mp4']);
    expect(options(info, 'CheckpointLoaderSimple', 'ckpt_name')).toEqual(demoInventory['checkpoints']);
    expect(options(info, 'UpscaleModelLoader', 'model_name')).toEqual(demoInventory['upscale_models']);
    expect(options(info, 'CLIPVisionLoader', 'clip_name')).toEqual(demoModels['clip_vision']);
    expect(options(info, 'VAELoader', 'vae_name')).toEqual([...(demoInventory['vae'] ?? []), 'pixel_space']);
    expect(options(info, 'LoadImage', 'image')).toEqual(['a.jpg', 'b.png']);
    expect(options(info, 'LoadVideo', 'file')).toEqual(['clip.mp4']);
  });

  it('offers the demo names beside the recorded ones', () => {
    expect(demoInventory['checkpoints']).toContain('sd_xl_base_1.0.safetensors');
    expect(demoInventory['checkpoints']).toContain('tiny-a.safetensors');
  });
});

describe('generated registries', () => {
  it('have the number asked for, parse, and are the same every time', () => {
    const base = loadObjectInfo('0.8.0');
    const text = pythonJsonText(generateObjectInfo(base, 1_000));
    expect(pythonJsonText(generateObjectInfo(base, 1_000))).toBe(text);
    const registry = parseRegistry(text);
    expect(registry.classes.size).toBe(1_000);
    expect(registry.classes.has('KSampler')).toBe(true);
    const last = registry.classes.get('Bench999Node');
    expect(last?.inputsByName.get('seed')?.max).toBe(2n ** 64n - 1n);
    expect(last?.pack).toMatch(/^bench_pack_/);
  });
});
