import { textToImage as sampleTextToImage } from '../../graph/testing/text-to-image.ts';
import type { Json } from '../../json/json.ts';

/** A workflow that tests may change freely. */
export type MutableWorkflow = Record<string, { class_type: string; inputs: Record<string, Json>; _meta?: Json }>;

export interface SampleOptions {
  prompt: string;
  negative: string;
  seed: number | bigint;
  steps: number;
  cfg: number;
  width: number;
  height: number;
  batch: number;
  prefix: string;
}

/** Picks a number from 0 up to a limit. */
export type Pick = (below: number) => number;

/** Text to image with one checkpoint. */
export function textToImage(options: SampleOptions): MutableWorkflow {
  const workflow: MutableWorkflow = sampleTextToImage({ ...options, text: options.prompt });
  workflow['6']!._meta = { title: 'Prompt' };
  return workflow;
}

/** Image to image: the picture is loaded and encoded. */
export function imageToImage(options: SampleOptions): MutableWorkflow {
  const workflow = textToImage(options);
  workflow['5'] = { class_type: 'VAEEncode', inputs: { pixels: ['10', 0], vae: ['4', 2] } };
  workflow['10'] = { class_type: 'LoadImage', inputs: { image: 'example.png', upload: 'image' } };
  workflow['3']!.inputs['denoise'] = 0.6;
  return workflow;
}

/** Inpainting with a mask from a file. */
export function inpaint(options: SampleOptions): MutableWorkflow {
  const workflow = imageToImage(options);
  workflow['11'] = { class_type: 'LoadImageMask', inputs: { image: 'example.png', channel: 'red' } };
  workflow['5'] = {
    class_type: 'VAEEncodeForInpaint',
    inputs: { pixels: ['10', 0], vae: ['4', 2], mask: ['11', 0], grow_mask_by: 6 },
  };
  return workflow;
}

/** Two LoRAs in a row. */
export function loraStack(options: SampleOptions): MutableWorkflow {
  const workflow = textToImage(options);
  const strengths = { strength_model: 0.8, strength_clip: 0.7 };
  workflow['20'] = {
    class_type: 'LoraLoader',
    inputs: { model: ['4', 0], clip: ['4', 1], lora_name: 'ink.safetensors', ...strengths },
  };
  workflow['21'] = {
    class_type: 'LoraLoader',
    inputs: { model: ['20', 0], clip: ['20', 1], lora_name: 'styles/gouache.safetensors', ...strengths },
  };
  workflow['3']!.inputs['model'] = ['21', 0];
  workflow['6']!.inputs['clip'] = ['21', 1];
  return workflow;
}

/** A ControlNet that is guided by a loaded picture. */
export function controlNet(options: SampleOptions): MutableWorkflow {
  const workflow = textToImage(options);
  workflow['10'] = { class_type: 'LoadImage', inputs: { image: 'example.png' } };
  workflow['12'] = { class_type: 'ControlNetLoader', inputs: { control_net_name: 'depth.safetensors' } };
  workflow['13'] = {
    class_type: 'ControlNetApplyAdvanced',
    inputs: {
      positive: ['6', 0],
      negative: ['7', 0],
      control_net: ['12', 0],
      image: ['10', 0],
      strength: 0.9,
      start_percent: 0,
      end_percent: 0.8,
    },
  };
  workflow['3']!.inputs['positive'] = ['13', 0];
  workflow['3']!.inputs['negative'] = ['13', 1];
  return workflow;
}

/** A larger copy by an upscale model, scaled back a little. */
export function upscale(options: SampleOptions): MutableWorkflow {
  const workflow = textToImage({
    ...options,
    width: Math.min(options.width, 1024),
    height: Math.min(options.height, 1024),
    batch: 1,
  });
  workflow['14'] = { class_type: 'UpscaleModelLoader', inputs: { model_name: '4x-demo.pth' } };
  workflow['15'] = { class_type: 'ImageUpscaleWithModel', inputs: { upscale_model: ['14', 0], image: ['8', 0] } };
  workflow['16'] = {
    class_type: 'ImageScaleBy',
    inputs: { image: ['15', 0], upscale_method: 'lanczos', scale_by: 0.5 },
  };
  workflow['9']!.inputs['images'] = ['16', 0];
  return workflow;
}

/** A second pass at a larger size. */
export function hiresFix(options: SampleOptions): MutableWorkflow {
  const workflow = textToImage(options);
  workflow['17'] = {
    class_type: 'LatentUpscaleBy',
    inputs: { samples: ['3', 0], upscale_method: 'bislerp', scale_by: 1.5 },
  };
  workflow['18'] = {
    class_type: 'KSampler',
    inputs: { ...workflow['3']!.inputs, latent_image: ['17', 0], denoise: 0.5 },
  };
  workflow['8']!.inputs['samples'] = ['18', 0];
  return workflow;
}

/** A flow model with its parts loaded one by one. */
export function flowModel(options: SampleOptions): MutableWorkflow {
  const { width, height, batch, seed, steps } = options;
  return {
    '1': { class_type: 'UNETLoader', inputs: { unet_name: 'flow-dev.safetensors', weight_dtype: 'default' } },
    '2': {
      class_type: 'DualCLIPLoader',
      inputs: { clip_name1: 't5xxl.safetensors', clip_name2: 'clip_l.safetensors', type: 'flux', device: 'default' },
    },
    '3': { class_type: 'VAELoader', inputs: { vae_name: 'ae.safetensors' } },
    '4': { class_type: 'CLIPTextEncode', inputs: { text: ['14', 0], clip: ['2', 0] } },
    '5': { class_type: 'FluxGuidance', inputs: { conditioning: ['4', 0], guidance: 3.5 } },
    '6': { class_type: 'EmptySD3LatentImage', inputs: { width: ['15', 0], height, batch_size: batch } },
    '7': { class_type: 'RandomNoise', inputs: { noise_seed: seed } },
    '8': { class_type: 'KSamplerSelect', inputs: { sampler_name: 'euler' } },
    '9': { class_type: 'BasicScheduler', inputs: { model: ['1', 0], scheduler: 'simple', steps, denoise: 1 } },
    '10': { class_type: 'BasicGuider', inputs: { model: ['1', 0], conditioning: ['5', 0] } },
    '11': {
      class_type: 'SamplerCustomAdvanced',
      inputs: { noise: ['7', 0], guider: ['10', 0], sampler: ['8', 0], sigmas: ['9', 0], latent_image: ['6', 0] },
    },
    '12': { class_type: 'VAEDecode', inputs: { samples: ['11', 0], vae: ['3', 0] } },
    '13': { class_type: 'SaveImage', inputs: { images: ['12', 0], filename_prefix: options.prefix } },
    '14': { class_type: 'PrimitiveStringMultiline', inputs: { value: options.prompt } },
    '15': { class_type: 'PrimitiveInt', inputs: { value: width } },
  };
}

/** Text to a short clip. */
export function textToVideo(options: SampleOptions): MutableWorkflow {
  const { prompt, negative, seed, steps, cfg } = options;
  return {
    '1': { class_type: 'UNETLoader', inputs: { unet_name: 'flow-dev.safetensors', weight_dtype: 'fp8_e4m3fn' } },
    '2': { class_type: 'CLIPLoader', inputs: { clip_name: 't5xxl.safetensors', type: 'wan' } },
    '3': { class_type: 'VAELoader', inputs: { vae_name: 'ae.safetensors' } },
    '4': { class_type: 'CLIPTextEncode', inputs: { text: prompt, clip: ['2', 0] } },
    '5': { class_type: 'CLIPTextEncode', inputs: { text: negative, clip: ['2', 0] } },
    '6': { class_type: 'EmptyHunyuanLatentVideo', inputs: { width: 832, height: 480, length: 81, batch_size: 1 } },
    '7': {
      class_type: 'KSampler',
      inputs: {
        seed,
        steps,
        cfg,
        sampler_name: 'uni_pc',
        scheduler: 'simple',
        denoise: 1,
        model: ['1', 0],
        positive: ['4', 0],
        negative: ['5', 0],
        latent_image: ['6', 0],
      },
    },
    '8': {
      class_type: 'VAEDecodeTiled',
      inputs: { samples: ['7', 0], vae: ['3', 0], tile_size: 512, overlap: 64, temporal_size: 64, temporal_overlap: 8 },
    },
    '9': { class_type: 'CreateVideo', inputs: { images: ['8', 0], fps: 16 } },
    '10': {
      class_type: 'SaveVideo',
      inputs: { video: ['9', 0], filename_prefix: 'video/ComfyUI', format: 'auto', codec: 'auto' },
    },
  };
}

/** Every sample by name. */
export const sampleWorkflows: Readonly<Record<string, (options: SampleOptions) => MutableWorkflow>> = {
  textToImage,
  imageToImage,
  inpaint,
  loraStack,
  controlNet,
  upscale,
  hiresFix,
  flowModel,
  textToVideo,
};

/** A plain set of options. */
export const plainOptions: SampleOptions = {
  prompt: 'a lighthouse at dusk',
  negative: 'blurry',
  seed: 7,
  steps: 20,
  cfg: 7,
  width: 768,
  height: 512,
  batch: 1,
  prefix: 'ComfyUI',
};
