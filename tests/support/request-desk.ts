import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { Platform } from './platform.ts';

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
  const db = createDatabase({ url: platform.databaseUrl, poolSize: 4, applicationName: 'test desk', log });
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
    withinMs = 30_000,
  ): Promise<{ request: RequestRecord; jobs: JobWithOutputs[] }> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      // One after the other: jobs are never older than the request that they belong to.
      const request = await readRequest(db, requestId);
      const jobs = await readJobsOfRequests(db, [requestId]);
      if (request !== undefined && seen(request, jobs)) return { request, jobs };
      if (performance.now() > deadline) {
        const states = jobs.map((job) => `${job.state} attempts=${job.attempts} error=${job.error?.code ?? ''}`);
        throw new Error(`the request stayed ${request?.state} with jobs [${states.join(', ')}] for ${withinMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
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
