import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import type { Database } from '@atelier/shared/db/connect-database';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { openDatabase } from './open-database.ts';
import type { Platform } from './platform.ts';
import { untilSeen } from './until-seen.ts';

/** Asks for pictures as a door does, without one. */
export interface RequestDesk {
  readonly db: Database;
  submit(words: string, person?: string): Promise<string>;
  submitBody(body: RequestBody, person?: string): Promise<string>;
  cancel(requestId: string): Promise<void>;
  /** Waits until `seen` holds for the request. @throws with what it last was, after `withinMs`. */
  until(
    requestId: string,
    seen: (request: RequestRecord, jobs: JobWithOutputs[]) => boolean,
    withinMs?: number,
  ): Promise<{ request: RequestRecord; jobs: JobWithOutputs[] }>;
  untilFinal(requestId: string, withinMs?: number): Promise<{ request: RequestRecord; jobs: JobWithOutputs[] }>;
  close(): Promise<void>;
}

export async function openRequestDesk(platform: Platform): Promise<RequestDesk> {
  const log = pino({ level: 'silent' });
  const db = openDatabase(platform.databaseUrl, 4);
  const bus = await connectBus({ url: platform.natsUrl, prefix: platform.natsPrefix, service: 'bot', log });
  const relay = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });

  async function submitBody(body: RequestBody, person = 'mei'): Promise<string> {
    const { requestId, outbox } = await acceptRequest(db, {
      eventId: randomUUID(),
      user: { door: 'web', id: person, displayName: person, language: 'en' },
      place: { door: 'web', id: person },
      body,
    });
    relay.nudge(outbox);
    return requestId;
  }

  async function until(
    requestId: string,
    seen: (request: RequestRecord, jobs: JobWithOutputs[]) => boolean,
    withinMs = 25_000,
  ): Promise<{ request: RequestRecord; jobs: JobWithOutputs[] }> {
    let last: { request: RequestRecord | undefined; jobs: JobWithOutputs[] } = { request: undefined, jobs: [] };
    const state = (): string => {
      const jobs = last.jobs.map((job) => `${job.state} attempts=${job.attempts} error=${job.error?.code ?? ''}`);
      return `it is ${last.request?.state ?? 'unknown'} with jobs [${jobs.join(', ')}]`;
    };
    return untilSeen(
      async () => {
        // One after the other: jobs are never older than the request that they belong to.
        const request = await readRequest(db, requestId);
        const jobs = await readJobsOfRequests(db, [requestId]);
        last = { request, jobs };
        return request !== undefined && seen(request, jobs) ? { request, jobs } : undefined;
      },
      { what: `the state of request ${requestId} that was waited for`, state, withinMs },
    );
  }

  return {
    db,
    submitBody,
    submit: (words, person) => submitBody({ kind: 'words', text: words }, person),
    async cancel(requestId) {
      const result = await cancelRequest(db, requestId);
      if (result.outcome !== 'cancelling') return;
      relay.nudge(result.outbox);
      bus.publishLive('cancelWake', {}, { requestId, jobIds: result.jobIds }, requestId);
    },
    until,
    untilFinal: (requestId, withinMs) => until(requestId, (request) => request.finishedAt !== null, withinMs),
    async close() {
      await relay.stop();
      await bus.close();
      await db.close();
    },
  };
}
