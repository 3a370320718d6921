import {
  cfgParameter,
  countParameter,
  fluxFileParameters,
  guidanceParameter,
  imageParameter,
  negativeParameter,
  promptParameter,
  qwenFileParameters,
  samplerParameters,
  seedParameter,
  stepsParameter,
} from './parameters.ts';
import { fastSteps } from './fast-models.ts';
import { countEntries, type Recipe, type RecipeValues } from './recipe.ts';

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
    { kind: 'images', name: 'images', title: { en: 'Pictures', zh: '图片' }, min: 1, max: 3 },
    ...fluxFileParameters(
      { en: 'the Flux Kontext diffusion model', zh: 'Flux Kontext 扩散模型' },
      { match: ['kontext'] },
    ),
    countParameter,
    seedParameter,
    stepsParameter(20),
    guidanceParameter(2.5),
    ...samplerParameters('euler', 'simple'),
  ],
  ignores: ['negative', 'cfg', 'width', 'height', 'denoise'],
  notation: (values) => {
    const count = countEntries(values, 'images');
    const lines = ['source1 = LoadImage(image=$images_1)'];
    let joined = 'source1.IMAGE';
    for (let index = 2; index <= count; index += 1) {
      lines.push(
        `source${index} = LoadImage(image=$images_${index})`,
        `joined${index} = ImageStitch(image1=${joined}, image2=source${index}.IMAGE, direction="right")`,
      );
      joined = `joined${index}`;
    }
    return `
loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = DualCLIPLoader(clip_name1=$t5, clip_name2=$clip, type="flux")
vae = VAELoader(vae_name=$vae)
${lines.join('\n')}
scaled = FluxKontextImageScale(image=${joined})
encoded = VAEEncode(pixels=scaled, vae=vae)
positive = CLIPTextEncode(clip=encoder, text=$prompt)
referring = ReferenceLatent(conditioning=positive, latent=encoded)
guided = FluxGuidance(conditioning=referring, guidance=$guidance)
nothing = ConditioningZeroOut(conditioning=positive)
canvas = RepeatLatentBatch(samples=encoded, amount=$count)
sampled = KSampler(model=loader, positive=guided, negative=nothing, latent_image=canvas, seed=$seed, steps=$steps, cfg=1, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=vae)
save = SaveImage(images=image)
`;
  },
} satisfies Recipe;

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
    { kind: 'images', name: 'images', title: { en: 'Pictures', zh: '图片' }, min: 1, max: 3 },
    ...qwenFileParameters(
      { en: 'a Qwen-Image-Edit diffusion model', zh: 'Qwen-Image-Edit 扩散模型' },
      { match: ['edit'] },
    ),
    countParameter,
    seedParameter,
    stepsParameter(20, fastSteps),
    cfgParameter(2.5, [{ match: 'lightning', value: 1 }]),
    ...samplerParameters('euler', 'simple'),
  ],
  ignores: ['width', 'height', 'denoise'],
  notation: (values) => {
    const numbers = Array.from({ length: countEntries(values, 'images') }, (_, index) => index + 1);
    const loads = numbers.map((number) => `source${number} = LoadImage(image=$images_${number})`);
    const images = numbers
      .map((number) => `image${number}=${number === 1 ? 'scaled' : `source${number}.IMAGE`}`)
      .join(', ');
    return `
loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = CLIPLoader(clip_name=$encoder, type="qwen_image")
vae = VAELoader(vae_name=$vae)
${loads.join('\n')}
scaled = ImageScaleToTotalPixels(image=source1.IMAGE, upscale_method="lanczos", megapixels=1)
positive = TextEncodeQwenImageEditPlus(clip=encoder, prompt=$prompt, vae=vae, ${images})
negative = TextEncodeQwenImageEditPlus(clip=encoder, prompt=$negative, vae=vae, ${images})
shifted = ModelSamplingAuraFlow(model=loader, shift=3)
normed = CFGNorm(model=shifted, strength=1)
encoded = VAEEncode(pixels=scaled, vae=vae)
canvas = RepeatLatentBatch(samples=encoded, amount=$count)
sampled = KSampler(model=normed, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=vae)
save = SaveImage(images=image)
`;
  },
} satisfies Recipe;

export const removeBackgroundRmbg = {
  id: 'remove-background',
  kind: 'background-removal',
  title: { en: 'Remove the background (RMBG)', zh: '去除背景（RMBG）' },
  description: { en: 'Cuts out what stands in front, with the RMBG nodes.', zh: '用 RMBG 节点抠出主体。' },
  promptLanguages: [],
  parameters: [imageParameter],
  ignores: ['prompt', 'negative', 'seed'],
  notation: `
source = LoadImage(image=$image)
cut = RMBG(image=source.IMAGE, model="RMBG-2.0")
save = SaveImage(images=cut.IMAGE)
`,
} satisfies Recipe;

export const removeBackgroundInspyrenet = {
  id: 'remove-background-inspyrenet',
  kind: 'background-removal',
  title: { en: 'Remove the background (InSPyReNet)', zh: '去除背景（InSPyReNet）' },
  description: { en: 'Cuts out what stands in front, with the InSPyReNet nodes.', zh: '用 InSPyReNet 节点抠出主体。' },
  promptLanguages: [],
  parameters: [imageParameter],
  ignores: ['prompt', 'negative', 'seed'],
  notation: `
source = LoadImage(image=$image)
cut = InspyrenetRembg(image=source.IMAGE, torchscript_jit="default")
save = SaveImage(images=cut[0])
`,
} satisfies Recipe;

/** Pictures in equal cells, joined to rows and the rows to a sheet. */
function sheetNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const columns = Math.max(1, Math.min(count, Number(values['columns'] ?? 4)));
  const lines: string[] = [];
  const rows: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const cell = `cell${index + 1}`;
    lines.push(
      `source${index + 1} = LoadImage(image=$images_${index + 1})`,
      `${cell} = ResizeAndPadImage(image=source${index + 1}.IMAGE, target_width=$cell, target_height=$cell, padding_color="white", interpolation="lanczos")`,
    );
    const row = Math.floor(index / columns) + 1;
    const before = rows[row - 1];
    if (before === undefined) rows.push(cell);
    else {
      const joined = `row${row}_${(index % columns) + 1}`;
      lines.push(
        `${joined} = ImageStitch(image1=${before}, image2=${cell}, direction="right", match_image_size=false, spacing_width=$gap)`,
      );
      rows[row - 1] = joined;
    }
  }
  let sheet = rows[0] ?? '';
  for (const [index, row] of rows.slice(1).entries()) {
    lines.push(
      `sheet${index + 2} = ImageStitch(image1=${sheet}, image2=${row}, direction="down", match_image_size=false, spacing_width=$gap)`,
    );
    sheet = `sheet${index + 2}`;
  }
  return `\n${lines.join('\n')}\nsave = SaveImage(images=${sheet})\n`;
}

export const contactSheet = {
  id: 'contact-sheet',
  kind: 'contact-sheet',
  title: { en: 'Contact sheet', zh: '拼图总览' },
  description: { en: 'Puts up to sixteen pictures on one sheet.', zh: '把最多十六张图片拼到一张图上。' },
  promptLanguages: [],
  parameters: [
    { kind: 'images', name: 'images', title: { en: 'Pictures', zh: '图片' }, min: 2, max: 16 },
    { kind: 'integer', name: 'columns', title: { en: 'Columns', zh: '列数' }, min: 1, max: 8, default: 4 },
    {
      kind: 'integer',
      name: 'cell',
      title: { en: 'Cell size in pixels', zh: '单元尺寸（像素）' },
      min: 64,
      max: 1024,
      multipleOf: 8,
      default: 512,
    },
    {
      kind: 'integer',
      name: 'gap',
      title: { en: 'Gap in pixels', zh: '间隔（像素）' },
      min: 0,
      max: 64,
      multipleOf: 2,
      default: 8,
    },
  ],
  ignores: ['prompt', 'negative', 'seed'],
  notation: sheetNotation,
} satisfies Recipe;
