import { paletteOf } from './palette.ts';
import type { Colour } from './palette.ts';
import type { RawPicture } from './picture.ts';
import { createRandomStream } from './random-stream.ts';
import type { Scene } from './scene-svg.ts';

type Rgb = readonly [number, number, number];

function toRgb({ hue, saturation, lightness }: Colour): Rgb {
  const light = lightness / 100;
  const reach = (saturation / 100) * Math.min(light, 1 - light);
  const channel = (offset: number): number => {
    const at = (offset + hue / 30) % 12;
    return Math.round(255 * (light - reach * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Cells of a quick scene along its longer side; more would cost time without showing more. */
const maxCells = 64;

/**
 * A scene in a few large cells, for runs that shall cost nothing: sky, sun, ground and subject as in the full one, in the
 * same colours, drawn without SVG.
 */
export function quickScene(scene: Scene, width: number, height: number): RawPicture {
  const random = createRandomStream('quick', scene.prompt, scene.negative, scene.variation);
  const palette = paletteOf(scene.prompt, random);
  const [top, bottom, ground, subject, accent] = [
    toRgb(palette.skyTop),
    toRgb(palette.skyBottom),
    toRgb(palette.ground),
    toRgb(palette.subject),
    toRgb(palette.accent),
  ];
  const horizon = random.between(0.5, 0.65);
  const wave = { phase: random.between(0, 6), length: random.between(4, 9), height: random.between(0.03, 0.08) };
  const sun = { x: random.between(0.15, 0.85), y: random.between(0.12, 0.35), size: random.between(0.06, 0.11) };
  const figure = { x: random.between(0.35, 0.65), y: random.between(0.55, 0.7), size: random.between(0.14, 0.22) };
  const ratio = height / width;

  const colourAt = (x: number, y: number): Rgb => {
    if (Math.hypot(x - figure.x, (y - figure.y) * ratio) < figure.size) return subject;
    if (y > horizon + Math.sin(x * wave.length + wave.phase) * wave.height) return ground;
    if (Math.hypot(x - sun.x, (y - sun.y) * ratio) < sun.size) return accent;
    const share = y / horizon;
    const mixed = (from: number, to: number): number => Math.round(from + (to - from) * share);
    return [mixed(top[0], bottom[0]), mixed(top[1], bottom[1]), mixed(top[2], bottom[2])];
  };

  const cell = Math.max(1, Math.ceil(Math.max(width, height) / maxCells));
  const data = Buffer.allocUnsafe(width * height * 3);
  for (let rowTop = 0; rowTop < height; rowTop += cell) {
    const start = rowTop * width * 3;
    for (let left = 0; left < width; left += cell) {
      const [red, green, blue] = colourAt((left + cell / 2) / width, (rowTop + cell / 2) / height);
      for (let x = left; x < Math.min(width, left + cell); x += 1) {
        data[start + x * 3] = red;
        data[start + x * 3 + 1] = green;
        data[start + x * 3 + 2] = blue;
      }
    }
    for (let y = rowTop + 1; y < Math.min(height, rowTop + cell); y += 1)
      data.copyWithin(y * width * 3, start, start + width * 3);
  }
  return { data, width, height, channels: 3 };
}
