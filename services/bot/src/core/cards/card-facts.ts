import type { LiveProgress, LiveReply } from '@atelier/shared/contracts/live';
import type { AssetRef, RequestBody } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { LocalText } from '../commands/command-spec.ts';
import type { RequestForecast } from '../queue/forecast-requests.ts';

/** All that a request's card is drawn from; in no language yet. */
export interface CardFacts {
  request: RequestRecord;
  /** By index. */
  jobs: readonly JobWithOutputs[];
  /** What a repeated request repeats. */
  origin?: RequestRecord;
  /** Its result was delivered where it was asked: only then the card says so. */
  delivered: boolean;
  marks?: RequestMarks;
}

/** What somebody did with the result, and what the place asks for. */
export interface RequestMarks {
  /** Its author took its pictures away. */
  isDeleted: boolean;
  /** Its author showed it to everybody. */
  isShared: boolean;
  /** Its words are for adults, or it was asked for in a place for them. */
  isForAdults?: boolean;
  /** It is, and the place where it is shown covers such pictures. */
  isCovered: boolean;
}

/** As it is shown in another place than its own: covered where it is for adults, unless that place shows such openly. */
export function shownIn(place: { isOpen: boolean }, facts: CardFacts): CardFacts {
  const { marks } = facts;
  if (marks === undefined) return facts;
  return { ...facts, marks: { ...marks, isCovered: marks.isForAdults === true && !place.isOpen } };
}

/** Still for its author alone: what comes of it is so too. */
export function isKeptPrivate({ request, marks }: CardFacts): boolean {
  return request.isPrivate && marks?.isShared !== true;
}

/** What is known of waiting and running work at this moment; none of it is stored. */
export interface LiveFacts {
  /** By request. */
  forecasts: ReadonlyMap<string, RequestForecast>;
  /** By job. */
  progress: ReadonlyMap<string, LiveProgress>;
  /** What the agent is saying, by request. */
  replies?: ReadonlyMap<string, LiveReply>;
  /** Nothing starts before a GPU, or its ComfyUI, is back. */
  isGpuAway?: boolean;
  /** Why a request waits, by request: in no language yet. */
  reasons?: ReadonlyMap<string, LocalText>;
}

export const noLiveFacts: LiveFacts = { forecasts: new Map(), progress: new Map() };

/** Rises with every stored change: each version only grows, jobs are only added, and marks are only set. */
export function revisionOf(facts: CardFacts): number {
  const marks = (facts.marks?.isDeleted === true ? 1 : 0) + (facts.marks?.isShared === true ? 1 : 0);
  return facts.jobs.reduce((sum, job) => sum + job.version, facts.request.version) + (facts.delivered ? 1 : 0) + marks;
}

/** What was asked, in the person's words; of a repeat, those of the request that it repeats. */
export function titleOf(facts: Pick<CardFacts, 'request' | 'origin'>): string | undefined {
  const { body, plan } = facts.request;
  switch (body.kind) {
    case 'imagine':
      return body.options.prompt;
    case 'words':
      return body.text;
    case 'derive':
      return body.text ?? body.options?.prompt ?? plan?.prompt;
    case 'shots':
      return body.shots.map((shot) => shot.prompt).join(' / ');
    case 'workflow':
      return body.name ?? plan?.prompt;
    case 'describe':
      return undefined;
    default:
      return facts.origin === undefined ? plan?.prompt : titleOf({ request: facts.origin });
  }
}

/**
 * What asked to see a part of a picture before it is redrawn, and the words of that part: undefined where the request's
 * picture is a result.
 */
export function shownRegionOf({ request, origin }: Pick<CardFacts, 'request' | 'origin'>) {
  const body = request.body.kind === 'rerun' ? origin?.body : request.body;
  const region = request.plan?.shownRegion;
  return region === undefined || body?.kind !== 'derive' ? undefined : { region, body };
}

/** Its results move, whatever files they are: ComfyUI also saves videos as animated pictures. */
export function isMoving({ request }: Pick<CardFacts, 'request'>): boolean {
  return request.plan?.recipe.includes('video') === true;
}

/** Pictures that came with a request. */
export function imagesOf(body: RequestBody): readonly AssetRef[] {
  switch (body.kind) {
    case 'imagine':
    case 'derive':
      return [...(body.options?.images ?? []), ...(body.options?.mask === undefined ? [] : [body.options.mask])];
    case 'words':
    case 'describe':
      return body.images ?? [];
    case 'shots':
      return [
        ...(body.options?.images ?? []),
        ...body.shots.flatMap((shot) => (shot.references ?? []).map((reference) => reference.image)),
      ];
    case 'workflow':
      return (body.files ?? []).map((file) => file.image);
    default:
      return [];
  }
}
