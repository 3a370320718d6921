import { describe, expect, it } from 'vitest';
import { createGpuMemory } from './gpu-memory.ts';
import { defaultProfile, familyOf } from './service-profile.ts';

describe('the simulated GPU memory', () => {
  it('reads a model once, and pays for a swap each time another takes its place', () => {
    const gpu = createGpuMemory(defaultProfile);
    const { loadMs, swapMs, smallLoadMs } = defaultProfile;
    expect(gpu.makeResident('sd_xl_base.safetensors', [])).toBe(loadMs.sdxl);
    expect(gpu.makeResident('sd_xl_base.safetensors', ['ink.safetensors'])).toBe(smallLoadMs);
    expect(gpu.makeResident('dreamshaper_8.safetensors', [])).toBe(loadMs.sd15 + swapMs.sd15);
    expect(gpu.makeResident('sd_xl_base.safetensors', [])).toBe(swapMs.sdxl);
    expect(gpu.counts()).toEqual({ swaps: 2, loads: 2 });
  });

  it('reads again after unloading', () => {
    const gpu = createGpuMemory(defaultProfile);
    expect(gpu.readSmall('ae.safetensors')).toBe(defaultProfile.smallLoadMs);
    expect(gpu.readSmall('ae.safetensors')).toBe(0);
    gpu.makeResident('flux1-dev.safetensors', []);
    gpu.unload();
    expect(gpu.readSmall('ae.safetensors')).toBe(defaultProfile.smallLoadMs);
    expect(gpu.makeResident('flux1-dev.safetensors', [])).toBe(defaultProfile.loadMs.flux);
    expect(gpu.counts().swaps).toBe(0);
  });

  it.each([
    ['sd_xl_base_1.0.safetensors', 'sdxl'],
    ['dreamshaper_8.safetensors', 'sd15'],
    ['flux1-schnell-fp8.safetensors', 'flux'],
    ['wan2.1_t2v_1.3B_fp16.safetensors', 'video'],
    ['qwen_image_fp8_e4m3fn.safetensors', 'qwen'],
    ['tiny-a.safetensors', 'other'],
  ])('takes %s for %s', (name, family) => {
    expect(familyOf(name)).toBe(family);
  });
});
