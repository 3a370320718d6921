import { samplingParameters } from './parameters.ts';
import type { RecipeParameter } from './recipe.ts';

/** Loader and prompts, as every recipe for checkpoints begins. */
export const CHECKPOINT_PROMPTS = `
loader = CheckpointLoaderSimple(ckpt_name=$model)
positive = CLIPTextEncode(clip=loader.CLIP, text=$prompt)
negative = CLIPTextEncode(clip=loader.CLIP, text=$negative)`;

/** Sampling from `canvas` under the prompts, and what is done with the result. */
export const CHECKPOINT_DRAW = `
canvas = EmptyLatentImage(width=$width, height=$height, batch_size=$count)
sampled = KSampler(model=loader.MODEL, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=loader.VAE)
save = SaveImage(images=image)
`;

/** Redrawing the picture `scaled` as far as denoise says. */
export const CHECKPOINT_REDRAW = `
encoded = VAEEncode(pixels=scaled, vae=loader.VAE)
canvas = RepeatLatentBatch(samples=encoded, amount=$count)
sampled = KSampler(model=loader.MODEL, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler, denoise=$denoise)
image = VAEDecode(samples=sampled, vae=loader.VAE)
save = SaveImage(images=image)
`;

/** What every recipe for checkpoints lets people set. */
export const checkpointSampling: readonly RecipeParameter[] = samplingParameters(25, 7, 'dpmpp_2m', 'karras');
