const beforeLatentUpscaleModels = [
  'checkpoints',
  'configs',
  'loras',
  'vae',
  'text_encoders',
  'diffusion_models',
  'clip_vision',
  'style_models',
  'embeddings',
  'diffusers',
  'vae_approx',
  'controlnet',
  'gligen',
  'upscale_models',
];
const afterLatentUpscaleModels = [
  'custom_nodes',
  'hypernetworks',
  'photomaker',
  'classifiers',
  'model_patches',
  'audio_encoders',
];

/** The folders that `GET /models` of ComfyUI 0.8.0 lists (recorded), in its order, also where nothing lies in them. */
export const modelFolders: readonly string[] = [
  ...beforeLatentUpscaleModels,
  'latent_upscale_models',
  ...afterLatentUpscaleModels,
];

/** Those of ComfyUI 0.3.64 (recorded). */
export const modelFolders0364: readonly string[] = [...beforeLatentUpscaleModels, ...afterLatentUpscaleModels];
