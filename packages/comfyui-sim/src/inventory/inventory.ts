/** Model files by folder, each list sorted as ComfyUI sorts it. Folders that are absent are empty. */
export type Inventory = Readonly<Record<string, readonly string[]>>;

/** The empty files of the recorded servers. */
export const recordedInventory: Inventory = {
  checkpoints: ['tiny-a.safetensors', 'tiny-b.safetensors'],
  loras: ['ink.safetensors', 'styles/gouache.safetensors'],
  controlnet: ['depth.safetensors'],
  diffusion_models: ['flow-dev.safetensors'],
  text_encoders: ['clip_l.safetensors', 't5xxl.safetensors'],
  vae: ['ae.safetensors'],
  upscale_models: ['4x-demo.pth'],
};

/** Names that a team's machine could hold, so that each recipe finds its models. */
export const demoModels: Inventory = {
  checkpoints: [
    'dreamshaper_8.safetensors',
    'flux1-schnell-fp8.safetensors',
    'juggernautXL_v9.safetensors',
    'ltx-video-2b-v0.9.5.safetensors',
    'sd3.5_large_fp8_scaled.safetensors',
    'sd_xl_base_1.0.safetensors',
    'sd_xl_refiner_1.0.safetensors',
    'v1-5-pruned-emaonly-fp16.safetensors',
  ],
  loras: [
    'add_detail_sd15.safetensors',
    'flux_realism_lora.safetensors',
    'pixel-art-xl.safetensors',
    'sd_xl_offset_example-lora_1.0.safetensors',
    'watercolor_sdxl.safetensors',
  ],
  controlnet: [
    'control_v11f1p_sd15_depth_fp16.safetensors',
    'control_v11p_sd15_canny_fp16.safetensors',
    'control_v11p_sd15_openpose_fp16.safetensors',
    'controlnet-union-sdxl-1.0-promax.safetensors',
    'flux1-union-controlnet.safetensors',
  ],
  diffusion_models: [
    'flux1-dev-fp8.safetensors',
    'flux1-dev-kontext_fp8_scaled.safetensors',
    'qwen_image_edit_2509_fp8_e4m3fn.safetensors',
    'qwen_image_fp8_e4m3fn.safetensors',
    'wan2.1_i2v_480p_14B_fp8_scaled.safetensors',
    'wan2.1_t2v_1.3B_fp16.safetensors',
    'wan2.2_ti2v_5B_fp16.safetensors',
    'z_image_turbo_bf16.safetensors',
  ],
  text_encoders: [
    'clip_g.safetensors',
    'clip_l.safetensors',
    'qwen_2.5_vl_7b_fp8_scaled.safetensors',
    'qwen_3_4b.safetensors',
    't5xxl_fp8_e4m3fn.safetensors',
    'umt5_xxl_fp8_e4m3fn_scaled.safetensors',
  ],
  vae: [
    'ae.safetensors',
    'qwen_image_vae.safetensors',
    'sdxl_vae.safetensors',
    'vae-ft-mse-840000-ema-pruned.safetensors',
    'wan2.2_vae.safetensors',
    'wan_2.1_vae.safetensors',
  ],
  clip_vision: ['clip_vision_h.safetensors', 'sigclip_vision_patch14_384.safetensors'],
  style_models: ['flux1-redux-dev.safetensors'],
  upscale_models: ['4x-UltraSharp.pth', 'RealESRGAN_x2plus.pth', 'RealESRGAN_x4plus.pth'],
  embeddings: ['EasyNegative.safetensors', 'badhandv4.pt'],
  model_patches: ['qwen_image_canny_diffsynth_controlnet.safetensors', 'uso-flux1-projector-v1.safetensors'],
};

/** Orders names as Python's `sorted(key=str.lower)` does with ASCII. */
function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort((a, b) => {
    const left = a.toLowerCase();
    const right = b.toLowerCase();
    return left < right ? -1 : Number(left > right);
  });
}

/** Both inventories in one, folder by folder. */
function mergeInventories(...inventories: readonly Inventory[]): Inventory {
  const folders = new Set(inventories.flatMap((inventory) => Object.keys(inventory)));
  return Object.fromEntries(
    [...folders].map((folder) => [folder, sorted(inventories.flatMap((inventory) => inventory[folder] ?? []))]),
  );
}

/** What is served unless the caller says otherwise: believable names, and the recorded ones. */
export const demoInventory: Inventory = mergeInventories(demoModels, recordedInventory);
