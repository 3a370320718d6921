import type { AssetRef, SourceRef } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { isPicture } from './name-picture.ts';
import type { PictureSize } from './picture-size.ts';
import { readPictureSize } from './picture-size.ts';
import type { PlanFailure, PlanningParts } from './planning-parts.ts';
import type { LocalText } from './words-plan.ts';

/** An earlier request that this person may build on. */
export interface SourceRequest {
  request: RequestRecord;
  jobs: JobWithOutputs[];
}

/** One picture of it. */
export interface SourcePicture {
  job: JobWithOutputs;
  picture: AssetRef;
  size: PictureSize | undefined;
}

/** The same for what never was, what is deleted and what is somebody's own: nobody learns which. */
const GONE: LocalText = {
  en: 'That result is not there any more, or not yours to use; ask again in words.',
  zh: '该结果已不存在，或您无权使用，请重新描述。',
};
const NO_PICTURE: LocalText = {
  en: 'That request has no such picture; choose one that it shows.',
  zh: '该请求没有这张图片，请选择其中显示的一张。',
};
const NOT_YET: LocalText = {
  en: 'That request has no picture yet; wait until it is done.',
  zh: '该请求还没有图片，请等它完成。',
};
const EXPIRED: LocalText = {
  en: 'The file of that picture was removed to save space; make it again from its request first.',
  zh: '该图片的文件已被清理以节省空间，请先重新生成。',
};
const NO_STILL: LocalText = {
  en: 'That result is a video or a sound; choose a picture.',
  zh: '该结果是视频或音频，请选择一张图片。',
};

function gone(message: LocalText): PlanFailure {
  return { kind: 'failed', error: { code: 'not_found', message } };
}

/** Whether a person may build on a request: their own, and whatever is not private. */
export function mayUse(personId: string, request: Pick<RequestRecord, 'isPrivate' | 'personId'>): boolean {
  return !request.isPrivate || request.personId === personId;
}

/** Finds the request that another one names as its source. */
export async function findSource(
  asker: Pick<RequestRecord, 'personId'>,
  requestId: string,
  { desk }: Pick<PlanningParts, 'desk'>,
): Promise<SourceRequest | PlanFailure> {
  const request = await desk.read(requestId);
  if (request === undefined || !mayUse(asker.personId, request)) return gone(GONE);
  return { request, jobs: await desk.readJobs(requestId) };
}

/** Finds one picture of a request; by default the first. `picture` counts all outputs in order of job and output. */
export async function findPicture(
  source: SourceRequest,
  ref: Pick<SourceRef, 'picture'>,
  { files }: Pick<PlanningParts, 'files'>,
): Promise<SourcePicture | PlanFailure> {
  const outputs = source.jobs.flatMap((job) => job.outputs.map((output) => ({ job, output })));
  const wanted =
    ref.picture === undefined ? outputs.find(({ output }) => isPicture(output.mediaType)) : outputs[ref.picture];
  if (wanted === undefined) return gone(source.request.jobsOpen > 0 ? NOT_YET : NO_PICTURE);
  const { job, output } = wanted;
  if (!isPicture(output.mediaType)) return gone(NO_STILL);
  if (files !== undefined && !(await files.has(output.hash))) return gone(EXPIRED);
  const { width, height } = output;
  return {
    job,
    picture: { hash: output.hash, mediaType: output.mediaType },
    size: width === undefined || height === undefined ? undefined : { width, height },
  };
}

/** Headers are at the beginning, but what a camera writes before the size of a JPEG can be long. */
const MAX_PICTURE_BYTES = 64 * 1024 * 1024;

/** The size of a stored picture, where it can be read. */
export async function sizeOfPicture(
  picture: AssetRef | undefined,
  { files }: Pick<PlanningParts, 'files'>,
): Promise<PictureSize | undefined> {
  if (picture === undefined || files === undefined || !(await files.has(picture.hash))) return undefined;
  return readPictureSize(await files.read(picture.hash, MAX_PICTURE_BYTES));
}
