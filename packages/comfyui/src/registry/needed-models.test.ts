import { expect, test } from 'vitest';
import { neededModels } from './needed-models.ts';
import { parseRegistry } from './parse-registry.ts';
import { readRecordedObjectInfo, recordedVersions } from './recorded-registry.ts';

test.each(recordedVersions)('the files that a workflow loads on ComfyUI %s, by folder', (version) => {
  const registry = parseRegistry(readRecordedObjectInfo(version));
  const workflow = {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'not-here.safetensors' } },
    '2': { class_type: 'LoraLoader', inputs: { lora_name: 'styles/gouache.safetensors', model: ['1', 0] } },
    '3': { class_type: 'LoraLoader', inputs: { lora_name: 'styles/gouache.safetensors', model: ['2', 0] } },
    '4': { class_type: 'VAELoader', inputs: { vae_name: 'pixel_space' } },
    '5': { class_type: 'SaveImage', inputs: { filename_prefix: 'x.safetensors' } },
    '6': { class_type: 'NobodyHasIt', inputs: { ckpt_name: 'a.safetensors' } },
  };
  expect(neededModels(workflow, registry)).toEqual([
    'checkpoints/not-here.safetensors',
    'loras/styles/gouache.safetensors',
  ]);
});
