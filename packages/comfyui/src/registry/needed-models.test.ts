import { expect, test } from 'vitest';
import { checkPolicy } from '../policy/check-policy.ts';
import { defaultPolicy } from '../policy/default-policy.ts';
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

test('files that dynamic inputs list count under their full names', () => {
  const files = ['a.safetensors', 'b.safetensors'];
  const registry = parseRegistry(
    JSON.stringify({
      StyleLoader: {
        input: {
          required: {
            source: [
              'COMFY_DYNAMICCOMBO_V3',
              {
                options: [
                  { key: 'lora', inputs: { required: { lora_name: [files, {}] } } },
                  { key: 'none', inputs: { required: {} } },
                ],
              },
            ],
          },
        },
        output: ['MODEL'],
        api_node: false,
        deprecated: false,
        experimental: false,
        python_module: 'comfy_extras.nodes_style',
      },
    }),
  );
  const load = (inputs: Record<string, string>) => ({ '1': { class_type: 'StyleLoader', inputs } });
  expect(neededModels(load({ source: 'lora', 'source.lora_name': 'a.safetensors' }), registry)).toEqual([
    'loras/a.safetensors',
  ]);
  expect(neededModels(load({ source: 'none', 'source.lora_name': 'a.safetensors' }), registry)).toEqual([]);
  const many = Object.fromEntries(
    files.map((file, index) => [
      String(index),
      { class_type: 'StyleLoader', inputs: { source: 'lora', 'source.lora_name': file } },
    ]),
  );
  const policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, maxModels: 1 } };
  expect(checkPolicy(registry, many)).toEqual({ allowed: true });
  expect(checkPolicy(registry, many, policy)).toMatchObject({
    allowed: false,
    reasons: [{ code: 'too_much_work', message: expect.stringContaining('2 different model files') }],
  });
});
