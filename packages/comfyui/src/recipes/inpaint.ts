import { inpaintCheckpointParameter, modelFileParameter } from './model-files.ts';
import {
  CHECKPOINT_PROMPTS,
  joinLines,
  kSampler,
  LOAD_SOURCE,
  saveImage,
  scaleToWorkingSize,
} from './notation-lines.ts';
import {
  checkpointSampling,
  countParameter,
  denoiseParameter,
  imageParameter,
  integerParameter,
  megapixelsParameter,
  negativeParameter,
  optionalPromptParameter,
  promptParameter,
} from './parameters.ts';
import type { NumberParameter, Recipe, RecipeParameter, RecipeValues } from './recipe.ts';

const growParameter = integerParameter(
  'grow',
  { en: 'Grow the region by pixels', zh: '区域扩展像素' },
  { min: 0, max: 256, default: 8 },
);

/**
 * Redraws a picture where a region is white and leaves the rest, with ordinary and inpainting checkpoints alike.
 *
 * @param pixels the output that is the picture; `region` the one that is the mask.
 */
function redrawRegion(pixels: string, region: string): string {
  return joinLines(
    'gradual = DifferentialDiffusion(model=loader.MODEL)',
    `conditioned = InpaintModelConditioning(positive=positive, negative=negative, vae=loader.VAE, pixels=${pixels}, mask=${region}, noise_mask=true)`,
    'canvas = RepeatLatentBatch(samples=conditioned.latent, amount=$count)',
    kSampler(
      { model: 'gradual', positive: 'conditioned.positive', negative: 'conditioned.negative' },
      { denoise: true },
    ),
    saveImage('loader.VAE'),
  );
}

/** Redraws what a mask marks, grown by some pixels. */
function redrawMasked(mask: string): string {
  return joinLines(`region = GrowMask(mask=${mask}, expand=$grow)`, redrawRegion('source.IMAGE', 'region'));
}

/** Without a mask picture, the transparent part of the picture itself is the mask. */
function inpaintNotation(values: RecipeValues): string {
  const hasMask = values['mask'] !== undefined;
  return joinLines(
    CHECKPOINT_PROMPTS,
    LOAD_SOURCE,
    ...(hasMask ? ['mask = LoadImageMask(image=$mask, channel="red")'] : []),
    redrawMasked(hasMask ? 'mask' : 'source.MASK'),
  );
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
    inpaintCheckpointParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: inpaintNotation,
} satisfies Recipe;

/** What it takes to find a described part of a picture. */
const regionParameters: readonly RecipeParameter[] = [
  { kind: 'text', name: 'region', title: { en: 'Region', zh: '区域' }, maxLength: 300 },
  growParameter,
  modelFileParameter(
    'segmenter',
    { en: 'Segment Anything model', zh: 'SAM 模型' },
    {
      from: { classType: 'SAMModelLoader (segment anything)', input: 'model_name' },
      folder: 'sams',
      needs: { en: 'a Segment Anything model', zh: 'SAM 模型' },
    },
  ),
  modelFileParameter(
    'detector',
    { en: 'Grounding DINO model', zh: 'Grounding DINO 模型' },
    {
      from: { classType: 'GroundingDinoModelLoader (segment anything)', input: 'model_name' },
      folder: 'grounding-dino',
      needs: { en: 'a Grounding DINO model', zh: 'Grounding DINO 模型' },
    },
  ),
];

/** Finds the described part of `source`, as `found`. */
const FIND_REGION = joinLines(
  'segmenter = "SAMModelLoader (segment anything)"(model_name=$segmenter)',
  'detector = "GroundingDinoModelLoader (segment anything)"(model_name=$detector)',
  'found = "GroundingDinoSAMSegment (segment anything)"(sam_model=segmenter, grounding_dino_model=detector, image=source.IMAGE, prompt=$region, threshold=0.3)',
);

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
    ...regionParameters,
    denoiseParameter(0.9),
    inpaintCheckpointParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: joinLines(CHECKPOINT_PROMPTS, LOAD_SOURCE, FIND_REGION, redrawMasked('found.MASK')),
} satisfies Recipe;

/** The very part that `inpaintDescribed` would redraw; no kind of work is planned with it unless it is named. */
export const showRegion = {
  id: 'show-region',
  kind: 'custom',
  title: { en: 'Show a described region', zh: '显示所描述的区域' },
  description: {
    en: 'Finds what is described ("the hat") and tints it, so that it can be confirmed before it is redrawn.',
    zh: '找到所描述的部分（如“帽子”）并着色标出，供重绘前确认。',
  },
  promptLanguages: [],
  parameters: [imageParameter, ...regionParameters],
  ignores: [],
  notation: joinLines(
    LOAD_SOURCE,
    FIND_REGION,
    'region = GrowMask(mask=found.MASK, expand=$grow)',
    // A plain patch is stretched to the picture's size, which only ComfyUI knows.
    'tint = EmptyImage(width=64, height=64, batch_size=1, color=16711808)',
    'painted = ImageCompositeMasked(destination=source.IMAGE, source=tint, x=0, y=0, resize_source=true, mask=region)',
    'blended = ImageBlend(image1=source.IMAGE, image2=painted, blend_factor=0.55, blend_mode="normal")',
    'save = SaveImage(images=blended)',
  ),
} satisfies Recipe;

function borderParameter(name: string, en: string, zh: string): NumberParameter {
  return integerParameter(name, { en, zh }, { min: 0, max: 1024, multipleOf: 8, default: 128 });
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
    inpaintCheckpointParameter,
    megapixelsParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: joinLines(
    CHECKPOINT_PROMPTS,
    LOAD_SOURCE,
    scaleToWorkingSize('source.IMAGE'),
    'padded = ImagePadForOutpaint(image=scaled, left=$left, top=$top, right=$right, bottom=$bottom, feathering=40)',
    redrawRegion('padded.IMAGE', 'padded.MASK'),
  ),
} satisfies Recipe;
