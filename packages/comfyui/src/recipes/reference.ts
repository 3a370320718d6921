import { checkpointDrawing, drawFromNothing, fluxDrawing } from './drawings.ts';
import { anyCheckpointParameter, controlNetParameter, fluxFiles, reduxFiles } from './model-files.ts';
import { CHECKPOINT_PROMPTS, FLUX_LOADERS, joinLines, LOAD_SOURCE, loadSource } from './notation-lines.ts';
import {
  checkpointSampling,
  countParameter,
  fluxSampling,
  imageParameter,
  imagesParameter,
  negativeParameter,
  numberParameter,
  optionalPromptParameter,
  promptParameter,
  sideDefaults,
  sizeParameters,
  strengthParameter,
  strengthsParameter,
} from './parameters.ts';
import { countEntries } from './recipe.ts';
import type { ImagesParameter, ModelParameter, Recipe, RecipeValues } from './recipe.ts';

/** The source picture at the size of the result, which is what a control picture has to have. */
function fitSource(name: string): string {
  return `${name} = ImageScale(image=source.IMAGE, upscale_method="lanczos", width=$width, height=$height, crop="center")`;
}

/** @param hint lines that make the control picture `hint` of `source`. */
function controlNetRecipe(
  about: Pick<Recipe, 'id' | 'title' | 'description'>,
  hint: string,
  controlNet: ModelParameter,
): Recipe {
  return {
    ...about,
    kind: 'controlnet',
    promptLanguages: ['en'],
    parameters: [
      promptParameter,
      negativeParameter,
      imageParameter,
      anyCheckpointParameter,
      controlNet,
      strengthParameter(1),
      numberParameter(
        'end',
        { en: 'Share of the steps that follow it', zh: '作用步数比例' },
        { min: 0, max: 1, default: 1 },
      ),
      ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
      countParameter,
      ...checkpointSampling,
    ],
    ignores: [],
    notation: drawFromNothing({
      ...checkpointDrawing,
      head: joinLines(
        CHECKPOINT_PROMPTS,
        LOAD_SOURCE,
        hint,
        'controlnet = ControlNetLoader(control_net_name=$controlnet)',
        'steered = ControlNetApplyAdvanced(positive=positive, negative=negative, control_net=controlnet, image=hint, vae=loader.VAE, strength=$strength, start_percent=0, end_percent=$end)',
      ),
      sampler: { positive: 'steered.positive', negative: 'steered.negative' },
    }),
  };
}

export const controlNet = controlNetRecipe(
  {
    id: 'controlnet',
    title: { en: 'ControlNet', zh: 'ControlNet 控制' },
    description: {
      en: 'Draws along a ready control picture: a depth map, a pose, edges, a scribble.',
      zh: '按照现成的控制图（深度图、姿态、线稿、涂鸦）作画。',
    },
  },
  fitSource('hint'),
  controlNetParameter,
);

export const controlNetEdges = controlNetRecipe(
  {
    id: 'controlnet-edges',
    title: { en: 'ControlNet from a picture’s edges', zh: 'ControlNet（提取线条）' },
    description: {
      en: 'Finds the edges of a picture and draws along them.',
      zh: '提取图片的边缘线条并据此作画。',
    },
  },
  joinLines(fitSource('fitted'), 'hint = Canny(image=fitted, low_threshold=0.3, high_threshold=0.7)'),
  {
    ...controlNetParameter,
    match: ['canny', 'lineart', 'softedge', 'union', 'promax'],
    needs: { en: 'a Canny ControlNet', zh: 'Canny ControlNet' },
  },
);

/** How much one picture counts: its own strength, else that of all. Pictures count from 1. */
function strengthOf(values: RecipeValues, picture: number): number {
  const strengths = values['strengths'];
  const own = Array.isArray(strengths) ? strengths[picture - 1] : undefined;
  return Number(own ?? values['strength'] ?? 1);
}

function ipAdapterNotation(values: RecipeValues): string {
  const count = countEntries(values, 'images');
  const lines: string[] = [];
  let model = 'adapter.model';
  for (let index = 1; index <= count; index += 1) {
    // Each reference adds its part: several at full strength would drown the prompt.
    const weight = Number((strengthOf(values, index) / Math.sqrt(count)).toFixed(3));
    lines.push(
      loadSource(index),
      `guided${index} = IPAdapter(model=${model}, ipadapter=adapter.ipadapter, image=source${index}.IMAGE, weight=${weight}, start_at=0, end_at=1, weight_type="standard")`,
    );
    model = `guided${index}`;
  }
  return drawFromNothing({
    ...checkpointDrawing,
    head: joinLines(
      CHECKPOINT_PROMPTS,
      'adapter = IPAdapterUnifiedLoader(model=loader.MODEL, preset="PLUS (high strength)")',
      ...lines,
    ),
    sampler: { model },
  });
}

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
    imagesParameter(1, 4, { en: 'References', zh: '参考图' }),
    strengthParameter(0.8),
    strengthsParameter,
    anyCheckpointParameter,
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: ipAdapterNotation,
} satisfies Recipe;

function reduxNotation(values: RecipeValues): string {
  const lines: string[] = [];
  let conditioning = 'guided';
  for (let index = 1; index <= countEntries(values, 'images'); index += 1) {
    lines.push(
      loadSource(index),
      `seen${index} = CLIPVisionEncode(clip_vision=vision, image=source${index}.IMAGE, crop="center")`,
      `styled${index} = StyleModelApply(conditioning=${conditioning}, style_model=redux, clip_vision_output=seen${index}, strength=${strengthOf(values, index)}, strength_type="multiply")`,
    );
    conditioning = `styled${index}`;
  }
  return drawFromNothing({
    ...fluxDrawing,
    head: joinLines(
      FLUX_LOADERS,
      'redux = StyleModelLoader(style_model_name=$redux)',
      'vision = CLIPVisionLoader(clip_name=$vision)',
      'positive = CLIPTextEncode(clip=encoder, text=$prompt)',
      'guided = FluxGuidance(conditioning=positive, guidance=$guidance)',
      ...lines,
      'nothing = ConditioningZeroOut(conditioning=positive)',
    ),
    sampler: { ...fluxDrawing.sampler, positive: conditioning },
  });
}

function reduxRecipe(about: Pick<Recipe, 'id' | 'kind' | 'title' | 'description'>, images: ImagesParameter): Recipe {
  return {
    ...about,
    promptLanguages: ['en'],
    parameters: [
      optionalPromptParameter,
      images,
      strengthParameter(1),
      strengthsParameter,
      ...fluxFiles,
      ...reduxFiles,
      ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
      countParameter,
      ...fluxSampling,
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
  imagesParameter(1, 4, { en: 'References', zh: '参考图' }),
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
  imagesParameter(2, 5),
);
