import sharp from 'sharp';
import { sceneSvg } from './scene-svg.ts';

/** The picture that ComfyUI brings along as `input/example.png`: here a simulated one. */
export function exampleImage(): Promise<Buffer> {
  const scene = { prompt: 'a small house on a green hill, blue sky', negative: '', variation: 'example' };
  return sharp(Buffer.from(sceneSvg(scene, 256, 256)))
    .removeAlpha()
    .png()
    .toBuffer();
}
