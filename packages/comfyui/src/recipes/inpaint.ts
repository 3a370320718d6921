import {
  anyCheckpointParameter,
  countParameter,
  denoiseParameter,
  imageParameter,
  megapixelsParameter,
  negativeParameter,
  optionalPromptParameter,
  promptParameter,
} from './parameters.ts';
import type { ModelParameter, NumberParameter, Recipe } from './recipe.ts';
import { CHECKPOINT_PROMPTS, checkpointSampling } from './checkpoint-lines.ts';

/** Checkpoints made for inpainting are welcome here. */
const inpaintCheckpoint: ModelParameter = { ...anyCheckpointParameter, exclude: ['refiner'] };

const growParameter: NumberParameter = {
  kind: 'integer',
  name: 'grow',
  title: { en: 'Grow the region by pixels', zh: '区域扩展像素' },
  min: 0,
  max: 256,
  default: 8,
};

/** Redraws where \`region\` is white and leaves the rest, with ordinary and inpainting checkpoints alike. */
const REDRAW_REGION = `
gradual = DifferentialDiffusion(model=loader.MODEL)
conditioned = InpaintModelConditioning(positive=positive, negative=negative, vae=loader.VAE, pixels=PIXELS, mask=REGION, noise_mask=true)
canvas = RepeatLatentBatch(samples=conditioned.latent, amount=$count)
sampled = KSampler(model=gradual, positive=conditioned.positive, negative=conditioned.negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler, denoise=$denoise)
image = VAEDecode(samples=sampled, vae=loader.VAE)
save = SaveImage(images=image)
`;

function redrawRegion(pixels: string, region: string): string {
  return REDRAW_REGION.replace('PIXELS', pixels).replace('REGION', region);
}

export const inpaint = {
  id: 'inpaint',
  kind: 'inpaint',
  title: { en: 'Inpaint', zh: '局部重绘' },
  description: {
    en: 'Redraws a marked region: the white part of a mask picture, or the transparent part of the picture itself.',
    zh: '重绘标记的区域：蒙版图中的白色部分，或原图的透明部分。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    imageParameter,
    { kind: 'image', name: 'mask', title: { en: 'Mask', zh: '蒙版' }, optional: true },
    growParameter,
    denoiseParameter(0.9),
    inpaintCheckpoint,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: (values) => {
    const ownMask = values['mask'] === undefined;
    return `${CHECKPOINT_PROMPTS}
source = LoadImage(image=$image)
${ownMask ? '' : 'mask = LoadImageMask(image=$mask, channel="red")\n'}region = GrowMask(mask=${ownMask ? 'source.MASK' : 'mask'}, expand=$grow)${redrawRegion('source.IMAGE', 'region')}`;
  },
} satisfies Recipe;

export const inpaintDescribed = {
  id: 'inpaint-described',
  kind: 'inpaint',
  title: { en: 'Inpaint a described region', zh: '按描述局部重绘' },
  description: {
    en: 'Finds what is described ("the hat") and redraws it, with the Segment Anything nodes.',
    zh: '用 Segment Anything 节点找到所描述的部分（如“帽子”）并重绘。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    imageParameter,
    { kind: 'text', name: 'region', title: { en: 'Region', zh: '区域' }, maxLength: 300 },
    growParameter,
    denoiseParameter(0.9),
    {
      kind: 'model',
      name: 'segmenter',
      title: { en: 'Segment Anything model', zh: 'SAM 模型' },
      from: { classType: 'SAMModelLoader (segment anything)', input: 'model_name' },
      folder: 'sams',
      needs: { en: 'a Segment Anything model', zh: 'SAM 模型' },
    },
    {
      kind: 'model',
      name: 'detector',
      title: { en: 'Grounding DINO model', zh: 'Grounding DINO 模型' },
      from: { classType: 'GroundingDinoModelLoader (segment anything)', input: 'model_name' },
      folder: 'grounding-dino',
      needs: { en: 'a Grounding DINO model', zh: 'Grounding DINO 模型' },
    },
    inpaintCheckpoint,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: `${CHECKPOINT_PROMPTS}
source = LoadImage(image=$image)
segmenter = "SAMModelLoader (segment anything)"(model_name=$segmenter)
detector = "GroundingDinoModelLoader (segment anything)"(model_name=$detector)
found = "GroundingDinoSAMSegment (segment anything)"(sam_model=segmenter, grounding_dino_model=detector, image=source.IMAGE, prompt=$region, threshold=0.3)
region = GrowMask(mask=found.MASK, expand=$grow)${redrawRegion('source.IMAGE', 'region')}`,
} satisfies Recipe;

function borderParameter(name: string, en: string, zh: string): NumberParameter {
  return { kind: 'integer', name, title: { en, zh }, min: 0, max: 1024, multipleOf: 8, default: 128 };
}

export const outpaint = {
  id: 'outpaint',
  kind: 'outpaint',
  title: { en: 'Outpaint', zh: '扩图' },
  description: { en: 'Continues a picture beyond its borders.', zh: '向画面外扩展图片。' },
  promptLanguages: ['en'],
  parameters: [
    optionalPromptParameter,
    negativeParameter,
    imageParameter,
    borderParameter('left', 'Left, in pixels', '左侧像素'),
    borderParameter('top', 'Top, in pixels', '上方像素'),
    borderParameter('right', 'Right, in pixels', '右侧像素'),
    borderParameter('bottom', 'Bottom, in pixels', '下方像素'),
    denoiseParameter(1),
    inpaintCheckpoint,
    megapixelsParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: `${CHECKPOINT_PROMPTS}
source = LoadImage(image=$image)
scaled = ImageScaleToTotalPixels(image=source.IMAGE, upscale_method="lanczos", megapixels=$megapixels)
padded = ImagePadForOutpaint(image=scaled, left=$left, top=$top, right=$right, bottom=$bottom, feathering=40)${redrawRegion('padded.IMAGE', 'padded.MASK')}`,
} satisfies Recipe;
