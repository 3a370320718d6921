import {
  anyCheckpointParameter,
  countParameter,
  fluxFileParameters,
  guidanceParameter,
  imageParameter,
  negativeParameter,
  optionalPromptParameter,
  promptParameter,
  samplerParameters,
  seedParameter,
  sideDefaults,
  sizeParameters,
  stepsParameter,
  strengthParameter,
} from './parameters.ts';
import { countEntries } from './recipe.ts';
import type {
  ImagesParameter,
  LocalText,
  ModelParameter,
  NumberParameter,
  Recipe,
  RecipeParameter,
  RecipeValues,
} from './recipe.ts';
import { CHECKPOINT_PROMPTS, checkpointSampling } from './checkpoint-lines.ts';

const controlNetParameter: ModelParameter = {
  kind: 'model',
  name: 'controlnet',
  title: { en: 'ControlNet', zh: 'ControlNet' },
  from: { classType: 'ControlNetLoader', input: 'control_net_name' },
  folder: 'controlnet',
  needs: { en: 'a ControlNet for the chosen checkpoint', zh: '与所选模型匹配的 ControlNet' },
  followsModel: true,
};

const endParameter: NumberParameter = {
  kind: 'number',
  name: 'end',
  title: { en: 'Share of the steps that follow it', zh: '作用步数比例' },
  min: 0,
  max: 1,
  default: 1,
};

function controlNetRecipe(
  id: string,
  title: LocalText,
  description: LocalText,
  hint: string,
  controlNet: ModelParameter,
): Recipe {
  return {
    id,
    kind: 'controlnet',
    title,
    description,
    promptLanguages: ['en'],
    parameters: [
      promptParameter,
      negativeParameter,
      imageParameter,
      anyCheckpointParameter,
      controlNet,
      strengthParameter(1),
      endParameter,
      ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
      countParameter,
      ...checkpointSampling,
    ],
    ignores: [],
    notation: `${CHECKPOINT_PROMPTS}
source = LoadImage(image=$image)
${hint}
controlnet = ControlNetLoader(control_net_name=$controlnet)
steered = ControlNetApplyAdvanced(positive=positive, negative=negative, control_net=controlnet, image=hint, vae=loader.VAE, strength=$strength, start_percent=0, end_percent=$end)
canvas = EmptyLatentImage(width=$width, height=$height, batch_size=$count)
sampled = KSampler(model=loader.MODEL, positive=steered.positive, negative=steered.negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=loader.VAE)
save = SaveImage(images=image)
`,
  };
}

export const controlNet = controlNetRecipe(
  'controlnet',
  { en: 'ControlNet', zh: 'ControlNet 控制' },
  {
    en: 'Draws along a ready control picture: a depth map, a pose, edges, a scribble.',
    zh: '按照现成的控制图（深度图、姿态、线稿、涂鸦）作画。',
  },
  'hint = ImageScale(image=source.IMAGE, upscale_method="lanczos", width=$width, height=$height, crop="center")',
  controlNetParameter,
);

export const controlNetEdges = controlNetRecipe(
  'controlnet-edges',
  { en: 'ControlNet from a picture’s edges', zh: 'ControlNet（提取线条）' },
  { en: 'Finds the edges of a picture and draws along them.', zh: '提取图片的边缘线条并据此作画。' },
  `fitted = ImageScale(image=source.IMAGE, upscale_method="lanczos", width=$width, height=$height, crop="center")
hint = Canny(image=fitted, low_threshold=0.3, high_threshold=0.7)`,
  {
    ...controlNetParameter,
    match: ['canny', 'lineart', 'softedge', 'union', 'promax'],
    needs: { en: 'a Canny ControlNet', zh: 'Canny ControlNet' },
  },
);

export const ipAdapter = {
  id: 'ip-adapter',
  kind: 'reference',
  title: { en: 'Text to image with references (IP-Adapter)', zh: '参考图作画（IP-Adapter）' },
  description: {
    en: 'Draws from a description with up to four pictures as references, with the IP-Adapter nodes.',
    zh: '用 IP-Adapter 节点，按文字描述并参考最多四张图片作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    optionalPromptParameter,
    negativeParameter,
    { kind: 'images', name: 'images', title: { en: 'References', zh: '参考图' }, min: 1, max: 4 },
    strengthParameter(0.8),
    anyCheckpointParameter,
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: (values) => {
    const count = countEntries(values, 'images');
    // Each reference adds its part: several at full strength would drown the prompt.
    const share = Number((Number(values['strength'] ?? 1) / Math.sqrt(Math.max(1, count))).toFixed(3));
    const lines: string[] = [];
    for (let index = 1; index <= count; index += 1) {
      const model = index === 1 ? 'adapter.model' : `guided${index - 1}`;
      lines.push(
        `source${index} = LoadImage(image=$images_${index})`,
        `guided${index} = IPAdapter(model=${model}, ipadapter=adapter.ipadapter, image=source${index}.IMAGE, weight=${share}, start_at=0, end_at=1, weight_type="standard")`,
      );
    }
    return `${CHECKPOINT_PROMPTS}
adapter = IPAdapterUnifiedLoader(model=loader.MODEL, preset="PLUS (high strength)")
${lines.join('\n')}
canvas = EmptyLatentImage(width=$width, height=$height, batch_size=$count)
sampled = KSampler(model=guided${count}, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=loader.VAE)
save = SaveImage(images=image)
`;
  },
} satisfies Recipe;

/** Files of a Flux diffusion model with its encoders, and of the Redux model beside it. */
const reduxParameters: RecipeParameter[] = [
  ...fluxFileParameters(
    { en: 'a Flux diffusion model', zh: 'Flux 扩散模型' },
    { exclude: ['kontext', 'fill', 'canny', 'depth', 'redux', 'flux2', 'flux.2'] },
  ),
  {
    kind: 'model',
    name: 'redux',
    title: { en: 'Redux model', zh: 'Redux 模型' },
    from: { classType: 'StyleModelLoader', input: 'style_model_name' },
    folder: 'style_models',
    needs: { en: 'the Flux Redux model', zh: 'Flux Redux 模型' },
    match: ['redux'],
  },
  {
    kind: 'model',
    name: 'vision',
    title: { en: 'Vision encoder', zh: '视觉编码器' },
    from: { classType: 'CLIPVisionLoader', input: 'clip_name' },
    folder: 'clip_vision',
    needs: { en: 'the SigLIP vision encoder', zh: 'SigLIP 视觉编码器' },
    match: ['sigclip', 'siglip'],
  },
];

function reduxNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const lines: string[] = [];
  for (let index = 1; index <= count; index += 1) {
    const before = index === 1 ? 'guided' : `styled${index - 1}`;
    lines.push(
      `source${index} = LoadImage(image=$images_${index})`,
      `seen${index} = CLIPVisionEncode(clip_vision=vision, image=source${index}.IMAGE, crop="center")`,
      `styled${index} = StyleModelApply(conditioning=${before}, style_model=redux, clip_vision_output=seen${index}, strength=$strength, strength_type="multiply")`,
    );
  }
  return `
loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = DualCLIPLoader(clip_name1=$t5, clip_name2=$clip, type="flux")
vae = VAELoader(vae_name=$vae)
redux = StyleModelLoader(style_model_name=$redux)
vision = CLIPVisionLoader(clip_name=$vision)
positive = CLIPTextEncode(clip=encoder, text=$prompt)
guided = FluxGuidance(conditioning=positive, guidance=$guidance)
${lines.join('\n')}
nothing = ConditioningZeroOut(conditioning=positive)
canvas = EmptySD3LatentImage(width=$width, height=$height, batch_size=$count)
sampled = KSampler(model=loader, positive=styled${count}, negative=nothing, latent_image=canvas, seed=$seed, steps=$steps, cfg=1, sampler_name=$sampler, scheduler=$scheduler)
image = VAEDecode(samples=sampled, vae=vae)
save = SaveImage(images=image)
`;
}

function reduxRecipe(
  fields: Pick<Recipe, 'id' | 'kind' | 'title' | 'description'>,
  images: Pick<ImagesParameter, 'title' | 'min' | 'max'>,
): Recipe {
  return {
    ...fields,
    promptLanguages: ['en'],
    parameters: [
      optionalPromptParameter,
      { kind: 'images', name: 'images', ...images },
      strengthParameter(1),
      ...reduxParameters,
      ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
      countParameter,
      seedParameter,
      stepsParameter(20, [{ match: 'schnell', value: 4 }]),
      guidanceParameter(3.5),
      ...samplerParameters('euler', 'simple'),
    ],
    ignores: ['negative', 'cfg'],
    notation: reduxNotation,
  };
}

export const fluxRedux = reduxRecipe(
  {
    id: 'flux-redux',
    kind: 'reference',
    title: { en: 'Text to image with references (Flux Redux)', zh: '参考图作画（Flux Redux）' },
    description: {
      en: 'Draws variations of up to four pictures with Flux Redux; strength says how much they count.',
      zh: '用 Flux Redux 参考最多四张图片作画，强度决定参考的程度。',
    },
  },
  { title: { en: 'References', zh: '参考图' }, min: 1, max: 4 },
);

export const blendRedux = reduxRecipe(
  {
    id: 'blend-redux',
    kind: 'blend',
    title: { en: 'Blend pictures (Flux Redux)', zh: '融合图片（Flux Redux）' },
    description: {
      en: 'Mixes what two to five pictures show into a new picture with Flux Redux.',
      zh: '用 Flux Redux 把二到五张图片的内容融合成一张新图。',
    },
  },
  { title: { en: 'Pictures', zh: '图片' }, min: 2, max: 5 },
);
