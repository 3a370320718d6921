import { denoiseParameter, imageParameter, megapixelsParameter, optionalPromptParameter } from './parameters.ts';
import type { LocalText, ModelParameter, NumberParameter, Recipe } from './recipe.ts';
import {
  textToImageCheckpoint,
  textToImageFlux,
  textToImageFluxCheckpoint,
  textToImageQwen,
  textToImageSd3,
  textToImageZImage,
} from './text-to-image.ts';

/** The picture's own size is what these recipes draw. */
const SIZE_PARAMETERS = new Set(['width', 'height']);

const upscalerParameter: ModelParameter = {
  kind: 'model',
  name: 'upscaler',
  title: { en: 'Upscale model', zh: '放大模型' },
  from: { classType: 'UpscaleModelLoader', input: 'model_name' },
  folder: 'upscale_models',
  needs: { en: 'an upscale model', zh: '放大模型' },
};

/** Working size for models that draw a megapixel by themselves. */
function megapixels(value: number): NumberParameter {
  return { ...megapixelsParameter, default: value, defaults: [] };
}

/** Twice the sides that a model draws by itself. */
const enlargedMegapixels: NumberParameter = {
  ...megapixelsParameter,
  title: { en: 'Size of the result in megapixels', zh: '成图尺寸（百万像素）' },
  max: 8,
  default: 4,
  defaults: [
    { family: 'sd15', value: 1 },
    { family: 'sd2', value: 2.25 },
  ],
};

/** How a recipe's lines begin to draw and end, with a picture in place of an empty canvas. */
function redrawNotation(notation: string, pixels: string): string {
  const vae = /VAEDecode\(samples=sampled, vae=([\w.]+)\)/.exec(notation)?.[1] ?? 'vae';
  const canvas = `${pixels}
encoded = VAEEncode(pixels=scaled, vae=${vae})
canvas = RepeatLatentBatch(samples=encoded, amount=$count)`;
  return notation
    .replace(/^canvas = .*$/m, () => canvas)
    .replace('scheduler=$scheduler)', () => 'scheduler=$scheduler, denoise=$denoise)');
}

const REDRAW_PIXELS = `source = LoadImage(image=$image)
scaled = ImageScaleToTotalPixels(image=source.IMAGE, upscale_method="lanczos", megapixels=$megapixels)`;

const ENLARGED_PIXELS = `source = LoadImage(image=$image)
upscaler = UpscaleModelLoader(model_name=$upscaler)
larger = ImageUpscaleWithModel(upscale_model=upscaler, image=source.IMAGE)
scaled = ImageScaleToTotalPixels(image=larger, upscale_method="lanczos", megapixels=$megapixels)`;

/** A recipe for drawing from nothing turned into one that redraws a picture with the same models. */
function redrawWith(base: Recipe, family: string, model: string): Recipe {
  return {
    id: `image-to-image-${family}`,
    kind: 'image-to-image',
    title: { en: `Image to image (${model})`, zh: `图生图（${model}）` },
    description: {
      en: `Redraws a picture towards a description with ${model}; denoise says how far it may go.`,
      zh: `用 ${model} 按文字描述重绘一张图片，降噪值决定改变的程度。`,
    },
    promptLanguages: base.promptLanguages,
    parameters: [
      ...base.parameters.filter(({ name }) => !SIZE_PARAMETERS.has(name)),
      imageParameter,
      denoiseParameter(0.7),
      megapixels(1),
    ],
    ignores: base.ignores,
    notation: redrawNotation(String(base.notation), REDRAW_PIXELS),
  };
}

/** A recipe that enlarges a picture and draws its details anew. */
function enlargeWith(base: Recipe, id: string, model: LocalText): Recipe {
  const replaced = new Set([...SIZE_PARAMETERS, 'prompt']);
  return {
    id,
    kind: 'upscale',
    title: { en: `Upscale with new detail (${model.en})`, zh: `放大并补充细节（${model.zh}）` },
    description: {
      en: 'Enlarges a picture with an upscale model, then redraws it lightly, which adds detail.',
      zh: '先用放大模型放大图片，再轻度重绘以补充细节。',
    },
    promptLanguages: base.promptLanguages,
    parameters: [
      optionalPromptParameter,
      ...base.parameters.filter(({ name }) => !replaced.has(name)),
      imageParameter,
      upscalerParameter,
      denoiseParameter(0.3),
      enlargedMegapixels,
    ],
    ignores: base.ignores,
    notation: redrawNotation(String(base.notation), ENLARGED_PIXELS),
  };
}

export const imageToImageZImage = redrawWith(textToImageZImage, 'z-image', 'Z-Image');
export const imageToImageQwen = redrawWith(textToImageQwen, 'qwen', 'Qwen-Image');
export const imageToImageFlux = redrawWith(textToImageFlux, 'flux', 'Flux');
export const imageToImageFluxCheckpoint = redrawWith(textToImageFluxCheckpoint, 'flux-checkpoint', 'Flux');
export const imageToImageSd3 = redrawWith(textToImageSd3, 'sd3', 'SD 3.5');

export const upscaleCreative = enlargeWith(textToImageCheckpoint, 'upscale-creative', {
  en: 'any checkpoint',
  zh: '任意模型',
});
export const upscaleCreativeZImage = enlargeWith(textToImageZImage, 'upscale-creative-z-image', {
  en: 'Z-Image',
  zh: 'Z-Image',
});
export const upscaleCreativeQwen = enlargeWith(textToImageQwen, 'upscale-creative-qwen', {
  en: 'Qwen-Image',
  zh: 'Qwen-Image',
});
export const upscaleCreativeFlux = enlargeWith(textToImageFlux, 'upscale-creative-flux', { en: 'Flux', zh: 'Flux' });
export const upscaleCreativeSd3 = enlargeWith(textToImageSd3, 'upscale-creative-sd3', {
  en: 'SD 3.5',
  zh: 'SD 3.5',
});
