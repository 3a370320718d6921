import { buffer } from 'node:stream/consumers';
import { drawContactSheet, MAX_SHEET_PICTURES } from '@atelier/shared/assets/draw-contact-sheet';
import { registerAsset } from '@atelier/shared/db/asset-register';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { createButtons } from '../core/cards/card-rows.ts';
import type { CardImage } from '../core/cards/job-card.ts';
import type { Messages } from '../core/messages/messages.ts';
import { shortNumber } from '../core/panels/render-details.ts';
import type { ChatOutcome } from '../ports.ts';
import { type ChatContext, pictureGone } from './chat-context.ts';

/** It is drawn again whenever somebody asks. */
const keepMs = 24 * 3_600_000;
const rowButtons = 5;
const maxRows = 5;

/** All pictures of a request on one sheet, with a button for each. */
export async function contactSheetPanel(
  context: Pick<ChatContext, 'deps'>,
  facts: CardFacts,
  images: readonly CardImage[],
  m: Messages,
): Promise<ChatOutcome> {
  const shown = images.flatMap((image, picture) =>
    image.mediaType.startsWith('image/') ? [{ ...image, picture }] : [],
  );
  if (shown.length === 0) throw pictureGone();
  const alt = shown
    .map((image) => image.alt)
    .join('; ')
    .slice(0, 1_000);
  const image =
    storedSheet(facts, shown.length) ?? (await newSheet(context, facts, shown.slice(0, MAX_SHEET_PICTURES)));
  const button = createButtons(facts.request.id, m);
  const picks = shown
    .slice(0, rowButtons * maxRows)
    // Numbered as on the sheet: a result may hold more than pictures.
    .map(({ picture }, at) => button('pick', { picture, label: String(at + 1), title: m.chat.picture(picture + 1) }));
  return {
    outcome: 'panel',
    panel: {
      title: m.chat.actions.sheet.label,
      text: facts.request.plan?.prompt ?? '',
      image: { ...image, alt },
      ...(facts.marks?.isCovered === true ? { isCovered: true } : {}),
      rows: Array.from({ length: Math.ceil(picks.length / rowButtons) }, (_, row) =>
        picks.slice(row * rowButtons, (row + 1) * rowButtons),
      ),
      links: [],
    },
  };
}

type Sheet = Omit<CardImage, 'alt'>;

/** The worker's own, where one job made all of them. */
function storedSheet({ jobs }: CardFacts, pictures: number): Sheet | undefined {
  const drawn = (job: CardFacts['jobs'][number]) =>
    job.outputs.filter(({ mediaType }) => mediaType.startsWith('image/'));
  const sheet = jobs.find((job) => drawn(job).length === pictures)?.sheet;
  if (sheet === undefined) return undefined;
  const { hash, mediaType, bytes, filename } = sheet;
  return { hash, mediaType, bytes, filename };
}

async function newSheet(
  { deps }: Pick<ChatContext, 'deps'>,
  facts: CardFacts,
  shown: readonly Pick<CardImage, 'hash' | 'thumbnailHash'>[],
): Promise<Sheet> {
  const pictures: Buffer[] = [];
  for (const { hash, thumbnailHash } of shown) pictures.push(await buffer(await deps.files.get(thumbnailHash ?? hash)));
  const { bytes, ...size } = await drawContactSheet(pictures);
  const mediaType = 'image/webp';
  const stored = await deps.files.put(bytes, { mediaType, maxBytes: bytes.length });
  await registerAsset(deps.db, { ...stored, mediaType, keepMs });
  return { ...stored, ...size, mediaType, filename: `sheet-${shortNumber(facts.request.id)}.webp` };
}
