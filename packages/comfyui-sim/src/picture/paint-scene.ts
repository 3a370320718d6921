import sharp from 'sharp';
import { blendPictures, resizePicture, toRaw } from './edit-picture.ts';
import { glyphColumns, glyphRows, textPath } from './pixel-font.ts';
import { createPicture } from './picture.ts';
import type { Picture } from './picture.ts';
import { sceneSvg } from './scene-svg.ts';
import type { Scene } from './scene-svg.ts';

/** Drawn smaller and enlarged where drawing must cost nothing. */
const hurriedSide = 128;

/** The picture of a scene, without its labels. */
export function paintScene(scene: Scene, width: number, height: number, isHurried: boolean): Picture {
  const shrink = isHurried ? Math.min(1, hurriedSide / Math.max(width, height)) : 1;
  const drawnWidth = Math.max(1, Math.round(width * shrink));
  const drawnHeight = Math.max(1, Math.round(height * shrink));
  const drawn = createPicture(drawnWidth, drawnHeight, () =>
    toRaw(sharp(Buffer.from(sceneSvg(scene, drawnWidth, drawnHeight))).removeAlpha()),
  );
  return resizePicture(drawn, width, height, 'nearest');
}

/** Letters of a prompt that a label shows. */
const labelCharacters = 60;

/**
 * Writes the words into the picture's foot and "SIMULATED" beside them, always and whatever the picture is: nobody shall take it for a
 * model's work.
 */
export function labelPicture(picture: Picture, words: string): Picture {
  const { width, height } = picture;
  const unit = Math.max(1, Math.floor(width / 260));
  const mark = 'SIMULATED';
  const barHeight = (glyphRows + 4) * unit;
  if (barHeight > height / 2) return picture;
  const markWidth = (mark.length * glyphColumns - 1) * unit;
  const room = Math.floor((width - markWidth - 8 * unit) / (glyphColumns * unit));
  const text = Array.from(words.replaceAll(/\s+/g, ' ').trim())
    .slice(0, Math.max(0, Math.min(room, labelCharacters)))
    .join('');
  const top = height - barHeight;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${barHeight}"><rect width="${width}" height="${barHeight}" fill="#101318" fill-opacity=".62"/>` +
    `<path transform="translate(${2 * unit} ${2 * unit}) scale(${unit})" d="${textPath(text)}" fill="#f4f1ea"/>` +
    `<path transform="translate(${width - markWidth - 2 * unit} ${2 * unit}) scale(${unit})" d="${textPath(mark)}" fill="#ffd166"/></svg>`;
  return createPicture(width, height, async () => {
    const raw = await picture.raw();
    return toRaw(
      sharp(raw.data, { raw: { width, height, channels: raw.channels } })
        .composite([{ input: Buffer.from(svg), top, left: 0 }])
        .removeAlpha(),
    );
  });
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
