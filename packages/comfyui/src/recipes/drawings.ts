import {
  CHECKPOINT_PROMPTS,
  encodeScaled,
  FLUX_LOADERS,
  joinLines,
  kSampler,
  partLoaders,
  saveImage,
  type SamplerLinks,
} from './notation-lines.ts';

/** How a family of models draws: all of a workflow but what it starts from. */
export interface Drawing {
  /** Lines that load the models and encode the prompts. */
  head: string;
  /** The class of an empty latent of this architecture. */
  emptyLatent: 'EmptyLatentImage' | 'EmptySD3LatentImage';
  sampler: SamplerLinks;
  /** The VAE, as lines name it. */
  vae: string;
}

export const checkpointDrawing: Drawing = {
  head: CHECKPOINT_PROMPTS,
  emptyLatent: 'EmptyLatentImage',
  sampler: {},
  vae: 'loader.VAE',
};

export const sd3Drawing: Drawing = { ...checkpointDrawing, emptyLatent: 'EmptySD3LatentImage' };

/** Flux is guided by its own input, so CFG stays 1 and a negative prompt has no effect. */
const FLUX_GUIDANCE = `guided = FluxGuidance(conditioning=positive, guidance=$guidance)
nothing = ConditioningZeroOut(conditioning=positive)`;

const fluxSampler: SamplerLinks = { positive: 'guided', negative: 'nothing', cfg: 1 };

export const fluxCheckpointDrawing: Drawing = {
  head: `loader = CheckpointLoaderSimple(ckpt_name=$model)
positive = CLIPTextEncode(clip=loader.CLIP, text=$prompt)
${FLUX_GUIDANCE}`,
  emptyLatent: 'EmptySD3LatentImage',
  sampler: fluxSampler,
  vae: 'loader.VAE',
};

export const fluxDrawing: Drawing = {
  head: `${FLUX_LOADERS}
positive = CLIPTextEncode(clip=encoder, text=$prompt)
${FLUX_GUIDANCE}`,
  emptyLatent: 'EmptySD3LatentImage',
  sampler: fluxSampler,
  vae: 'vae',
};

export const qwenDrawing: Drawing = {
  head: `${partLoaders('qwen_image')}
shifted = ModelSamplingAuraFlow(model=loader, shift=3.1)
positive = CLIPTextEncode(clip=encoder, text=$prompt)
negative = CLIPTextEncode(clip=encoder, text=$negative)`,
  emptyLatent: 'EmptySD3LatentImage',
  sampler: { model: 'shifted' },
  vae: 'vae',
};

export const zImageDrawing: Drawing = {
  head: `${partLoaders('lumina2')}
shifted = ModelSamplingAuraFlow(model=loader, shift=3)
positive = CLIPTextEncode(clip=encoder, text=$prompt)
nothing = ConditioningZeroOut(conditioning=positive)`,
  emptyLatent: 'EmptySD3LatentImage',
  sampler: { model: 'shifted', negative: 'nothing', cfg: 1 },
  vae: 'vae',
};

/** The notation that draws `$count` pictures of `$width` × `$height` from nothing. */
export function drawFromNothing({ head, emptyLatent, sampler, vae }: Drawing): string {
  return joinLines(
    head,
    `canvas = ${emptyLatent}(width=$width, height=$height, batch_size=$count)`,
    kSampler(sampler),
    saveImage(vae),
  );
}

/**
 * The notation that redraws a picture as far as `$denoise` says.
 *
 * @param pixels lines that give the picture as `scaled`.
 */
export function redrawPicture({ head, sampler, vae }: Drawing, pixels: string): string {
  return joinLines(head, pixels, encodeScaled(vae), kSampler(sampler, { denoise: true }), saveImage(vae));
}
