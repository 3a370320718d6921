import {
  cfgParameter,
  checkpointParameter,
  diffusionModelParameter,
  imageParameter,
  negativeParameter,
  optionalPromptParameter,
  promptParameter,
  samplerParameters,
  seedParameter,
  sizeParameters,
  stepsParameter,
  strengthParameter,
  textEncoderParameter,
  vaeParameter,
} from './parameters.ts';
import type { ModelParameter, NumberParameter, Recipe } from './recipe.ts';

/** Frames come in steps of what the model's VAE packs together, and one more. */
function framesParameter(value: number, max: number, step: number): NumberParameter {
  return {
    kind: 'integer',
    name: 'frames',
    title: { en: 'Frames', zh: '帧数' },
    min: 1 + step,
    max,
    multipleOf: step,
    offset: 1,
    default: value,
  };
}

/** Wan's text encoder and VAE. */
const wanEncoder = textEncoderParameter('encoder', ['umt5_xxl', 'umt5-xxl', 'umt5']);
const WAN_PROMPTS = `
loader = UNETLoader(unet_name=$model, weight_dtype="default")
encoder = CLIPLoader(clip_name=$encoder, type="wan")
vae = VAELoader(vae_name=$vae)
shifted = ModelSamplingSD3(model=loader, shift=8)
positive = CLIPTextEncode(clip=encoder, text=$prompt)
negative = CLIPTextEncode(clip=encoder, text=$negative)`;

function saveVideo(fps: number, vae: string): string {
  return `
pictures = VAEDecode(samples=sampled, vae=${vae})
video = CreateVideo(images=pictures, fps=${fps})
save = SaveVideo(video=video, filename_prefix="video/ComfyUI")
`;
}

const wanSampling = [
  seedParameter,
  stepsParameter(20, [{ match: 'light', value: 4 }]),
  cfgParameter(6),
  ...samplerParameters('uni_pc', 'simple'),
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
      { match: ['t2v'], exclude: ['2.2', '2_2'] },
    ),
    wanEncoder,
    vaeParameter(['wan_2.1_vae', 'wan2.1_vae', 'wan_2.1']),
    ...sizeParameters({ width: 832, height: 480, multipleOf: 16, max: 1280 }),
    framesParameter(33, 121, 4),
    ...wanSampling,
  ],
  ignores: ['count'],
  notation: `${WAN_PROMPTS}
canvas = EmptyHunyuanLatentVideo(width=$width, height=$height, length=$frames, batch_size=1)
sampled = KSampler(model=shifted, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)${saveVideo(16, 'vae')}`,
} satisfies Recipe;

const wanVision: ModelParameter = {
  kind: 'model',
  name: 'vision',
  title: { en: 'Vision encoder', zh: '视觉编码器' },
  from: { classType: 'CLIPVisionLoader', input: 'clip_name' },
  folder: 'clip_vision',
  needs: { en: 'the vision encoder clip_vision_h', zh: '视觉编码器 clip_vision_h' },
  match: ['clip_vision_h', 'clip-vit-h'],
};

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
      { match: ['i2v'], exclude: ['2.2', '2_2'] },
    ),
    wanEncoder,
    vaeParameter(['wan_2.1_vae', 'wan2.1_vae', 'wan_2.1']),
    wanVision,
    ...sizeParameters({ width: 832, height: 480, multipleOf: 16, max: 1280 }),
    framesParameter(33, 121, 4),
    ...wanSampling,
  ],
  ignores: ['count'],
  notation: `${WAN_PROMPTS}
source = LoadImage(image=$image)
vision = CLIPVisionLoader(clip_name=$vision)
seen = CLIPVisionEncode(clip_vision=vision, image=source.IMAGE, crop="none")
start = WanImageToVideo(positive=positive, negative=negative, vae=vae, width=$width, height=$height, length=$frames, batch_size=1, clip_vision_output=seen, start_image=source.IMAGE)
sampled = KSampler(model=shifted, positive=start.positive, negative=start.negative, latent_image=start.latent, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)${saveVideo(16, 'vae')}`,
} satisfies Recipe;

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
  notation: (values) => {
    const hasImage = values['image'] !== undefined;
    return `${WAN_PROMPTS}${hasImage ? '\nsource = LoadImage(image=$image)' : ''}
canvas = Wan22ImageToVideoLatent(vae=vae, width=$width, height=$height, length=$frames, batch_size=1${hasImage ? ', start_image=source.IMAGE' : ''})
sampled = KSampler(model=shifted, positive=positive, negative=negative, latent_image=canvas, seed=$seed, steps=$steps, cfg=$cfg, sampler_name=$sampler, scheduler=$scheduler)${saveVideo(24, 'vae')}`;
  },
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

const LTX_PROMPTS = `
loader = CheckpointLoaderSimple(ckpt_name=$model)
encoder = CLIPLoader(clip_name=$encoder, type="ltxv")
positive = CLIPTextEncode(clip=encoder, text=$prompt)
negative = CLIPTextEncode(clip=encoder, text=$negative)`;

function ltxDraw(positive: string, negative: string, latent: string): string {
  return `
timed = LTXVConditioning(positive=${positive}, negative=${negative}, frame_rate=25)
sigmas = LTXVScheduler(steps=$steps, latent=${latent})
sampler = KSamplerSelect(sampler_name="euler")
sampled = SamplerCustom(model=loader.MODEL, add_noise=true, noise_seed=$seed, cfg=$cfg, positive=timed.positive, negative=timed.negative, sampler=sampler, sigmas=sigmas, latent_image=${latent})${saveVideo(25, 'loader.VAE').replace('samples=sampled', 'samples=sampled.output')}`;
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
  notation: `${LTX_PROMPTS}
canvas = EmptyLTXVLatentVideo(width=$width, height=$height, length=$frames, batch_size=1)${ltxDraw('positive', 'negative', 'canvas')}`,
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
  notation: `${LTX_PROMPTS}
source = LoadImage(image=$image)
start = LTXVImgToVideo(positive=positive, negative=negative, vae=loader.VAE, image=source.IMAGE, width=$width, height=$height, length=$frames, batch_size=1, strength=$strength)${ltxDraw('start.positive', 'start.negative', 'start.latent')}`,
} satisfies Recipe;
