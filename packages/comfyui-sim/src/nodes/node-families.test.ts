import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { createSimulator } from '../create-simulator.ts';
import type { Simulator } from '../create-simulator.ts';
import { textToImage } from '../testing/sample-workflows.ts';
import { connectSimClient } from '../testing/sim-client.ts';
import type { SimClient } from '../testing/sim-client.ts';

let simulator: Simulator;
let client: SimClient;
let url: string;

beforeAll(async () => {
  // Green, its left half transparent.
  const pixels = Buffer.alloc(64 * 64 * 4);
  for (let at = 0; at < 64 * 64; at += 1) pixels.set([0, 255, 0, at % 64 < 32 ? 0 : 255], at * 4);
  const half = await sharp(pixels, { raw: { width: 64, height: 64, channels: 4 } })
    .png()
    .toBuffer();
  simulator = createSimulator({ previews: false, speed: 10_000, seedFiles: { 'input/half.png': half } });
  url = (await simulator.start()).url;
  client = await connectSimClient(url);
});

afterAll(async () => {
  await client.close();
  await simulator.stop();
});

interface Shown {
  data: Buffer;
  width: number;
  height: number;
  channels: number;
  format: string | undefined;
  pages: number | undefined;
}

/** Runs the workflow and decodes the first picture of the node. */
async function shown(workflow: Workflow, nodeId: string): Promise<Shown> {
  const { outputs, status } = await client.run(workflow);
  expect(status.messages.at(-1)?.[0]).toBe('execution_success');
  const [image] = outputs[nodeId]?.images ?? [];
  if (image === undefined) throw new Error(`Node ${nodeId} shows nothing`);
  const bytes = Buffer.from(
    await (await fetch(`${url}/view?${new URLSearchParams({ ...image }).toString()}`)).arrayBuffer(),
  );
  const { format, pages } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels, format, pages };
}

const pixel = ({ data, width, channels }: Shown, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * channels, (y * width + x) * channels + 3),
];
const colour = (color: number, width = 16, height = 8) => ({
  class_type: 'EmptyImage',
  inputs: { width, height, batch_size: 1, color },
});
const save = (from: string, slot = 0) => ({
  class_type: 'SaveImage',
  inputs: { images: [from, slot], filename_prefix: 'x' },
});

describe('image nodes do real pixel work', () => {
  it.each([
    ['normal', [128, 0, 128]],
    ['multiply', [128, 0, 0]],
    ['screen', [255, 0, 128]],
    ['difference', [255, 0, 128]],
  ])('blend %s', async (mode, expected) => {
    const result = await shown(
      {
        a: colour(0xff0000),
        b: colour(0x0000ff),
        c: {
          class_type: 'ImageBlend',
          inputs: { image1: ['a', 0], image2: ['b', 0], blend_factor: 0.5, blend_mode: mode },
        },
        d: save('c'),
      },
      'd',
    );
    expect(pixel(result, 3, 3)).toEqual(expected);
  });

  it('scale, crop, pad, rotate, stitch and enlarge to the right sizes', async () => {
    const sized = async (class_type: string, inputs: Workflow[string]['inputs']): Promise<number[]> => {
      const result = await shown(
        {
          a: colour(0x336699),
          b: colour(0x112233),
          c: { class_type, inputs: { image: ['a', 0], ...inputs } },
          d: save('c'),
        },
        'd',
      );
      return [result.width, result.height];
    };
    expect(await sized('ImageScale', { upscale_method: 'lanczos', width: 40, height: 0, crop: 'disabled' })).toEqual([
      40, 20,
    ]);
    expect(await sized('ImageScaleBy', { upscale_method: 'area', scale_by: 2.5 })).toEqual([40, 20]);
    expect(await sized('ImageCrop', { width: 5, height: 3, x: 14, y: 1 })).toEqual([2, 3]);
    expect(await sized('ImagePadForOutpaint', { left: 8, top: 0, right: 16, bottom: 8, feathering: 4 })).toEqual([
      40, 16,
    ]);
    expect(await sized('ImageRotate', { rotation: '90 degrees' })).toEqual([8, 16]);
    expect(
      await sized('ImageStitch', {
        image1: ['a', 0],
        image2: ['b', 0],
        direction: 'right',
        match_image_size: true,
        spacing_width: 0,
        spacing_color: 'white',
      }),
    ).toEqual([32, 8]);
  });

  it('enlarge by the factor that the upscale model names', async () => {
    const result = await shown(
      {
        a: colour(0x336699),
        m: { class_type: 'UpscaleModelLoader', inputs: { model_name: 'RealESRGAN_x2plus.pth' } },
        c: { class_type: 'ImageUpscaleWithModel', inputs: { upscale_model: ['m', 0], image: ['a', 0] } },
        d: save('c'),
      },
      'd',
    );
    expect([result.width, result.height]).toEqual([32, 16]);
  });

  it('paste through masks', async () => {
    const result = await shown(
      {
        a: colour(0xff0000),
        b: colour(0x0000ff, 4, 4),
        c: {
          class_type: 'ImageCompositeMasked',
          inputs: { destination: ['a', 0], source: ['b', 0], x: 8, y: 2, resize_source: false },
        },
        d: save('c'),
      },
      'd',
    );
    expect([pixel(result, 9, 3), pixel(result, 2, 3), pixel(result, 12, 3)]).toEqual([
      [0, 0, 255],
      [255, 0, 0],
      [255, 0, 0],
    ]);
  });

  it('read the mask from transparency: transparent is masked', async () => {
    const result = await shown(
      {
        a: { class_type: 'LoadImage', inputs: { image: 'half.png' } },
        b: { class_type: 'GrowMask', inputs: { mask: ['a', 1], expand: 2, tapered_corners: true } },
        c: { class_type: 'MaskToImage', inputs: { mask: ['b', 0] } },
        d: save('c'),
      },
      'd',
    );
    expect([pixel(result, 4, 30), pixel(result, 33, 30), pixel(result, 50, 30)]).toEqual([
      [255, 255, 255],
      [255, 255, 255],
      [0, 0, 0],
    ]);
  });
});

describe('sampling', () => {
  it('keeps what the inpaint mask does not cover', async () => {
    const base = textToImage({ text: 'a red boat' });
    const result = await shown(
      {
        ...base,
        a: { class_type: 'LoadImage', inputs: { image: 'half.png' } },
        e: { class_type: 'VAEEncode', inputs: { pixels: ['a', 0], vae: ['4', 2] } },
        n: { class_type: 'SetLatentNoiseMask', inputs: { samples: ['e', 0], mask: ['a', 1] } },
        '3': { class_type: 'KSampler', inputs: { ...base['3']?.inputs, latent_image: ['n', 0] } },
      },
      '9',
    );
    expect(pixel(result, 55, 10)).toEqual([0, 255, 0]);
    expect(pixel(result, 8, 10)).not.toEqual([0, 255, 0]);
  });

  it('runs the custom samplers of Flux', async () => {
    const workflow: Workflow = {
      model: { class_type: 'UNETLoader', inputs: { unet_name: 'flux1-dev-fp8.safetensors', weight_dtype: 'default' } },
      clip: {
        class_type: 'DualCLIPLoader',
        inputs: { clip_name1: 'clip_l.safetensors', clip_name2: 't5xxl_fp8_e4m3fn.safetensors', type: 'flux' },
      },
      vae: { class_type: 'VAELoader', inputs: { vae_name: 'ae.safetensors' } },
      text: { class_type: 'CLIPTextEncode', inputs: { text: 'a green forest', clip: ['clip', 0] } },
      guidance: { class_type: 'FluxGuidance', inputs: { conditioning: ['text', 0], guidance: 3.5 } },
      guider: { class_type: 'BasicGuider', inputs: { model: ['model', 0], conditioning: ['guidance', 0] } },
      sampler: { class_type: 'KSamplerSelect', inputs: { sampler_name: 'euler' } },
      sigmas: {
        class_type: 'BasicScheduler',
        inputs: { model: ['model', 0], scheduler: 'simple', steps: 4, denoise: 1 },
      },
      noise: { class_type: 'RandomNoise', inputs: { noise_seed: 7 } },
      latent: { class_type: 'EmptySD3LatentImage', inputs: { width: 64, height: 80, batch_size: 1 } },
      run: {
        class_type: 'SamplerCustomAdvanced',
        inputs: {
          noise: ['noise', 0],
          guider: ['guider', 0],
          sampler: ['sampler', 0],
          sigmas: ['sigmas', 0],
          latent_image: ['latent', 0],
        },
      },
      decode: { class_type: 'VAEDecode', inputs: { samples: ['run', 0], vae: ['vae', 0] } },
      out: save('decode'),
    };
    const result = await shown(workflow, 'out');
    expect([result.width, result.height]).toEqual([64, 80]);
    const steps = client.messages.filter(({ type, data }) => type === 'progress' && data['node'] === 'run').length;
    expect(steps).toBe(4);
  });

  it('lets references show in the picture', async () => {
    const base = textToImage({ text: 'night' });
    const withReference: Workflow = {
      ...base,
      white: colour(0xffffff, 64, 64),
      vision: { class_type: 'CLIPVisionLoader', inputs: { clip_name: 'sigclip_vision_patch14_384.safetensors' } },
      seen: {
        class_type: 'CLIPVisionEncode',
        inputs: { clip_vision: ['vision', 0], image: ['white', 0], crop: 'center' },
      },
      style: { class_type: 'StyleModelLoader', inputs: { style_model_name: 'flux1-redux-dev.safetensors' } },
      styled: {
        class_type: 'StyleModelApply',
        inputs: {
          conditioning: ['6', 0],
          style_model: ['style', 0],
          clip_vision_output: ['seen', 0],
          strength: 1,
          strength_type: 'multiply',
        },
      },
      '3': { class_type: 'KSampler', inputs: { ...base['3']?.inputs, positive: ['styled', 0] } },
    };
    const [plain, styled] = [await shown(base, '9'), await shown(withReference, '9')];
    const sum = ({ data }: Shown): number => data.reduce((total, value) => total + value, 0);
    expect(sum(styled)).toBeGreaterThan(sum(plain) * 1.3);
  });

  it('draws clips as animated WebP', async () => {
    const workflow: Workflow = {
      model: {
        class_type: 'UNETLoader',
        inputs: { unet_name: 'wan2.1_t2v_1.3B_fp16.safetensors', weight_dtype: 'default' },
      },
      clip: { class_type: 'CLIPLoader', inputs: { clip_name: 'umt5_xxl_fp8_e4m3fn_scaled.safetensors', type: 'wan' } },
      vae: { class_type: 'VAELoader', inputs: { vae_name: 'wan_2.1_vae.safetensors' } },
      text: { class_type: 'CLIPTextEncode', inputs: { text: 'a boat on the sea', clip: ['clip', 0] } },
      none: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['clip', 0] } },
      latent: { class_type: 'EmptyHunyuanLatentVideo', inputs: { width: 64, height: 48, length: 17, batch_size: 1 } },
      run: {
        class_type: 'KSampler',
        inputs: {
          ...textToImage()['3']?.inputs,
          model: ['model', 0],
          positive: ['text', 0],
          negative: ['none', 0],
          latent_image: ['latent', 0],
        },
      },
      decode: { class_type: 'VAEDecode', inputs: { samples: ['run', 0], vae: ['vae', 0] } },
      video: { class_type: 'CreateVideo', inputs: { images: ['decode', 0], fps: 16 } },
      out: {
        class_type: 'SaveVideo',
        inputs: { video: ['video', 0], filename_prefix: 'clip', format: 'auto', codec: 'auto' },
      },
    };
    const result = await shown(workflow, 'out');
    expect(result.format).toBe('webp');
    expect(result.pages).toBeGreaterThan(5);
  });
});
