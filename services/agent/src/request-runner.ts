import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { PlanOutcome } from './core/planning-parts.ts';
import type { ClaimedRequest, RequestDesk } from './ports.ts';

export interface RequestRunnerOptions {
  desk: RequestDesk;
  /** Decides; see `planRequest`. `handled`: whatever is to be written is written. */
  plan: (claimed: ClaimedRequest, signal: AbortSignal) => Promise<PlanOutcome | { kind: 'handled' }>;
  /** Called when the work on a request is over for now, whatever came of it. */
  settled?: (request: RequestRecord) => void;
  /** Whether anything can be planned now; while not, requests stay where they are. */
  ready: () => boolean;
  /** Requests at a time. */
  concurrency: number;
  leaseMs: number;
  log: Logger;
}

export interface RequestRunner {
  /**
   * A message: plans this request if it is still to be planned, and resolves when that is over. While Postgres is away
   * it resolves, too: the row is found by the next sweep.
   *
   * @param version of the request that the message speaks of: what the doorbell began for the same one is waited for.
   */
  ring(requestId: string, version?: number): Promise<void>;
  /** The doorbell of such a message, a millisecond earlier: begins at once where a slot is free. */
  hear(requestId: string, version: number): void;
  /** Plans whatever waits, and ends what waited too long for its person. Never rejects. */
  sweep(): Promise<void>;
  /** Ends the planning of a request whose cancel was asked for. */
  cancel(requestId: string): void;
  /** No new work; what is under way is given back. */
  stop(): Promise<void>;
}

/**
 * A request that was claimed this often and never reached an end kills whoever plans it: it is failed. Ordinary ends
 * of a process give a request back at most once each.
 */
const MAX_CLAIMS = 15;
const MAX_RELEASE_MS = 30_000;

/**
 * Takes requests through planning: claim → plan → one commit. The lease is renewed while a plan takes its time; a
 * process that dies leaves a lease that lapses, and the request is planned by another one from the start.
 */
export function createRequestRunner(options: RequestRunnerOptions): RequestRunner {
  const { desk, leaseMs, concurrency } = options;
  /** What was begun for a message, by request and version. */
  const rung = new Map<string, Promise<void>>();
  const underway = new Map<string, { done: Promise<void>; abort: AbortController }>();
  let sweeping: Promise<void> | undefined;
  let stopped = false;

  /** Nothing new begins once the end has begun, or while nothing can be planned. */
  const mayBegin = (): boolean => !stopped && options.ready();

  function begin(claimed: ClaimedRequest): Promise<void> {
    const abort = new AbortController();
    const id = claimed.request.id;
    const done = run(claimed, abort).finally(() => {
      if (underway.get(id)?.abort === abort) underway.delete(id);
      if (!stopped) options.settled?.(claimed.request);
    });
    underway.set(id, { done, abort });
    return done;
  }

  async function run(claimed: ClaimedRequest, abort: AbortController): Promise<void> {
    const { request, lease } = claimed;
    const log = options.log.child({ request_id: request.id });
    const renewal = setInterval(() => {
      desk.renew(lease).then(
        (held) => {
          if (!held) abort.abort();
        },
        (error: unknown) => log.debug({ err: error }, 'the lease could not be renewed; trying again'),
      );
    }, leaseMs / 3);
    try {
      const committed = await settle(claimed, abort.signal);
      if (!committed) log.debug('the request was taken over, cancelled or ended meanwhile');
    } catch (error) {
      await handBack(claimed, error, abort.signal, log);
    } finally {
      clearInterval(renewal);
    }
  }

  /** Plans and commits. False: the lease was lost, so nothing was written. */
  async function settle(claimed: ClaimedRequest, signal: AbortSignal): Promise<boolean> {
    const { request, lease } = claimed;
    if (request.cancelRequestedAt !== null) return desk.commitAnswer(lease, { state: 'cancelled' });
    if (claimed.claims > MAX_CLAIMS) {
      return desk.commitAnswer(lease, { state: 'failed', error: toPublicError(undefined) });
    }
    const outcome = await options.plan(claimed, signal);
    switch (outcome.kind) {
      case 'handled':
        return true;
      case 'planned':
        return desk.commitPlan(lease, outcome.plan, outcome.jobs);
      case 'replied':
        return desk.commitAnswer(lease, { state: 'replied', reply: outcome.reply });
      case 'failed':
        break;
    }
    return desk.commitAnswer(lease, { state: 'failed', error: outcome.error });
  }

  async function handBack(
    { lease, claims }: ClaimedRequest,
    error: unknown,
    signal: AbortSignal,
    log: Logger,
  ): Promise<void> {
    try {
      if (stopped) await desk.release(lease, 0);
      // Cancelled, or taken over: whoever did that has written the end or will. Else the lease lapses.
      else if (signal.aborted) log.debug('planning was ended from outside');
      else if (error instanceof AppError && error.retry !== 'never') {
        log.warn({ err: error }, 'a part is away; the request waits');
        await desk.release(lease, Math.min(500 * 2 ** claims, MAX_RELEASE_MS));
      } else {
        log.error({ err: error }, 'a request could not be planned');
        await desk.commitAnswer(lease, { state: 'failed', error: toPublicError(error) });
      }
    } catch (writeError) {
      // The lease lapses, and a sweep finds the request again.
      log.warn({ err: writeError }, 'a request could not be given back; it is found again when its lease lapses');
    }
  }

  async function sweepOnce(): Promise<void> {
    try {
      await desk.finishCancels();
      await desk.expireQuestions();
      while (mayBegin()) {
        const free = concurrency - underway.size;
        if (free <= 0) {
          await Promise.race([...underway.values()].map(({ done }) => done));
          continue;
        }
        const claimed = await desk.claim(free);
        if (claimed.length === 0) return;
        for (const request of claimed) void begin(request);
      }
    } catch (error) {
      options.log.debug({ err: error }, 'waiting requests could not be looked for; again soon');
    }
  }

  async function ringOnce(requestId: string): Promise<void> {
    // What is under way may have just been put aside, and this bell be the one that wakes it.
    await underway.get(requestId)?.done;
    if (!mayBegin() || underway.has(requestId)) return;
    try {
      const [claimed] = await desk.claim(1, requestId);
      if (claimed !== undefined) await begin(claimed);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'unavailable')) throw error;
      options.log.debug({ err: error, request_id: requestId }, 'Postgres is away; the sweep finds this request');
    }
  }

  function ring(requestId: string, version?: number): Promise<void> {
    if (version === undefined) return ringOnce(requestId);
    const key = `${requestId} ${version}`;
    const begun = rung.get(key) ?? ringOnce(requestId).finally(() => rung.delete(key));
    rung.set(key, begun);
    return begun;
  }

  return {
    ring,
    hear(requestId, version) {
      if (Math.max(underway.size, rung.size) >= concurrency) return;
      ring(requestId, version).catch((error: unknown) =>
        options.log.debug({ err: error, request_id: requestId }, 'the message behind this doorbell tries again'),
      );
    },
    sweep() {
      sweeping ??= sweepOnce().finally(() => (sweeping = undefined));
      return sweeping;
    },
    cancel(requestId) {
      underway.get(requestId)?.abort.abort();
    },
    async stop() {
      stopped = true;
      for (const { abort } of underway.values()) abort.abort();
      await Promise.allSettled([...underway.values()].map(({ done }) => done));
      await sweeping;
    },
  };
}
