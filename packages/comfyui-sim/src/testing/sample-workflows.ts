import type { Workflow } from '@atelier/comfyui/graph/workflow';

export interface TextToImageOptions {
  text?: string;
  seed?: number;
  steps?: number;
  width?: number;
  height?: number;
  batch?: number;
  checkpoint?: string;
  prefix?: string;
}

/** The plain text-to-image workflow: nodes 3 to 9 as everybody numbers them. */
export function textToImage(options: TextToImageOptions = {}): Workflow {
  return {
    '3': {
      class_type: 'KSampler',
      inputs: {
        seed: options.seed ?? 1,
        steps: options.steps ?? 3,
        cfg: 7,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
        model: ['4', 0],
        positive: ['6', 0],
        negative: ['7', 0],
        latent_image: ['5', 0],
      },
    },
    '4': {
      class_type: 'CheckpointLoaderSimple',
      inputs: { ckpt_name: options.checkpoint ?? 'dreamshaper_8.safetensors' },
    },
    '5': {
      class_type: 'EmptyLatentImage',
      inputs: { width: options.width ?? 64, height: options.height ?? 64, batch_size: options.batch ?? 1 },
    },
    '6': { class_type: 'CLIPTextEncode', inputs: { text: options.text ?? 'a lighthouse', clip: ['4', 1] } },
    '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
    '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: options.prefix ?? 'test' } },
  };
}

/** A picture without a model: one colour, saved. */
export function plainImage(color: number, prefix = 'plain'): Workflow {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
}
