import { type APIComponentInContainer, ComponentType } from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';
import type { CardState, JobCard } from '../../../core/cards/job-card.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import type { MessageMarker } from '../messages/message-marker.ts';
import { drawMenu, drawRows } from './draw-buttons.ts';
import { drawGallery } from './draw-gallery.ts';
import { escapeText } from './escape-text.ts';
import { createTextBudget, quote, smallPrint } from './text-budget.ts';

const maxTitleChars = 900;
const maxNoteChars = 500;
const maxPlanChars = 700;
const barCells = 12;

const blue = 0x4f7cff;
const grey = 0x8a8f98;
const colours: Partial<Record<CardState, number>> = {
  asking: 0xd9a13b,
  succeeded: 0x3fa66a,
  replied: 0x3fa66a,
  partly: 0xd9a13b,
  failed: 0xd0504a,
  cancelling: grey,
  cancelled: grey,
};

export interface CardExtras {
  /** The pictures, or a preview of them. */
  files?: readonly AttachedFile[];
  /** Whether pictures are covered, whatever the card says: the place decides. */
  isCovered?: boolean;
  /** A sentence below the pictures, such as where the originals are. */
  remark?: string;
  /** Without buttons: where they would be somebody else's. */
  withoutButtons?: boolean;
}

/** A request's card as a message: one container, with the pictures that go with it as a gallery. */
export function drawJobCard(card: JobCard, marker: MessageMarker, extras: CardExtras = {}): MessageBody {
  const { files = [], remark, withoutButtons = false } = extras;
  const text = createTextBudget();
  const title = quote(shorten(escapeText(card.title), maxTitleChars));
  const byline = [card.author, ...card.facts].map((fact) => escapeText(fact)).join(' · ');
  const lineage = card.lineage === undefined ? [] : [`-# ↳ ${escapeText(card.lineage.text)}`];
  const notes = card.notes.map((note) => shorten(escapeText(note), maxNoteChars));
  const components: APIComponentInContainer[] = [
    ...text([`### ${card.headline}`, title, ...lineage, `-# ${shorten(byline, maxNoteChars)}`].join('\n')),
    ...text(statusOf(card)),
    ...drawGallery(files, extras.isCovered ?? card.isCovered),
    ...text(smallPrint([...(remark === undefined ? [] : [remark]), ...notes])),
    ...(withoutButtons ? [] : drawRows(card.rows)),
    ...(withoutButtons ? [] : card.menus.flatMap((menu) => drawMenu(menu, card.requestId))),
  ];
  return {
    components: [{ type: ComponentType.Container, id: marker.componentId, accent_color: colourOf(card), components }],
    files,
  };
}

function colourOf({ state, isDeleted }: JobCard): number {
  return isDeleted ? grey : (colours[state] ?? blue);
}

function statusOf(card: JobCard): string {
  const { progress, question, queue, reason, reply, error } = card;
  if (question !== undefined) {
    const plan = question.plan.map((line) => quote(escapeText(shorten(line, maxPlanChars))));
    return [`**${escapeText(question.text)}**`, ...plan].join('\n');
  }
  if (progress !== undefined) return `${drawBar(progress.fraction)}\n${progress.text}`.trimEnd();
  const waiting = [queue?.text, reason === undefined ? undefined : `-# ${reason}`];
  if (queue !== undefined || reason !== undefined) return waiting.filter((part) => part !== undefined).join('\n');
  return [reply, error].filter((part) => part !== undefined).join('\n\n');
}

function drawBar(fraction: number): string {
  const filled = Math.min(barCells, Math.floor(fraction * barCells));
  return `\`${'█'.repeat(filled)}${'░'.repeat(barCells - filled)}\` ${Math.floor(fraction * 100)} %`;
}
