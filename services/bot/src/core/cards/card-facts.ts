import type { LiveProgress } from '@atelier/shared/contracts/live';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
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
}

/** What is known of waiting and running work at this moment; none of it is stored. */
export interface LiveFacts {
  /** By request. */
  forecasts: ReadonlyMap<string, RequestForecast>;
  /** By job. */
  progress: ReadonlyMap<string, LiveProgress>;
}

export const noLiveFacts: LiveFacts = { forecasts: new Map(), progress: new Map() };

/** Rises with every stored change: each version only grows, and jobs are only added. */
export function revisionOf(facts: CardFacts): number {
  return facts.jobs.reduce((sum, job) => sum + job.version, facts.request.version) + (facts.delivered ? 1 : 0);
}

/** What was asked, in the person's words; of a repeat, those of the request that it repeats. */
export function titleOf(facts: Pick<CardFacts, 'request' | 'origin'>): string | undefined {
  const { body, plan } = facts.request;
  if (body.kind === 'imagine') return body.options.prompt;
  if (body.kind === 'words') return body.text;
  return facts.origin === undefined ? plan?.prompt : titleOf({ request: facts.origin });
}
