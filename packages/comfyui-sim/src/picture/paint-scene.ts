import sharp from 'sharp';
import { blendPictures, opaque, resizePicture, toRaw } from './edit-picture.ts';
import { drawableText, glyphColumns, glyphRows, textPixels } from './pixel-font.ts';
import { createPicture } from './picture.ts';
import type { Picture } from './picture.ts';
import { quickScene } from './quick-scene.ts';
import { sceneSvg } from './scene-svg.ts';
import type { Scene } from './scene-svg.ts';

/**
 * The picture of a scene, without its labels.
 *
 * @param isHurried a simpler drawing that takes next to no time.
 */
export function paintScene(scene: Scene, width: number, height: number, isHurried: boolean): Picture {
  return createPicture(width, height, () =>
    isHurried
      ? Promise.resolve(quickScene(scene, width, height))
      : toRaw(sharp(Buffer.from(sceneSvg(scene, width, height))).removeAlpha()),
  );
}

/** Letters of a prompt that a label shows. */
const labelCharacters = 60;
const mark = 'SIMULATED';
const wordColour = 0xf4f1ea;
const markColour = 0xffd166;

/**
 * What a picture's label says: the prompt. Where that is in a script that the pixel alphabet lacks, what it can write of it and, to
 * tell pictures apart, seed and size.
 */
export function labelText(prompt: string, seed: bigint, { width, height }: { width: number; height: number }): string {
  const { text, isWhole } = drawableText(prompt);
  return isWhole ? text : `${text} seed ${seed} ${width}x${height}`.trim();
}

/**
 * Writes the words into the picture's foot and "SIMULATED" beside them, always and whatever the picture is: nobody shall take it for a
 * model's work. Only a picture too low for a line of letters stays as it is.
 */
export function labelPicture(picture: Picture, words: string): Picture {
  const { width, height } = picture;
  const unit = Math.max(1, Math.floor(width / 260));
  const barHeight = (glyphRows + 4) * unit;
  if (barHeight > height / 2) return picture;
  const markWidth = (mark.length * glyphColumns - 1) * unit;
  const room = Math.floor((width - markWidth - 8 * unit) / (glyphColumns * unit));
  const text = Array.from(words.replaceAll(/\s+/g, ' ').trim()).slice(0, Math.max(0, Math.min(room, labelCharacters)));
  const top = height - barHeight + 2 * unit;
  return createPicture(width, height, async () => {
    const raw = await opaque(picture);
    const data = Buffer.from(raw.data);
    for (let at = (height - barHeight) * width * 3; at < data.length; at += 1) data[at] = ((data[at] ?? 0) * 2) / 5 + 8;
    const write = (line: string, left: number, colour: number): void => {
      for (const { x, y } of textPixels(line)) fillSquare(data, width, left + x * unit, top + y * unit, unit, colour);
    };
    write(text.join(''), 2 * unit, wordColour);
    write(mark, width - markWidth - 2 * unit, markColour);
    return { data, width, height, channels: 3 };
  });
}

function fillSquare(data: Buffer, width: number, left: number, top: number, size: number, colour: number): void {
  for (let y = Math.max(0, top); y < top + size; y += 1) {
    for (let x = Math.max(0, left); x < Math.min(width, left + size); x += 1)
      data.writeUIntBE(colour, (y * width + x) * 3, 3);
  }
}

/**
 * What sampling gives: the scene, over what was there before as far as `denoise` leaves it, within the mask, and with the references showing
 * through.
 */
export function sampleScene(
  scene: Scene,
  size: { width: number; height: number },
  over: {
    base?: Picture | undefined;
    denoise: number;
    mask?: Picture | undefined;
    references: readonly { picture: Picture; strength: number }[];
  },
  isHurried: boolean,
): Picture {
  let painted = paintScene(scene, size.width, size.height, isHurried);
  for (const { picture, strength } of over.references)
    painted = blendPictures(painted, picture, Math.min(0.75, strength * 0.5));
  if (over.base !== undefined) {
    const base = resizePicture(over.base, size.width, size.height, 'linear');
    // Even a full repaint keeps a trace of what it started from, so that a derived picture shows where it comes from.
    painted = blendPictures(base, painted, Math.min(0.85, over.denoise * 0.8), over.mask);
  }
  return painted;
}
