import { expect, it } from 'vitest';
import { guessModelFamily } from './model-family.ts';

it.each([
  ['sd_xl_base_1.0.safetensors', 'sdxl'],
  ['juggernautXL_v9Rundiffusion.safetensors', 'sdxl'],
  ['SDXL/animagine-xl-3.1.safetensors', 'sdxl'],
  ['ponyDiffusionV6XL.safetensors', 'pony'],
  ['waiNSFWIllustrious_v140.safetensors', 'illustrious'],
  ['v1-5-pruned-emaonly-fp16.safetensors', 'sd15'],
  ['dreamshaper_8.safetensors', 'sd15'],
  ['control_v11p_sd15_canny.pth', 'sd15'],
  ['v2-1_768-ema-pruned.safetensors', 'sd2'],
  ['sd3.5_large_fp8_scaled.safetensors', 'sd3'],
  ['sd3_medium_incl_clips.safetensors', 'sd3'],
  ['flux1-dev-fp8.safetensors', 'flux'],
  ['flux1-dev-kontext_fp8_scaled.safetensors', 'flux'],
  ['flux2_dev_fp8mixed.safetensors', 'flux2'],
  ['flux-2-klein-4b.safetensors', 'flux2'],
  ['qwen_image_edit_2509_fp8_e4m3fn.safetensors', 'qwen-image'],
  ['z_image_turbo_bf16.safetensors', 'z-image'],
  ['wan2.1_t2v_1.3B_fp16.safetensors', 'wan'],
  ['Wan2_2-TI2V-5B.safetensors', 'wan'],
  ['ltx-video-2b-v0.9.5.safetensors', 'ltx'],
  ['hunyuan_video_t2v_720p_bf16.safetensors', 'hunyuan'],
  ['qwen_2.5_vl_7b.safetensors', 'unknown'],
  ['tiny-a.safetensors', 'unknown'],
  ['flow-dev.safetensors', 'unknown'],
])('%s is of the family %s', (file, family) => {
  expect(guessModelFamily(file)).toBe(family);
});
