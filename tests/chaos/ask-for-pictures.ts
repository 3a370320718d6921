import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebClient } from '../support/web-client.ts';
import type { PlannedRequest } from './plan-chaos.ts';

/** What people did and were answered. */
export interface AskingRecord {
  accepted: { requestId: string; images: number }[];
  secondAnswers: { first: string; second: string }[];
  /** Event ids of what was never accepted. */
  givenUp: string[];
  cancelled: number;
}

export interface AskOptions {
  person: WebClient;
  request: PlannedRequest;
  record: AskingRecord;
  /** Ends the asking: what was not accepted until then is not accepted. */
  signal: AbortSignal;
}

/** One person's one request: asked for with one event id until it is accepted, perhaps sent again, perhaps cancelled. */
export async function askForPictures({ person, request, record, signal }: AskOptions): Promise<void> {
  await sleep(request.atMs, undefined, { signal });
  const eventId = randomUUID();
  const submit = () => untilItWorks(() => person.submit(request.words, eventId), signal);
  const requestId = await submit().catch((error: unknown) => {
    record.givenUp.push(eventId);
    throw error;
  });
  record.accepted.push({ requestId, images: request.images });
  if (request.sentTwice) record.secondAnswers.push({ first: requestId, second: await submit() });
  if (request.cancelAfterMs === undefined) return;
  await sleep(request.cancelAfterMs, undefined, { signal });
  await untilItWorks(async () => {
    const answer = await person.post(`/api/requests/${requestId}/cancel`, {});
    if (!answer.ok) throw new Error(`POST cancel answered ${answer.status}: ${await answer.text()}`);
  }, signal);
  record.cancelled += 1;
}

async function untilItWorks<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(100);
    }
  }
}
