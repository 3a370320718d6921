/*
 * Lines of link notation that many recipes share. By convention `loader` holds the model, `canvas` is the latent that
 * sampling starts from, and `sampled` what it made.
 */

/** Joins lines, and texts of several lines, into one notation. */
export function joinLines(...lines: readonly string[]): string {
  return lines.join('\n');
}

/** What a sampler is linked to; what is absent is as in a plain text-to-image workflow. */
export interface SamplerLinks {
  model?: string;
  positive?: string;
  negative?: string;
  latent?: string;
  /** 1 where the model has no use for a negative prompt. */
  cfg?: '$cfg' | 1;
}

/** A KSampler under a person's settings; with `denoise` it redraws what its latent holds. */
export function kSampler(links: SamplerLinks = {}, { name = 'sampled', denoise = false } = {}): string {
  const { model = 'loader.MODEL', positive = 'positive', negative = 'negative', latent = 'canvas' } = links;
  const settings = `seed=$seed, steps=$steps, cfg=${links.cfg ?? '$cfg'}, sampler_name=$sampler, scheduler=$scheduler`;
  return `${name} = KSampler(model=${model}, positive=${positive}, negative=${negative}, latent_image=${latent}, ${settings}${denoise ? ', denoise=$denoise' : ''})`;
}

/** Decodes what was sampled and saves it as pictures. */
export function saveImage(vae: string): string {
  return `image = VAEDecode(samples=sampled, vae=${vae})
save = SaveImage(images=image)`;
}

/** Decodes what was sampled and saves it as a clip. */
export function saveVideo(fps: number, vae: string, sampled = 'sampled'): string {
  return `pictures = VAEDecode(samples=${sampled}, vae=${vae})
video = CreateVideo(images=pictures, fps=${fps})
save = SaveVideo(video=video, filename_prefix="video/ComfyUI")`;
}

/** Loads the picture `$image` as `source`. */
export const LOAD_SOURCE = 'source = LoadImage(image=$image)';

/** Loads the picture `$images_<number>` as `source<number>`. */
export function loadSource(number: number): string {
  return `source${number} = LoadImage(image=$images_${number})`;
}

/** A picture at the working size, as `scaled`. */
export function scaleToWorkingSize(image: string): string {
  return `scaled = ImageScaleToTotalPixels(image=${image}, upscale_method="lanczos", megapixels=$megapixels)`;
}

/** The picture `scaled` as the latent to start from, once for each result. */
export function encodeScaled(vae: string): string {
  return `encoded = VAEEncode(pixels=scaled, vae=${vae})
canvas = RepeatLatentBatch(samples=encoded, amount=$count)`;
}

/** A checkpoint and both prompts. */
export const CHECKPOINT_PROMPTS = `loader = CheckpointLoaderSimple(ckpt_name=$model)
positive = CLIPTextEncode(clip=loader.CLIP, text=$prompt)
negative = CLIPTextEncode(clip=loader.CLIP, text=$negative)`;

/** A diffusion model with one text encoder, whose architecture ComfyUI calls `type`, and a VAE. */
export function partLoaders(type: string): string {
  return `loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = CLIPLoader(clip_name=$encoder, type="${type}")
vae = VAELoader(vae_name=$vae)`;
}

/** Flux's diffusion model with its two text encoders and its VAE. */
export const FLUX_LOADERS = `loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = DualCLIPLoader(clip_name1=$t5, clip_name2=$clip, type="flux")
vae = VAELoader(vae_name=$vae)`;
