import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import {
  claimWebhooks,
  forgetOldWebhooks,
  recordWebhook,
  type ClaimedWebhook,
} from '@atelier/shared/db/gateway/webhook-store';
import type { JobView } from '../../core/jobs/job-view.ts';
import { decideWebhook, type WebhookTry } from '../../core/webhooks/decide-webhook.ts';
import type { GatewayParts } from '../../ports.ts';
import type { WebhookPoster } from './post-webhook.ts';

export interface WebhookWorker {
  /** Something is owed: look now. */
  ring(): void;
  start(): void;
  stop(): Promise<void>;
}

export interface WebhookWorkerOptions {
  parts: Pick<GatewayParts, 'db' | 'log'>;
  poster: WebhookPoster;
  /** The job that a message is about; undefined where it is no longer kept. */
  readJob: (requestId: string) => Promise<JobView | undefined>;
  sweepMs?: number;
  /** Divides the waits between tries, for tests. */
  scale?: number;
  random?: () => number;
}

const leaseMs = 60_000;
const atOnce = 16;
const perEndpoint = 4;
const keepMs = 7 * 24 * 3_600_000;
const forgetEveryMs = 3_600_000;

/** A secret as Standard Webhooks writes them. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/**
 * Tells webhooks the ends of jobs. The statement that ends a job also writes what is owed to its person's webhooks, and what is
 * owed is claimed by lease, so that each message is sent at least once whatever dies; `webhook-id` stays the same for every
 * try, which is how a receiver knows a repeat.
 */
export function createWebhookWorker(options: WebhookWorkerOptions): WebhookWorker {
  const { parts, poster } = options;
  const { db, log } = parts;
  const sweepMs = options.sweepMs ?? 5_000;
  const random = options.random ?? Math.random;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let rung = false;
  const stopping = new AbortController();
  let forgottenAt = -Infinity;

  async function payloadOf(claimed: ClaimedWebhook): Promise<string> {
    if (claimed.requestId === null) {
      const data = { message: 'This webhook works.' };
      return JSON.stringify({ type: claimed.event, timestamp: claimed.createdAt.toISOString(), data });
    }
    const job = await options.readJob(claimed.requestId);
    return JSON.stringify({
      type: claimed.event,
      timestamp: job?.finishedAt ?? claimed.createdAt.toISOString(),
      data: { jobId: claimed.requestId, ...(job === undefined ? {} : { job }) },
    });
  }

  async function send(claimed: ClaimedWebhook): Promise<void> {
    const body = await payloadOf(claimed);
    const at = new Date();
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Atelier-Webhooks/1',
      'webhook-id': claimed.id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(claimed.secret).sign(claimed.id, at, body),
    };
    let outcome: WebhookTry;
    try {
      outcome = { answered: true, ...(await poster.post(claimed.url, headers, body)) };
    } catch (error) {
      outcome = { answered: false, error: shortReason(error) };
    }
    const result = decideWebhook(outcome, claimed.attempts, random(), options.scale);
    await recordWebhook(db, claimed, result);
    const about = { webhook_id: claimed.endpointId, delivery_id: claimed.id, attempts: claimed.attempts };
    if (result.state === 'dead') log.warn({ ...about, reason: result.error }, 'a webhook message is given up');
    else log.debug({ ...about, state: result.state }, 'a webhook message was tried');
  }

  /** @returns whether something was due. */
  async function sendDue(): Promise<boolean> {
    const claimed = await claimWebhooks(db, { leaseMs, limit: atOnce, perEndpoint });
    await Promise.all(
      claimed.map((one) =>
        send(one).catch((error: unknown) => log.debug({ err: error }, 'a webhook message waits for its lease to end')),
      ),
    );
    return claimed.length > 0;
  }

  async function work(): Promise<void> {
    while (!stopping.signal.aborted && (await sendDue()));
    if (performance.now() - forgottenAt < forgetEveryMs) return;
    forgottenAt = performance.now();
    await forgetOldWebhooks(db, keepMs);
  }

  function run(): void {
    clearTimeout(timer);
    if (stopping.signal.aborted) return;
    if (working !== undefined) {
      rung = true;
      return;
    }
    rung = false;
    working = work()
      .catch((error: unknown) => log.debug({ err: error }, 'webhooks wait for the next look'))
      .finally(() => {
        working = undefined;
        if (!stopping.signal.aborted) timer = setTimeout(run, rung ? 0 : sweepMs);
      });
  }

  return {
    ring: run,
    start: run,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
    },
  };
}

/** What went wrong on the way, without addresses that a name led to. */
function shortReason(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? error.message.slice(0, 200);
}
