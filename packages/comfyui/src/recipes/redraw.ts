import { checkpointDrawing, drawFromNothing, redrawPicture } from './drawings.ts';
import { anyCheckpointParameter, upscaleModelParameter } from './model-files.ts';
import {
  CHECKPOINT_PROMPTS,
  joinLines,
  kSampler,
  LOAD_SOURCE,
  loadSource,
  saveImage,
  scaleToWorkingSize,
} from './notation-lines.ts';
import {
  checkpointSampling,
  countParameter,
  denoiseParameter,
  imageParameter,
  imagesParameter,
  megapixelsParameter,
  negativeParameter,
  numberParameter,
  optionalPromptParameter,
  promptParameter,
  sideDefaults,
  sizeParameters,
} from './parameters.ts';
import { countEntries, type Recipe, type RecipeValues } from './recipe.ts';

export const imageToImage = {
  id: 'image-to-image',
  kind: 'image-to-image',
  title: { en: 'Image to image', zh: '图生图' },
  description: {
    en: 'Redraws a picture towards a description; denoise says how far it may go.',
    zh: '按文字描述重绘一张图片，降噪值决定改变的程度。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    imageParameter,
    denoiseParameter(0.6),
    anyCheckpointParameter,
    megapixelsParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: redrawPicture(checkpointDrawing, joinLines(LOAD_SOURCE, scaleToWorkingSize('source.IMAGE'))),
} satisfies Recipe;

export const hiresFix = {
  id: 'hires-fix',
  kind: 'hires-fix',
  title: { en: 'Text to image with hires fix', zh: '文生图（高清修复）' },
  description: {
    en: 'Draws a picture at its model’s own size, then enlarges it and draws the details again.',
    zh: '先按模型原生尺寸作画，再放大并重绘细节。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    anyCheckpointParameter,
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, max: 1536, defaults: sideDefaults }),
    numberParameter('scale', { en: 'Enlargement', zh: '放大倍数' }, { min: 1.1, max: 2, default: 1.5 }),
    denoiseParameter(0.5),
    { ...countParameter, max: 4 },
    ...checkpointSampling,
  ],
  ignores: [],
  notation: joinLines(
    CHECKPOINT_PROMPTS,
    'canvas = EmptyLatentImage(width=$width, height=$height, batch_size=$count)',
    kSampler({}, { name: 'draft' }),
    'larger = LatentUpscaleBy(samples=draft, upscale_method="bislerp", scale_by=$scale)',
    kSampler({ latent: 'larger' }, { denoise: true }),
    saveImage('loader.VAE'),
  ),
} satisfies Recipe;

/** LoRAs one after another, each on the model and the text encoder that the one before gives. */
function loraNotation(values: RecipeValues): string {
  const loras: string[] = [];
  let source = 'loader';
  for (let index = 1; index <= countEntries(values, 'loras'); index += 1) {
    loras.push(
      `lora${index} = LoraLoader(model=${source}.MODEL, clip=${source}.CLIP, lora_name=$loras_${index}_name, strength_model=$loras_${index}_strength, strength_clip=$loras_${index}_strength)`,
    );
    source = `lora${index}`;
  }
  return drawFromNothing({
    ...checkpointDrawing,
    head: joinLines(
      'loader = CheckpointLoaderSimple(ckpt_name=$model)',
      ...loras,
      `positive = CLIPTextEncode(clip=${source}.CLIP, text=$prompt)`,
      `negative = CLIPTextEncode(clip=${source}.CLIP, text=$negative)`,
    ),
    sampler: { model: `${source}.MODEL` },
  });
}

export const loraStack = {
  id: 'lora-stack',
  kind: 'lora',
  title: { en: 'Text to image with LoRAs', zh: '文生图（LoRA）' },
  description: {
    en: 'Draws pictures from a description with one to five LoRAs, each with its strength.',
    zh: '按文字描述作画，可叠加一到五个 LoRA 并分别设置强度。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    {
      kind: 'loras',
      name: 'loras',
      title: { en: 'LoRAs', zh: 'LoRA' },
      from: { classType: 'LoraLoader', input: 'lora_name' },
      min: 1,
      max: 5,
      minStrength: -2,
      maxStrength: 2,
    },
    anyCheckpointParameter,
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: loraNotation,
} satisfies Recipe;

/** An upscale model enlarges by its own factor; a smaller result is scaled down from that. */
function upscaleNotation(values: RecipeValues): string {
  const isScaledDown = values['scale'] !== 1;
  return joinLines(
    LOAD_SOURCE,
    'upscaler = UpscaleModelLoader(model_name=$model)',
    'larger = ImageUpscaleWithModel(upscale_model=upscaler, image=source.IMAGE)',
    ...(isScaledDown ? ['image = ImageScaleBy(image=larger, upscale_method="lanczos", scale_by=$scale)'] : []),
    `save = SaveImage(images=${isScaledDown ? 'image' : 'larger'})`,
  );
}

export const upscale = {
  id: 'upscale',
  kind: 'upscale',
  title: { en: 'Upscale', zh: '放大' },
  description: { en: 'Enlarges a picture with an upscale model.', zh: '用放大模型放大图片。' },
  promptLanguages: [],
  parameters: [
    imageParameter,
    upscaleModelParameter('model'),
    numberParameter(
      'scale',
      { en: 'Size of the result relative to the model’s', zh: '相对模型输出的缩放' },
      { min: 0.1, max: 1, default: 1 },
    ),
  ],
  ignores: ['prompt', 'negative', 'seed'],
  notation: upscaleNotation,
} satisfies Recipe;

/** Pictures averaged with equal weights, one after another: the third counts a third against the mixture of two. */
function blendNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const lines: string[] = [];
  for (let index = 1; index <= count; index += 1) {
    lines.push(loadSource(index));
    if (index === 1) continue;
    const before = index === 2 ? 'source1.IMAGE' : `mix${index - 1}`;
    const share = Number((1 / index).toFixed(2));
    lines.push(
      `mix${index} = ImageBlend(image1=${before}, image2=source${index}.IMAGE, blend_factor=${share}, blend_mode="normal")`,
    );
  }
  return redrawPicture(checkpointDrawing, joinLines(...lines, scaleToWorkingSize(`mix${count}`)));
}

export const blendImages = {
  id: 'blend',
  kind: 'blend',
  title: { en: 'Blend pictures', zh: '融合图片' },
  description: {
    en: 'Lays two to five pictures over each other and redraws the mixture as one picture.',
    zh: '叠加二到五张图片，并重绘成一张新图。',
  },
  promptLanguages: ['en'],
  parameters: [
    imagesParameter(2, 5),
    optionalPromptParameter,
    negativeParameter,
    denoiseParameter(0.65),
    anyCheckpointParameter,
    megapixelsParameter,
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: blendNotation,
} satisfies Recipe;
