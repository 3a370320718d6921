import { expect, test } from 'vitest';
import { guessVramGb } from './guess-vram.ts';

const sdxl = { recipe: 'text-to-image-sdxl', model: 'sd_xl_base_1.0.safetensors', pixels: 1_048_576, images: 1 };

test('smaller pictures, fewer at a time and lighter models take less memory', () => {
  const whole = guessVramGb(sdxl) ?? 0;
  expect(whole).toBeGreaterThan(7);
  expect(guessVramGb({ ...sdxl, pixels: 262_144 })).toBeLessThan(whole);
  expect(guessVramGb({ ...sdxl, images: 4 })).toBeGreaterThan(whole);
  expect(guessVramGb({ ...sdxl, images: 40 })).toBe(guessVramGb({ ...sdxl, images: 4 }));
  expect(guessVramGb({ ...sdxl, recipe: 'text-to-image', model: 'v1-5-pruned-emaonly.safetensors' })).toBeLessThan(
    whole,
  );
  expect(guessVramGb({ ...sdxl, recipe: 'text-to-image-flux', model: 'flux1-dev.safetensors' })).toBeGreaterThan(whole);
});

test('nothing is said about a model of no known family', () => {
  expect(guessVramGb({ recipe: 'workflow', model: 'house-style.safetensors', pixels: 1, images: 1 })).toBeUndefined();
});
