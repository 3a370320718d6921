import { kontextFiles, qwenFileParameters } from './model-files.ts';
import {
  encodeScaled,
  FLUX_LOADERS,
  joinLines,
  kSampler,
  LOAD_SOURCE,
  loadSource,
  partLoaders,
  saveImage,
} from './notation-lines.ts';
import {
  countParameter,
  guidanceParameter,
  imageParameter,
  imagesParameter,
  integerParameter,
  negativeParameter,
  promptParameter,
  qwenSampling,
  samplerParameters,
  seedParameter,
  stepsParameter,
} from './parameters.ts';
import { countEntries, type Recipe, type RecipeValues } from './recipe.ts';

/** Kontext sees one picture: several are put side by side. */
function kontextNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const lines = [loadSource(1)];
  let joined = 'source1.IMAGE';
  for (let index = 2; index <= count; index += 1) {
    lines.push(
      loadSource(index),
      `joined${index} = ImageStitch(image1=${joined}, image2=source${index}.IMAGE, direction="right")`,
    );
    joined = `joined${index}`;
  }
  return joinLines(
    FLUX_LOADERS,
    ...lines,
    `scaled = FluxKontextImageScale(image=${joined})`,
    encodeScaled('vae'),
    'positive = CLIPTextEncode(clip=encoder, text=$prompt)',
    'referring = ReferenceLatent(conditioning=positive, latent=encoded)',
    'guided = FluxGuidance(conditioning=referring, guidance=$guidance)',
    'nothing = ConditioningZeroOut(conditioning=positive)',
    kSampler({ positive: 'guided', negative: 'nothing', cfg: 1 }),
    saveImage('vae'),
  );
}

export const editKontext = {
  id: 'edit-kontext',
  kind: 'image-edit',
  title: { en: 'Edit a picture (Flux Kontext)', zh: '编辑图片（Flux Kontext）' },
  description: {
    en: 'Changes a picture as told ("make it night"), with up to three pictures side by side.',
    zh: '按指令修改图片（如“改成夜晚”），最多三张图片并排。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    imagesParameter(1, 3),
    ...kontextFiles,
    countParameter,
    seedParameter,
    stepsParameter(20),
    guidanceParameter(2.5),
    ...samplerParameters('euler', 'simple'),
  ],
  ignores: ['negative', 'cfg', 'width', 'height', 'denoise'],
  notation: kontextNotation,
} satisfies Recipe;

/** Qwen sees up to three pictures; the first gives the result its size. */
function qwenEditNotation(values: RecipeValues): string {
  const numbers = Array.from({ length: countEntries(values, 'images') }, (_, index) => index + 1);
  const images = numbers
    .map((number) => `image${number}=${number === 1 ? 'scaled' : `source${number}.IMAGE`}`)
    .join(', ');
  return joinLines(
    partLoaders('qwen_image'),
    ...numbers.map(loadSource),
    'scaled = ImageScaleToTotalPixels(image=source1.IMAGE, upscale_method="lanczos", megapixels=1)',
    `positive = TextEncodeQwenImageEditPlus(clip=encoder, prompt=$prompt, vae=vae, ${images})`,
    `negative = TextEncodeQwenImageEditPlus(clip=encoder, prompt=$negative, vae=vae, ${images})`,
    'shifted = ModelSamplingAuraFlow(model=loader, shift=3)',
    'normed = CFGNorm(model=shifted, strength=1)',
    encodeScaled('vae'),
    kSampler({ model: 'normed' }),
    saveImage('vae'),
  );
}

export const editQwen = {
  id: 'edit-qwen',
  kind: 'image-edit',
  title: { en: 'Edit a picture (Qwen-Image-Edit)', zh: '编辑图片（Qwen-Image-Edit）' },
  description: {
    en: 'Changes a picture as told in English or Chinese, with up to two more pictures to take from.',
    zh: '按中英文指令修改图片，可再参考最多两张图片。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    negativeParameter,
    imagesParameter(1, 3),
    ...qwenFileParameters(
      { en: 'a Qwen-Image-Edit diffusion model', zh: 'Qwen-Image-Edit 扩散模型' },
      { match: ['edit'] },
    ),
    countParameter,
    ...qwenSampling,
  ],
  ignores: ['width', 'height', 'denoise'],
  notation: qwenEditNotation,
} satisfies Recipe;

export const removeBackgroundRmbg = {
  id: 'remove-background',
  kind: 'background-removal',
  title: { en: 'Remove the background (RMBG)', zh: '去除背景（RMBG）' },
  description: { en: 'Cuts out what stands in front, with the RMBG nodes.', zh: '用 RMBG 节点抠出主体。' },
  promptLanguages: [],
  parameters: [imageParameter],
  ignores: ['prompt', 'negative', 'seed'],
  notation: joinLines(
    LOAD_SOURCE,
    'cut = RMBG(image=source.IMAGE, model="RMBG-2.0")',
    'save = SaveImage(images=cut.IMAGE)',
  ),
} satisfies Recipe;

export const removeBackgroundInspyrenet = {
  id: 'remove-background-inspyrenet',
  kind: 'background-removal',
  title: { en: 'Remove the background (InSPyReNet)', zh: '去除背景（InSPyReNet）' },
  description: { en: 'Cuts out what stands in front, with the InSPyReNet nodes.', zh: '用 InSPyReNet 节点抠出主体。' },
  promptLanguages: [],
  parameters: [imageParameter],
  ignores: ['prompt', 'negative', 'seed'],
  notation: joinLines(
    LOAD_SOURCE,
    'cut = InspyrenetRembg(image=source.IMAGE, torchscript_jit="default")',
    'save = SaveImage(images=cut[0])',
  ),
} satisfies Recipe;

/** Two pictures beside or below each other, a gap apart. */
function stitch(name: string, first: string, second: string, direction: 'right' | 'down'): string {
  return `${name} = ImageStitch(image1=${first}, image2=${second}, direction="${direction}", match_image_size=false, spacing_width=$gap)`;
}

/** Pictures in equal cells, joined to rows and the rows to a sheet. */
function sheetNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const columns = Math.max(1, Math.min(count, Number(values['columns'] ?? 4)));
  const lines: string[] = [];
  const rows: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const number = index + 1;
    const cell = `cell${number}`;
    lines.push(
      loadSource(number),
      `${cell} = ResizeAndPadImage(image=source${number}.IMAGE, target_width=$cell, target_height=$cell, padding_color="white", interpolation="lanczos")`,
    );
    const row = Math.floor(index / columns) + 1;
    const before = rows[row - 1];
    if (before === undefined) {
      rows.push(cell);
      continue;
    }
    const joined = `row${row}_${(index % columns) + 1}`;
    lines.push(stitch(joined, before, cell, 'right'));
    rows[row - 1] = joined;
  }
  let [sheet = ''] = rows;
  for (const [index, row] of rows.slice(1).entries()) {
    const joined = `sheet${index + 2}`;
    lines.push(stitch(joined, sheet, row, 'down'));
    sheet = joined;
  }
  return joinLines(...lines, `save = SaveImage(images=${sheet})`);
}

export const contactSheet = {
  id: 'contact-sheet',
  kind: 'contact-sheet',
  title: { en: 'Contact sheet', zh: '拼图总览' },
  description: { en: 'Puts up to sixteen pictures on one sheet.', zh: '把最多十六张图片拼到一张图上。' },
  promptLanguages: [],
  parameters: [
    imagesParameter(2, 16),
    integerParameter('columns', { en: 'Columns', zh: '列数' }, { min: 1, max: 8, default: 4 }),
    integerParameter(
      'cell',
      { en: 'Cell size in pixels', zh: '单元尺寸（像素）' },
      { min: 64, max: 1024, multipleOf: 8, default: 512 },
    ),
    integerParameter(
      'gap',
      { en: 'Gap in pixels', zh: '间隔（像素）' },
      { min: 0, max: 64, multipleOf: 2, default: 8 },
    ),
  ],
  ignores: ['prompt', 'negative', 'seed'],
  notation: sheetNotation,
} satisfies Recipe;
