import {
  textToImage as sampleTextToImage,
  type TextToImageOptions,
} from '@atelier/comfyui/graph/testing/text-to-image';
import type { Workflow } from '@atelier/comfyui/graph/workflow';

/** Text to image with a checkpoint of the simulator's own inventory. */
export function textToImage(options: TextToImageOptions = {}): Workflow {
  return sampleTextToImage({ checkpoint: 'dreamshaper_8.safetensors', ...options });
}

/** A picture without a model: one colour, saved. */
export function plainImage(color: number, prefix = 'plain'): Workflow {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
}
