import { css, paletteOf } from './palette.ts';
import type { Palette } from './palette.ts';
import { createRandomStream } from './random-stream.ts';
import type { RandomStream } from './random-stream.ts';
import { subjectShape } from './subject-shape.ts';

/** What a picture shows; equal scenes look equal. */
export interface Scene {
  prompt: string;
  negative: string;
  /** The seed and whatever else makes pictures differ: model, steps, index in the batch. */
  variation: string;
}

/** Horizon line of hills: points from left to right, in a box of 1000 × height. */
function ridge(random: RandomStream, level: number, roughness: number, height: number): string {
  const steps = 10;
  const points: string[] = [];
  let offset = 0;
  for (let step = 0; step <= steps; step += 1) {
    offset = offset * 0.6 + random.between(-roughness, roughness);
    points.push(`${(step * 1000) / steps},${(level + offset).toFixed(0)}`);
  }
  const [first = `0,${level}`, ...rest] = points;
  const curves = rest.map((point, index) => {
    const from = Number((points[index] ?? first).split(',')[0]);
    const to = Number(point.split(',')[0]);
    const middle = (from + to) / 2;
    return `C${middle},${(points[index] ?? first).split(',')[1]} ${middle},${point.split(',')[1]} ${point}`;
  });
  return `M0,${height}L${first}${curves.join('')}L1000,${height}Z`;
}

function sky(palette: Palette, random: RandomStream, height: number): string {
  const sunX = random.between(150, 850);
  const sunY = random.between(0.12, 0.38) * height;
  const sunSize = random.between(38, 95);
  const sun = palette.isNight ? 'hsl(52,40%,90%)' : css(palette.accent, 22);
  const stars = palette.isNight
    ? Array.from({ length: 34 }, () => {
        const size = random.between(1, 3.2).toFixed(1);
        return `<circle cx="${random.between(0, 1000).toFixed(0)}" cy="${random.between(0, height * 0.55).toFixed(0)}" r="${size}" fill="#fff" opacity=".8"/>`;
      }).join('')
    : Array.from({ length: 3 }, () => {
        const x = random.between(60, 940).toFixed(0);
        const y = random.between(height * 0.08, height * 0.4).toFixed(0);
        return `<g fill="#fff" opacity=".42"><ellipse cx="${x}" cy="${y}" rx="${random.between(70, 150).toFixed(0)}" ry="16"/><ellipse cx="${x}" cy="${Number(y) - 12}" rx="46" ry="20"/></g>`;
      }).join('');
  return (
    `<rect width="1000" height="${height}" fill="url(#s)"/>${stars}` +
    `<circle cx="${sunX.toFixed(0)}" cy="${sunY.toFixed(0)}" r="${(sunSize * 2.1).toFixed(0)}" fill="${sun}" opacity=".18"/>` +
    `<circle cx="${sunX.toFixed(0)}" cy="${sunY.toFixed(0)}" r="${sunSize.toFixed(0)}" fill="${sun}" opacity=".92"/>`
  );
}

function hills(palette: Palette, random: RandomStream, height: number): { far: string; near: string } {
  const layers = Array.from({ length: 4 }, (_, index) => {
    const level = height * (0.5 + index * 0.12) + random.between(-20, 20);
    const fill = css(palette.ground, palette.isNight ? -14 + (3 - index) * 5 : (3 - index) * 9 - 8);
    return `<path d="${ridge(random, level, 70 - index * 11, height)}" fill="${fill}"/>`;
  });
  return { far: layers.slice(0, 3).join(''), near: layers[3] ?? '' };
}

function weather(prompt: string, random: RandomStream, height: number): string {
  const isSnow = /\b(snow|snowy|winter|blizzard)\b|雪/i.test(prompt);
  const isRain = /\b(rain|rainy|storm)\b|雨/i.test(prompt);
  if (!isSnow && !isRain) return '';
  return Array.from({ length: 46 }, () => {
    const x = random.between(0, 1000).toFixed(0);
    const y = random.between(0, height).toFixed(0);
    return isSnow
      ? `<circle cx="${x}" cy="${y}" r="${random.between(2, 6).toFixed(1)}" fill="#fff" opacity=".85"/>`
      : `<path d="M${x} ${y}l-8 34" stroke="#dfe9f5" stroke-width="2" opacity=".5"/>`;
  }).join('');
}

/**
 * A scene as SVG of that size: sky, hills, a subject that the prompt names, weather. Colours come from the prompt's words.
 *
 */
export function sceneSvg(scene: Scene, width: number, height: number): string {
  const random = createRandomStream('scene', scene.prompt, scene.negative, scene.variation);
  const palette = paletteOf(scene.prompt, random);
  const boxHeight = Math.round((1000 * height) / width);
  const ground = hills(palette, random, boxHeight);
  const size = Math.min(1000, boxHeight) * random.between(0.36, 0.48);
  const subject = subjectShape(scene.prompt, palette, random);
  const place = `translate(${random.between(360, 640).toFixed(0)} ${(boxHeight * random.between(0.66, 0.74)).toFixed(0)}) scale(${(size / 100).toFixed(3)})`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 1000 ${boxHeight}" preserveAspectRatio="none">` +
    `<defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${css(palette.skyTop)}"/>` +
    `<stop offset="1" stop-color="${css(palette.skyBottom)}"/></linearGradient></defs>` +
    `${sky(palette, random, boxHeight)}${ground.far}<g transform="${place}">${subject}</g>${ground.near}` +
    `${weather(scene.prompt, random, boxHeight)}</svg>`
  );
}
