import type { Json } from '../../json/json.ts';

export interface TextToImageOptions {
  text?: string;
  negative?: string;
  seed?: number | bigint;
  steps?: number;
  cfg?: number;
  /** Pixels. */
  width?: number;
  height?: number;
  batch?: number;
  checkpoint?: string;
  prefix?: string;
}

/** A node of a sample, which a test may change freely. */
export interface SampleNode {
  class_type: string;
  inputs: Record<string, Json>;
}

/** Text to image with one checkpoint: nodes 3 to 9 as ComfyUI's own example numbers them. Small, and quick to draw. */
export function textToImage(options: TextToImageOptions = {}): Record<string, SampleNode> {
  const { width = 64, height = 64, batch = 1, checkpoint = 'tiny-a.safetensors' } = options;
  return {
    '3': {
      class_type: 'KSampler',
      inputs: {
        seed: options.seed ?? 1,
        steps: options.steps ?? 3,
        cfg: options.cfg ?? 7,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
        model: ['4', 0],
        positive: ['6', 0],
        negative: ['7', 0],
        latent_image: ['5', 0],
      },
    },
    '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: checkpoint } },
    '5': { class_type: 'EmptyLatentImage', inputs: { width, height, batch_size: batch } },
    '6': { class_type: 'CLIPTextEncode', inputs: { text: options.text ?? 'a lighthouse', clip: ['4', 1] } },
    '7': { class_type: 'CLIPTextEncode', inputs: { text: options.negative ?? 'blurry', clip: ['4', 1] } },
    '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: options.prefix ?? 'test' } },
  };
}
