import type { AssetRef, SourceRef } from '@atelier/shared/contracts/request';
import type { ConversationReader, ConversationRow } from '@atelier/shared/db/agent/conversation';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Requester, ToolContext } from './tool.ts';

/** Digits of a request's id that stand for it in the conversation. */
const SHORT_DIGITS = 8;

/** How a request is called in the conversation: `#3f2a91bc`. */
export function shortId(requestId: string): string {
  return `#${requestId.replaceAll('-', '').slice(0, SHORT_DIGITS)}`;
}

export function readerOf({ personId, place, isHeardAlone }: Requester): ConversationReader {
  return { personId, door: place.door, placeId: place.id, threadId: place.threadId ?? '', withPrivate: isHeardAlone };
}

function unknown(en: string): AppError {
  return new AppError('not_found', en, { publicMessage: { en, zh: en } });
}

/** The request that `#3f2a91bc` means. @throws AppError `not_found`. */
export async function findRequest(ref: string, context: ToolContext): Promise<ConversationRow> {
  const digits = ref.trim().replace(/^#/, '').split('.')[0] ?? '';
  const found = await context.reads.findRequests(readerOf(context.requester), digits);
  const [row] = found;
  if (row === undefined) throw unknown(`There is no request ${ref.slice(0, 40)} here; search pictures for it.`);
  if (found.length > 1) throw unknown(`${ref.slice(0, 40)} means several requests; write more of its id.`);
  return row;
}

export interface FoundPicture {
  asset: AssetRef;
  /** Where it came from, for what is made of it; absent for an attachment. */
  source: SourceRef | undefined;
  /** The workflow that made it, as JSON text. */
  workflowText: string | undefined;
}

/**
 * The picture that `attachment2` or `#3f2a91bc.2` means, both counted from 1; without a number the first.
 *
 * @throws AppError `not_found` with what to write instead.
 */
export async function findPicture(ref: string, context: ToolContext): Promise<FoundPicture> {
  const attachment = /^attachment\s*#?(\d{1,2})?$/i.exec(ref.trim());
  if (attachment !== null) {
    const attachments = context.request?.attachments ?? [];
    const asset = attachments[Number(attachment[1] ?? 1) - 1];
    if (asset === undefined)
      throw unknown(`There are ${attachments.length} attachments; ${ref.slice(0, 40)} is none of them.`);
    return { asset, source: undefined, workflowText: undefined };
  }
  const match = /^#?[0-9a-f-]{4,36}(?:\.(\d{1,3}))?$/i.exec(ref.trim());
  if (match === null)
    throw unknown(`"${ref.slice(0, 40)}" is no picture; write attachment1, or #id.number such as #3f2a91bc.2.`);
  const row = await findRequest(ref, context);
  const jobs = await context.reads.jobsOf(row.id);
  const outputs = jobs.flatMap((job) => job.outputs.map((output) => ({ output, job })));
  const number = Number(match[1] ?? 1);
  const found = outputs[number - 1];
  if (found === undefined)
    throw unknown(`${shortId(row.id)} has ${outputs.length} pictures; there is no number ${number}.`);
  const { output, job } = found;
  return {
    asset: { hash: output.hash, mediaType: output.mediaType },
    source: { requestId: row.id, picture: number - 1 },
    workflowText: job.workflowText,
  };
}
