import type { AssetRef } from '@atelier/shared/contracts/request';
import { takeOutPictureLinks } from '../core/commands/picture-links.ts';
import type { PictureFetcher } from '../uploads/fetch-picture.ts';

/** As many as a request takes. */
const maxLinked = 5;

export interface LinkedPictures {
  /** What somebody wrote, without the links. */
  text: string;
  images: AssetRef[];
}

/**
 * Takes in the pictures that somebody linked to: they are as good as attached ones, and copied at once.
 *
 * @throws AppError `invalid_input` where one cannot be fetched, or is no picture; `too_large`
 */
export async function takeInLinks(
  words: string,
  parts: { fetchPicture: PictureFetcher; takeIn: (bytes: Uint8Array, name: string) => Promise<AssetRef> },
): Promise<LinkedPictures> {
  const { text, links } = takeOutPictureLinks(words);
  const images = await Promise.all(
    links.slice(0, maxLinked).map(async (link) => {
      const name = link.split('?')[0]?.split('/').at(-1) ?? '';
      return parts.takeIn(await parts.fetchPicture(link), name);
    }),
  );
  return { text, images };
}
