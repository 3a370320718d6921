import { Buffer } from 'node:buffer';
import type { Language } from '@atelier/shared/contracts/identity';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { messagesFor } from '../../../core/messages/messages-for.ts';
import type { ListCard, Panel } from '../../../core/panels/panel.ts';
import type { ChatCore, ChatOutcome, OutcomeFile } from '../../../ports.ts';
import { attachFiles, type AttachedPictures, maxRequestBytes, type StoredFile } from '../cards/attach-files.ts';
import { drawForm } from '../cards/draw-form.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawList, drawPanel } from '../cards/draw-panel.ts';
import { drawFiles, drawQueueCard, drawText } from '../cards/draw-texts.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import type { Answer } from './interaction-answers.ts';

export interface OutcomeDrawing {
  chat: ChatCore;
  language: Language;
  /** What one file may weigh. */
  maxFileBytes: number;
  /** The message whose component was used changes, rather than a new one being sent. */
  inPlace?: boolean;
}

const mebibyte = 1_024 * 1_024;
/** Lists show small pictures, and soon. */
const maxListBytes = 8 * mebibyte;

/** What came of a command, a button or a form, as an answer to an interaction. */
export async function drawOutcome(outcome: ChatOutcome, drawing: OutcomeDrawing): Promise<Answer> {
  const { chat, language } = drawing;
  switch (outcome.outcome) {
    case 'said':
      return privately(drawText(outcome.text), drawing);
    case 'queue':
      return privately(drawQueueCard(renderQueueCard(outcome.facts, language, outcome.personId)), drawing);
    case 'panel':
      return privately(await drawWholePanel(outcome.panel, drawing), drawing);
    case 'list':
      return privately(await drawWholeList(outcome.list, drawing), drawing);
    case 'files':
      return privately(await drawOutcomeFiles(outcome, drawing), drawing);
    case 'card':
      return privately((await drawCard(outcome.facts, drawing)).body, drawing);
    case 'form':
      return { kind: 'modal', modal: drawForm(outcome.form) };
    case 'accepted': {
      const [facts] = await chat.readFacts([outcome.requestId]);
      if (facts === undefined) throw new AppError('internal', 'an accepted request is not there');
      const card = renderJobCard(facts, chat.live(), chat.languageFor(facts));
      const body = drawJobCard(card, markerOf(card.requestId, 'card'));
      return { kind: 'message', body, ephemeral: outcome.isPrivate, isCard: true };
    }
    case 'answered': {
      const [facts] = drawing.inPlace === true ? await chat.readFacts([outcome.requestId]) : [];
      if (facts === undefined) return privately(drawText(outcome.text), { ...drawing, inPlace: false });
      const card = renderJobCard(facts, chat.live(), chat.languageFor(facts));
      return { kind: 'update', body: drawJobCard(card, markerOf(card.requestId, 'card')) };
    }
    default:
      return outcome satisfies never;
  }
}

function privately(body: MessageBody, { inPlace }: OutcomeDrawing): Answer {
  return inPlace === true ? { kind: 'update', body } : { kind: 'message', body, ephemeral: true };
}

/** A card with its pictures. */
async function drawCard(
  facts: CardFacts,
  { chat, language, maxFileBytes }: Pick<OutcomeDrawing, 'chat' | 'language' | 'maxFileBytes'>,
): Promise<{ body: MessageBody; card: JobCard }> {
  const card = renderJobCard(facts, chat.live(), language);
  const attached = await attachFiles(imagesOf(card), { files: chat.files, maxFileBytes });
  const remark = remarkOn(attached, chat, language);
  const extras = { files: attached.files, ...(remark === undefined ? {} : { remark }) };
  return { body: drawJobCard(card, markerOf(card.requestId, 'card'), extras), card };
}

export function imagesOf(card: JobCard): StoredFile[] {
  return card.tiles.flatMap(({ image }) => image ?? []);
}

/** Says that what is attached is not the original, and where that is. */
export function remarkOn({ changed }: AttachedPictures, chat: ChatCore, language: Language): string | undefined {
  if (changed.length === 0) return undefined;
  const m = messagesFor(language);
  const links = changed.flatMap((file) => {
    const url = chat.fileUrl(file);
    return url === undefined ? [] : [`[${linkText(file.filename)}](${url})`];
  });
  return links.length === 0 ? m.replies.reencoded : `${m.chat.originalsAt} ${links.join(' · ')}`;
}

function linkText(filename: string): string {
  return filename.replaceAll(/[[\]()\\*_~`|]/g, '-');
}

async function drawWholePanel(panel: Panel, { chat, maxFileBytes }: OutcomeDrawing): Promise<MessageBody> {
  if (panel.image === undefined) return drawPanel(panel);
  const { files } = await attachFiles([panel.image], { files: chat.files, maxFileBytes });
  return drawPanel(panel, files);
}

async function drawWholeList(list: ListCard, { chat, maxFileBytes }: OutcomeDrawing): Promise<MessageBody> {
  const pictures = new Map<number, AttachedFile>();
  let left = Math.min(maxListBytes, maxRequestBytes);
  for (const [index, { image }] of list.entries.entries()) {
    if (image === undefined || pictures.size >= 10) continue;
    const options = { files: chat.files, maxFileBytes: Math.min(maxFileBytes, left), thumbnails: true as const };
    const [file] = (await attachFiles([image], options)).files;
    if (file === undefined || !(file.contentType ?? '').startsWith('image/')) continue;
    left -= file.data.length;
    pictures.set(index, { ...file, name: `${index + 1}-${file.name}` });
  }
  return drawList(list, pictures);
}

async function drawOutcomeFiles(
  outcome: Extract<ChatOutcome, { outcome: 'files' }>,
  { chat, language, maxFileBytes }: OutcomeDrawing,
): Promise<MessageBody> {
  const stored = outcome.files.filter((file) => file.kind === 'stored');
  const attached = await attachFiles(stored, { files: chat.originals, maxFileBytes });
  const texts = outcome.files.filter((file) => file.kind === 'text').map(attachText);
  const files = [...attached.files, ...texts];
  if (files.length === 0) throw new AppError('not_found', 'no file is kept');
  const remark = [outcome.text, remarkOn(attached, chat, language)].filter((part) => part !== undefined).join('\n');
  return drawFiles(
    files,
    remark,
    stored.some((file) => file.isCovered === true),
  );
}

function attachText(file: Extract<OutcomeFile, { kind: 'text' }>): AttachedFile {
  const name = file.filename.replaceAll(/[^\w.-]+/g, '-');
  return { name, data: Buffer.from(file.text), contentType: file.mediaType };
}
