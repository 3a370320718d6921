import {
  checkpointDrawing,
  fluxCheckpointDrawing,
  fluxDrawing,
  qwenDrawing,
  redrawPicture,
  sd3Drawing,
  zImageDrawing,
  type Drawing,
} from './drawings.ts';
import { upscaleModelParameter } from './model-files.ts';
import { joinLines, LOAD_SOURCE, scaleToWorkingSize } from './notation-lines.ts';
import { denoiseParameter, imageParameter, megapixelsParameter, optionalPromptParameter } from './parameters.ts';
import type { LocalText, NumberParameter, Recipe } from './recipe.ts';
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

/** Working size for models that draw a megapixel by themselves. */
const oneMegapixel: NumberParameter = { ...megapixelsParameter, default: 1, defaults: [] };

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

const SCALED_SOURCE = joinLines(LOAD_SOURCE, scaleToWorkingSize('source.IMAGE'));

const ENLARGED_SOURCE = joinLines(
  LOAD_SOURCE,
  'upscaler = UpscaleModelLoader(model_name=$upscaler)',
  'larger = ImageUpscaleWithModel(upscale_model=upscaler, image=source.IMAGE)',
  scaleToWorkingSize('larger'),
);

/** A recipe that redraws a picture with the models of one that draws from nothing. */
function redrawWith(base: Recipe, drawing: Drawing, family: string, model: string): Recipe {
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
      oneMegapixel,
    ],
    ignores: base.ignores,
    notation: redrawPicture(drawing, SCALED_SOURCE),
  };
}

/** A recipe that enlarges a picture and draws its details anew. */
function enlargeWith(base: Recipe, drawing: Drawing, id: string, model: LocalText): Recipe {
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
      upscaleModelParameter('upscaler'),
      denoiseParameter(0.3),
      enlargedMegapixels,
    ],
    ignores: base.ignores,
    notation: redrawPicture(drawing, ENLARGED_SOURCE),
  };
}

/** A model's name is the same in both languages. */
function named(model: string): LocalText {
  return { en: model, zh: model };
}

export const imageToImageZImage = redrawWith(textToImageZImage, zImageDrawing, 'z-image', 'Z-Image');
export const imageToImageQwen = redrawWith(textToImageQwen, qwenDrawing, 'qwen', 'Qwen-Image');
export const imageToImageFlux = redrawWith(textToImageFlux, fluxDrawing, 'flux', 'Flux');
export const imageToImageFluxCheckpoint = redrawWith(
  textToImageFluxCheckpoint,
  fluxCheckpointDrawing,
  'flux-checkpoint',
  'Flux',
);
export const imageToImageSd3 = redrawWith(textToImageSd3, sd3Drawing, 'sd3', 'SD 3.5');

export const upscaleCreative = enlargeWith(textToImageCheckpoint, checkpointDrawing, 'upscale-creative', {
  en: 'any checkpoint',
  zh: '任意模型',
});
export const upscaleCreativeZImage = enlargeWith(
  textToImageZImage,
  zImageDrawing,
  'upscale-creative-z-image',
  named('Z-Image'),
);
export const upscaleCreativeQwen = enlargeWith(
  textToImageQwen,
  qwenDrawing,
  'upscale-creative-qwen',
  named('Qwen-Image'),
);
export const upscaleCreativeFlux = enlargeWith(textToImageFlux, fluxDrawing, 'upscale-creative-flux', named('Flux'));
export const upscaleCreativeSd3 = enlargeWith(textToImageSd3, sd3Drawing, 'upscale-creative-sd3', named('SD 3.5'));
