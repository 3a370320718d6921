import type { Wanted } from './plan-wish.ts';
import type { PlanningParts } from './planning-parts.ts';
import { pngHasTransparency } from './png-transparency.ts';
import { sizeOfPicture } from './source-picture.ts';

const MAX_MASK_BYTES = 32 * 1024 * 1024;

/** Operations whose result depends on the shape of the picture. */
const NEEDS_SIZE = new Set(['outpaint', 'image-to-video']);

/** Looks at the pictures of a wish as far as its plan depends on them: the first one's size, and how the mask marks. */
export async function prepareWanted(wanted: Wanted, parts: Pick<PlanningParts, 'files'>): Promise<Wanted> {
  const { wish, pictures } = wanted;
  const needsSize =
    (wish.operation !== undefined && NEEDS_SIZE.has(wish.operation)) || wish.durationSeconds !== undefined;
  const size = needsSize && wish.pictureSize === undefined ? await sizeOfPicture(pictures[0], parts) : wish.pictureSize;
  return {
    ...wanted,
    wish: size === undefined ? wish : { ...wish, pictureSize: size },
    maskByAlpha: await marksByAlpha(wanted, parts),
  };
}

/** White marks what is new, but where a mask has transparent parts, those do. */
async function marksByAlpha({ wish }: Wanted, { files }: Pick<PlanningParts, 'files'>): Promise<boolean> {
  const { mask } = wish;
  if (mask === undefined || files === undefined || mask.mediaType !== 'image/png') return false;
  if (!(await files.has(mask.hash))) return false;
  return pngHasTransparency(await files.read(mask.hash, MAX_MASK_BYTES));
}
