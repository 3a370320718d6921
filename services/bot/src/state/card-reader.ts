import type { Database } from '@atelier/shared/db/connect-database';
import { type CardRow, readCardRows, readTimelineRows } from '@atelier/shared/db/requests/read-card-rows';
import { readRequest, type TimelineQuery } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { CardFacts } from '../core/cards/card-facts.ts';

/** Reads what cards are drawn from. */
export interface CardReader {
  /** In the given order; unknown requests are left out. */
  readFacts(requestIds: readonly string[]): Promise<CardFacts[]>;
  /** A place's cards, newest first. */
  readTimeline(query: TimelineQuery): Promise<CardFacts[]>;
}

/** Repeated requests whose words are kept: they never change, and a card is drawn many times. */
const maxOrigins = 500;

/** One statement for each reading: this stands between a finished picture and the person. */
export function createCardReader(db: Database): CardReader {
  const origins = new Map<string, RequestRecord>();

  async function readOrigin(id: string): Promise<RequestRecord | undefined> {
    const known = origins.get(id);
    if (known !== undefined) return known;
    const origin = await readRequest(db, id);
    if (origin === undefined || origin.finishedAt === null) return origin;
    origins.set(id, origin);
    const [oldest] = origins.keys();
    if (origins.size > maxOrigins && oldest !== undefined) origins.delete(oldest);
    return origin;
  }

  async function factsOf({ request, jobs, onPage, marks }: CardRow): Promise<CardFacts> {
    const origin = request.body.kind === 'rerun' ? await readOrigin(request.body.requestId) : undefined;
    return {
      request,
      jobs,
      delivered: onPage,
      ...(origin === undefined ? {} : { origin }),
      ...(marks === undefined ? {} : { marks: { ...marks, isCovered: false } }),
    };
  }

  return {
    async readFacts(requestIds) {
      const rows = new Map((await readCardRows(db, requestIds)).map((row) => [row.request.id, row]));
      return Promise.all(requestIds.flatMap((id) => rows.get(id) ?? []).map(factsOf));
    },
    readTimeline: async (query) => Promise.all((await readTimelineRows(db, query)).map(factsOf)),
  };
}
