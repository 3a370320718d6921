import { describe, expect, it } from 'vitest';
import { extensionOf, pictureStem } from './picture-name.ts';

describe('pictureStem', () => {
  it.each([
    ['ComfyUI_00001_.png', 'ComfyUI_00001_'],
    ['山 谷/../x y.webp', '-x-y'],
    ['.png', 'picture'],
    [`${'a'.repeat(100)}.png`, 'a'.repeat(60)],
  ])('%s becomes %s', (filename, stem) => expect(pictureStem(filename)).toBe(stem));
});

describe('extensionOf', () => {
  it.each([
    ['image/jpeg', 'jpg'],
    ['image/png', 'png'],
    ['model/gltf-binary', 'bin'],
    ['nonsense', 'bin'],
  ])('%s ends in %s', (mediaType, extension) => expect(extensionOf(mediaType)).toBe(extension));
});
