import {
  checkpointParameter,
  diffusionModelParameter,
  textEncoderParameter,
  vaeParameter,
  visionEncoderParameter,
} from './model-files.ts';
import { joinLines, kSampler, LOAD_SOURCE, partLoaders, saveVideo } from './notation-lines.ts';
import {
  cfgParameter,
  imageParameter,
  integerParameter,
  negativeParameter,
  optionalPromptParameter,
  promptParameter,
  samplerParameters,
  seedParameter,
  sizeParameters,
  stepsParameter,
  strengthParameter,
} from './parameters.ts';
import type { NumberParameter, Recipe, RecipeValues } from './recipe.ts';

/** Frames come in steps of what the model's VAE packs together, and one more. */
function framesParameter(value: number, max: number, step: number): NumberParameter {
  const range = { min: 1 + step, max, multipleOf: step, offset: 1, default: value };
  return integerParameter('frames', { en: 'Frames', zh: '帧数' }, range);
}

/** Frames a second that the models were trained on. */
const WAN_FPS = 16;
const WAN22_FPS = 24;
const LTX_FPS = 25;

const wanEncoder = textEncoderParameter('encoder', ['umt5_xxl', 'umt5-xxl', 'umt5']);
const wan21Vae = vaeParameter(['wan_2.1_vae', 'wan2.1_vae', 'wan_2.1']);
const wan22 = ['2.2', '2_2'];

const WAN_PROMPTS = joinLines(
  partLoaders('wan'),
  'shifted = ModelSamplingSD3(model=loader, shift=8)',
  'positive = CLIPTextEncode(clip=encoder, text=$prompt)',
  'negative = CLIPTextEncode(clip=encoder, text=$negative)',
);

const wanSampling = [
  seedParameter,
  stepsParameter(20, [{ match: 'light', value: 4 }]),
  cfgParameter(6),
  ...samplerParameters('uni_pc', 'simple'),
];

const wan21Clip = [
  ...sizeParameters({ width: 832, height: 480, multipleOf: 16, max: 1280 }),
  framesParameter(33, 121, 4),
  ...wanSampling,
];

export const textToVideoWan = {
  id: 'text-to-video-wan',
  kind: 'text-to-video',
  title: { en: 'Text to video (Wan 2.1)', zh: '文生视频（Wan 2.1）' },
  description: {
    en: 'Films a description: a few seconds at 16 frames a second.',
    zh: '按文字描述生成几秒钟的视频（每秒 16 帧）。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    negativeParameter,
    diffusionModelParameter(
      ['wan'],
      { en: 'a Wan 2.1 text-to-video model', zh: 'Wan 2.1 文生视频模型' },
      { match: ['t2v'], exclude: wan22 },
    ),
    wanEncoder,
    wan21Vae,
    ...wan21Clip,
  ],
  ignores: ['count'],
  notation: joinLines(
    WAN_PROMPTS,
    'canvas = EmptyHunyuanLatentVideo(width=$width, height=$height, length=$frames, batch_size=1)',
    kSampler({ model: 'shifted' }),
    saveVideo(WAN_FPS, 'vae'),
  ),
} satisfies Recipe;

export const imageToVideoWan = {
  id: 'image-to-video-wan',
  kind: 'image-to-video',
  title: { en: 'Image to video (Wan 2.1)', zh: '图生视频（Wan 2.1）' },
  description: {
    en: 'Sets a picture in motion as described, at 16 frames a second.',
    zh: '让一张图片按描述动起来（每秒 16 帧）。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    negativeParameter,
    imageParameter,
    diffusionModelParameter(
      ['wan'],
      { en: 'a Wan 2.1 image-to-video model', zh: 'Wan 2.1 图生视频模型' },
      { match: ['i2v'], exclude: wan22 },
    ),
    wanEncoder,
    wan21Vae,
    visionEncoderParameter({ en: 'the vision encoder clip_vision_h', zh: '视觉编码器 clip_vision_h' }, [
      'clip_vision_h',
      'clip-vit-h',
    ]),
    ...wan21Clip,
  ],
  ignores: ['count'],
  notation: joinLines(
    WAN_PROMPTS,
    LOAD_SOURCE,
    'vision = CLIPVisionLoader(clip_name=$vision)',
    'seen = CLIPVisionEncode(clip_vision=vision, image=source.IMAGE, crop="none")',
    'start = WanImageToVideo(positive=positive, negative=negative, vae=vae, width=$width, height=$height, length=$frames, batch_size=1, clip_vision_output=seen, start_image=source.IMAGE)',
    kSampler({ model: 'shifted', positive: 'start.positive', negative: 'start.negative', latent: 'start.latent' }),
    saveVideo(WAN_FPS, 'vae'),
  ),
} satisfies Recipe;

/** Begins with a picture where one is given. */
function wan22Notation(values: RecipeValues): string {
  const hasImage = values['image'] !== undefined;
  return joinLines(
    WAN_PROMPTS,
    ...(hasImage ? [LOAD_SOURCE] : []),
    `canvas = Wan22ImageToVideoLatent(vae=vae, width=$width, height=$height, length=$frames, batch_size=1${hasImage ? ', start_image=source.IMAGE' : ''})`,
    kSampler({ model: 'shifted' }),
    saveVideo(WAN22_FPS, 'vae'),
  );
}

export const videoWan22 = {
  id: 'video-wan22',
  kind: 'text-to-video',
  title: { en: 'Video (Wan 2.2, 5B)', zh: '视频（Wan 2.2 5B）' },
  description: {
    en: 'Films a description, from a first picture if one is given, at 24 frames a second.',
    zh: '按文字描述生成视频，可指定首帧图片（每秒 24 帧）。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    negativeParameter,
    { ...imageParameter, optional: true },
    diffusionModelParameter(
      ['wan'],
      { en: 'the Wan 2.2 TI2V 5B model', zh: 'Wan 2.2 TI2V 5B 模型' },
      { match: ['ti2v'] },
    ),
    wanEncoder,
    vaeParameter(['wan2.2_vae', 'wan_2.2_vae', 'wan2.2']),
    ...sizeParameters({ width: 1280, height: 704, multipleOf: 32, max: 1280 }),
    framesParameter(49, 121, 4),
    ...wanSampling,
  ],
  ignores: ['count'],
  notation: wan22Notation,
} satisfies Recipe;

const ltxParameters = [
  checkpointParameter(['ltx'], { en: 'an LTX-Video checkpoint', zh: 'LTX-Video 模型' }),
  textEncoderParameter('encoder', ['t5xxl', 't5-xxl', 't5_xxl']),
  ...sizeParameters({ width: 768, height: 512, multipleOf: 32, max: 1280 }),
  framesParameter(97, 257, 8),
  seedParameter,
  stepsParameter(30, [{ match: 'distilled', value: 8 }]),
  cfgParameter(3, [{ match: 'distilled', value: 1 }]),
];

const LTX_PROMPTS = `loader = CheckpointLoaderSimple(ckpt_name=$model)
encoder = CLIPLoader(clip_name=$encoder, type="ltxv")
positive = CLIPTextEncode(clip=encoder, text=$prompt)
negative = CLIPTextEncode(clip=encoder, text=$negative)`;

/** LTX has its own schedule, which follows from the latent, so that it is sampled by parts. */
function sampleLtx(positive: string, negative: string, latent: string): string {
  return joinLines(
    `timed = LTXVConditioning(positive=${positive}, negative=${negative}, frame_rate=${LTX_FPS})`,
    `sigmas = LTXVScheduler(steps=$steps, latent=${latent})`,
    'sampler = KSamplerSelect(sampler_name="euler")',
    `sampled = SamplerCustom(model=loader.MODEL, add_noise=true, noise_seed=$seed, cfg=$cfg, positive=timed.positive, negative=timed.negative, sampler=sampler, sigmas=sigmas, latent_image=${latent})`,
    saveVideo(LTX_FPS, 'loader.VAE', 'sampled.output'),
  );
}

export const textToVideoLtx = {
  id: 'text-to-video-ltx',
  kind: 'text-to-video',
  title: { en: 'Text to video (LTX-Video)', zh: '文生视频（LTX-Video）' },
  description: {
    en: 'Films a detailed description quickly, at 25 frames a second.',
    zh: '快速按详细描述生成视频（每秒 25 帧）。',
  },
  promptLanguages: ['en'],
  parameters: [promptParameter, negativeParameter, ...ltxParameters],
  ignores: ['count', 'sampler', 'scheduler'],
  notation: joinLines(
    LTX_PROMPTS,
    'canvas = EmptyLTXVLatentVideo(width=$width, height=$height, length=$frames, batch_size=1)',
    sampleLtx('positive', 'negative', 'canvas'),
  ),
} satisfies Recipe;

export const imageToVideoLtx = {
  id: 'image-to-video-ltx',
  kind: 'image-to-video',
  title: { en: 'Image to video (LTX-Video)', zh: '图生视频（LTX-Video）' },
  description: {
    en: 'Sets a picture in motion quickly, at 25 frames a second.',
    zh: '快速让一张图片动起来（每秒 25 帧）。',
  },
  promptLanguages: ['en'],
  parameters: [optionalPromptParameter, negativeParameter, imageParameter, strengthParameter(1, 1), ...ltxParameters],
  ignores: ['count', 'sampler', 'scheduler'],
  notation: joinLines(
    LTX_PROMPTS,
    LOAD_SOURCE,
    'start = LTXVImgToVideo(positive=positive, negative=negative, vae=loader.VAE, image=source.IMAGE, width=$width, height=$height, length=$frames, batch_size=1, strength=$strength)',
    sampleLtx('start.positive', 'start.negative', 'start.latent'),
  ),
} satisfies Recipe;
