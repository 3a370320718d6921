import { expect, test } from 'vitest';
import { listModels } from './models.ts';
import { parseRegistry } from './parse-registry.ts';
import { readRecordedObjectInfo, recordedVersions } from './recorded-registry.ts';

test.each(recordedVersions)('the models of ComfyUI %s by folder', (version) => {
  const { byFolder, inputs } = listModels(parseRegistry(readRecordedObjectInfo(version)));
  const names = (folder: string): string[] => (byFolder.get(folder) ?? []).map(({ name }) => name);
  expect(names('checkpoints')).toEqual(['tiny-a.safetensors', 'tiny-b.safetensors']);
  expect(names('loras')).toEqual(['ink.safetensors', 'styles/gouache.safetensors']);
  expect(names('vae')).toEqual(['ae.safetensors']);
  expect(names('diffusion_models')).toEqual(['flow-dev.safetensors']);
  expect(names('text_encoders')).toEqual(['clip_l.safetensors', 't5xxl.safetensors']);
  expect(names('controlnet')).toEqual(['depth.safetensors']);
  expect(names('upscale_models')).toEqual(['4x-demo.pth']);
  expect(byFolder.get('clip_vision')).toEqual([]);
  expect(inputs).toContainEqual({ classType: 'DualCLIPLoader', inputName: 'clip_name2', folder: 'text_encoders' });
  expect(inputs.some(({ inputName }) => inputName === 'sampler_name' || inputName === 'image')).toBe(false);
});

test('families are guessed, and unknown inputs that list models are folders of their own', () => {
  const loader = (input: string, ...files: string[]): unknown => ({
    input: { required: { [input]: [files] } },
    output: [],
  });
  const { byFolder } = listModels(
    parseRegistry(
      JSON.stringify({
        A: loader('ckpt_name', 'sd_xl_base_1.0.safetensors', 'v1-5-pruned-emaonly.safetensors'),
        B: loader(
          'unet_name',
          'flux1-dev.safetensors',
          'wan2.1_t2v_14B.safetensors',
          'qwen_image_edit.safetensors',
          'z_image_turbo.safetensors',
        ),
        C: loader('ipadapter_file', 'ip-adapter_sd15.safetensors'),
        D: loader('instantid_file', 'ip-adapter.bin'),
        E: loader('mode', 'fast', 'slow'),
        F: loader('clip_name', 't5xxl_fp16.safetensors'),
      }),
    ),
  );
  const families = (folder: string): string[] => (byFolder.get(folder) ?? []).map(({ family }) => family);
  expect(families('checkpoints')).toEqual(['sdxl', 'sd15']);
  expect(families('diffusion_models')).toEqual(['flux', 'wan', 'qwen-image', 'z-image']);
  expect(families('text_encoders')).toEqual(['unknown']);
  expect([...byFolder.keys()]).toEqual([
    'checkpoints',
    'diffusion_models',
    'ipadapter',
    'instantid_file',
    'text_encoders',
  ]);
});
