import { readWebPosts } from '@atelier/shared/db/deliveries/delivery-store';
import type { Database } from '@atelier/shared/db/connect-database';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { readRequest, readTimeline, type TimelineQuery } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { CardFacts } from '../core/cards/card-facts.ts';

/** Reads what cards are drawn from. */
export interface CardReader {
  /** In the given order; unknown requests are left out. */
  readFacts(requestIds: readonly string[]): Promise<CardFacts[]>;
  /** A place's cards, newest first. */
  readTimeline(query: TimelineQuery): Promise<CardFacts[]>;
}

export function createCardReader(db: Database): CardReader {
  async function complete(requests: readonly RequestRecord[]): Promise<CardFacts[]> {
    const ids = requests.map((request) => request.id);
    const [jobs, posts, origins] = await Promise.all([
      readJobsOfRequests(db, ids),
      readWebPosts(db, ids),
      readOrigins(db, requests),
    ]);
    const jobsByRequest = new Map<string, JobWithOutputs[]>();
    for (const job of jobs) {
      const list = jobsByRequest.get(job.requestId);
      if (list === undefined) jobsByRequest.set(job.requestId, [job]);
      else list.push(job);
    }
    return requests.map((request) => {
      const origin = request.body.kind === 'rerun' ? origins.get(request.body.requestId) : undefined;
      return {
        request,
        jobs: jobsByRequest.get(request.id) ?? [],
        delivered: posts.has(request.id),
        ...(origin === undefined ? {} : { origin }),
      };
    });
  }

  return {
    async readFacts(requestIds) {
      const single = requestIds[0];
      if (requestIds.length === 1 && single !== undefined) return readOne(db, single);
      const requests = await Promise.all(requestIds.map((id) => readRequest(db, id)));
      return complete(requests.filter((request) => request !== undefined));
    },
    readTimeline: async (query) => complete(await readTimeline(db, query)),
  };
}

/** One request in one round trip's time: this stands between a finished picture and the person. */
async function readOne(db: Database, requestId: string): Promise<CardFacts[]> {
  const [request, jobs, posts] = await Promise.all([
    readRequest(db, requestId),
    readJobsOfRequests(db, [requestId]),
    readWebPosts(db, [requestId]),
  ]);
  if (request === undefined) return [];
  const origin = (await readOrigins(db, [request])).values().next().value;
  return [{ request, jobs, delivered: posts.has(requestId), ...(origin === undefined ? {} : { origin }) }];
}

async function readOrigins(db: Database, requests: readonly RequestRecord[]): Promise<Map<string, RequestRecord>> {
  const ids = new Set(requests.flatMap(({ body }) => (body.kind === 'rerun' ? [body.requestId] : [])));
  const origins = await Promise.all([...ids].map((id) => readRequest(db, id)));
  return new Map(origins.filter((origin) => origin !== undefined).map((origin) => [origin.id, origin]));
}
