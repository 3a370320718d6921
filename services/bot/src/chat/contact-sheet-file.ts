import { registerAsset } from '@atelier/shared/db/asset-register';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { CardImage } from '../core/cards/job-card.ts';
import { shortNumber } from '../core/panels/render-details.ts';
import { drawContactSheet } from '../pictures/contact-sheet.ts';
import type { ChatOutcome } from '../ports.ts';
import { type ChatContext, pictureGone } from './chat-context.ts';

const maxPictures = 50;
const maxSheetBytes = 20_000_000;
/** It is drawn again whenever somebody asks. */
const keepMs = 24 * 3_600_000;

/** All pictures of a request on one sheet, as a file. */
export async function contactSheetFile(
  { deps }: Pick<ChatContext, 'deps'>,
  facts: CardFacts,
  images: readonly CardImage[],
): Promise<ChatOutcome> {
  const shown = images.filter(({ mediaType }) => mediaType.startsWith('image/')).slice(0, maxPictures);
  if (shown.length === 0) throw pictureGone();
  const pictures: Buffer[] = [];
  for (const { hash, thumbnailHash } of shown) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await deps.files.get(thumbnailHash ?? hash)) chunks.push(chunk as Uint8Array);
    pictures.push(Buffer.concat(chunks));
  }
  const mediaType = 'image/jpeg';
  const stored = await deps.files.put(await drawContactSheet(pictures), { mediaType, maxBytes: maxSheetBytes });
  await registerAsset(deps.db, { ...stored, mediaType, keepMs });
  const filename = `sheet-${shortNumber(facts.request.id)}.jpg`;
  const alt = shown
    .map((image) => image.alt)
    .join('; ')
    .slice(0, 1_000);
  return { outcome: 'files', files: [{ kind: 'stored', ...stored, mediaType, filename, alt }] };
}
