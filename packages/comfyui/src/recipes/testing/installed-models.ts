import type { Json } from '../../json/json.ts';

/** Files of a well stocked server, by class and input, as their publishers name them. */
export const installedModels: Readonly<Record<string, readonly string[]>> = {
  'CheckpointLoaderSimple.ckpt_name': [
    'flux1-dev-fp8.safetensors',
    'juggernautXL_v9.safetensors',
    'sd3.5_large_fp8_scaled.safetensors',
    'sd_xl_base_1.0.safetensors',
    'sd_xl_turbo_1.0_fp16.safetensors',
    'v1-5-pruned-emaonly-fp16.safetensors',
    'ltx-video-2b-v0.9.5.safetensors',
  ],
  'UNETLoader.unet_name': [
    'flux1-dev.safetensors',
    'flux1-dev-kontext_fp8_scaled.safetensors',
    'flux1-schnell.safetensors',
    'qwen_image_edit_2509_fp8_e4m3fn.safetensors',
    'qwen_image_fp8_e4m3fn.safetensors',
    'wan2.1_i2v_480p_14B_fp16.safetensors',
    'wan2.1_t2v_1.3B_fp16.safetensors',
    'wan2.2_ti2v_5B_fp16.safetensors',
    'z_image_turbo_bf16.safetensors',
  ],
  'CLIPLoader.clip_name': [
    'qwen_2.5_vl_7b_fp8_scaled.safetensors',
    'qwen_3_4b.safetensors',
    't5xxl_fp16.safetensors',
    'umt5_xxl_fp8_e4m3fn_scaled.safetensors',
  ],
  'DualCLIPLoader.clip_name1': ['t5xxl_fp16.safetensors'],
  'VAELoader.vae_name': ['qwen_image_vae.safetensors', 'wan2.2_vae.safetensors', 'wan_2.1_vae.safetensors'],
  'UpscaleModelLoader.model_name': ['4x-UltraSharp.pth', 'RealESRGAN_x4plus.pth'],
  'ControlNetLoader.control_net_name': ['control_v11p_sd15_canny.pth', 'diffusers_xl_canny_full.safetensors'],
  'StyleModelLoader.style_model_name': ['flux1-redux-dev.safetensors'],
  'CLIPVisionLoader.clip_name': [
    'CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors',
    'clip_vision_h.safetensors',
    'sigclip_vision_patch14_384.safetensors',
  ],
  'LoadImage.image': ['photo.png', 'second.png', 'third.png', 'fourth.png', 'fifth.png', 'mask.png'],
  'LoadImageMask.image': ['photo.png', 'mask.png'],
};

function nodeClass(name: string, required: Record<string, Json>, output: readonly [string, string][]): Json {
  return {
    input: { required },
    input_order: { required: Object.keys(required) },
    output: output.map(([type]) => type),
    output_is_list: output.map(() => false),
    output_name: output.map(([, label]) => label),
    name,
    display_name: name,
    description: '',
    python_module: 'custom_nodes.example',
    category: 'example',
    output_node: false,
  };
}

const strength: Json = ['FLOAT', { default: 1, min: -1, max: 3, step: 0.05 }];
const share: Json = ['FLOAT', { default: 0, min: 0, max: 1, step: 0.001 }];

/** Classes of the node packs that some recipes need, as their packs declare what those recipes use. */
export const customClasses: Readonly<Record<string, Json>> = {
  Canny: nodeClass('Canny', { image: ['IMAGE', {}], low_threshold: share, high_threshold: share }, [
    ['IMAGE', 'IMAGE'],
  ]),
  IPAdapterUnifiedLoader: nodeClass(
    'IPAdapterUnifiedLoader',
    { model: ['MODEL', {}], preset: [['STANDARD (medium strength)', 'PLUS (high strength)'], {}] },
    [
      ['MODEL', 'model'],
      ['IPADAPTER', 'ipadapter'],
    ],
  ),
  IPAdapter: nodeClass(
    'IPAdapter',
    {
      model: ['MODEL', {}],
      ipadapter: ['IPADAPTER', {}],
      image: ['IMAGE', {}],
      weight: strength,
      start_at: share,
      end_at: share,
      weight_type: [['standard', 'prompt is more important', 'style transfer'], {}],
    },
    [['MODEL', 'MODEL']],
  ),
  'SAMModelLoader (segment anything)': nodeClass(
    'SAMModelLoader (segment anything)',
    { model_name: [['sam_vit_b (375MB)', 'sam_vit_h (2.56GB)'], {}] },
    [['SAM_MODEL', 'SAM_MODEL']],
  ),
  'GroundingDinoModelLoader (segment anything)': nodeClass(
    'GroundingDinoModelLoader (segment anything)',
    { model_name: [['GroundingDINO_SwinT_OGC (694MB)'], {}] },
    [['GROUNDING_DINO_MODEL', 'GROUNDING_DINO_MODEL']],
  ),
  'GroundingDinoSAMSegment (segment anything)': nodeClass(
    'GroundingDinoSAMSegment (segment anything)',
    {
      sam_model: ['SAM_MODEL', {}],
      grounding_dino_model: ['GROUNDING_DINO_MODEL', {}],
      image: ['IMAGE', {}],
      prompt: ['STRING', {}],
      threshold: share,
    },
    [
      ['IMAGE', 'IMAGE'],
      ['MASK', 'MASK'],
    ],
  ),
  RMBG: nodeClass('RMBG', { image: ['IMAGE', {}], model: [['RMBG-2.0', 'INSPYRENET', 'BEN'], {}] }, [
    ['IMAGE', 'IMAGE'],
    ['MASK', 'MASK'],
  ]),
  InspyrenetRembg: nodeClass('InspyrenetRembg', { image: ['IMAGE', {}], torchscript_jit: [['default', 'on'], {}] }, [
    ['IMAGE', 'IMAGE'],
    ['MASK', 'MASK'],
  ]),
};
