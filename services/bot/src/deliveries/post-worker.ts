import type { Logger } from 'pino';
import { claimPosts, type ClaimedPost, endPost, renewPost } from '@atelier/shared/db/chat/chat-posts';
import type { Database } from '@atelier/shared/db/connect-database';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatAdapter, SendOutcome } from '../ports.ts';
import type { CardReader } from '../state/card-reader.ts';
import { withDeadline } from '../with-deadline.ts';
import { takeBackDeleted } from './take-back-deleted.ts';

export interface PostWorker {
  /** Something may wait: look now. */
  ring(): void;
  start(): void;
  /** Takes nothing more and waits for what is being sent. */
  stop(): Promise<void>;
}

const leaseMs = 15_000;
const claimDeadlineMs = 10_000;
const atATime = 4;

/**
 * Sends what belongs into the team's channels, as the delivery worker sends to people: rows are the truth, claimed by
 * lease. Few and never urgent, so all doors share one line.
 */
export function createPostWorker(options: {
  db: Database;
  reader: CardReader;
  adapters: readonly ChatAdapter[];
  holder: string;
  log: Logger;
  sweepMs?: number;
}): PostWorker {
  const { db, reader, holder, log } = options;
  const sweepMs = options.sweepMs ?? 5_000;
  const posting = options.adapters.filter((adapter) => adapter.post !== undefined);
  // One chat at most is shared by several processes.
  const part = posting.find((adapter) => adapter.part !== undefined)?.part;
  // Asked anew each time: an adapter has none while another process is connected in its place.
  const doorsNow = () => posting.flatMap((adapter) => adapter.doors);
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function work(): Promise<void> {
    do {
      again = false;
      const claiming = claimPosts(db, { doors: doorsNow(), holder, leaseMs, limit: atATime, part });
      const posts = await withDeadline(claiming, claimDeadlineMs);
      await Promise.all(posts.map(deliver));
      again ||= posts.length === atATime;
      if (stopped) return;
    } while (again);
  }

  async function deliver(post: ClaimedPost): Promise<void> {
    const renewing = setInterval(() => {
      renewPost(db, post, leaseMs).catch((error: unknown) => log.debug({ err: error }, 'lease not renewed'));
    }, leaseMs / 3);
    try {
      const adapter = posting.find((one) => one.doors.includes(post.door));
      const outcome = await send(adapter, post);
      if (outcome.outcome === 'sent') {
        await endPost(db, post, { state: 'sent', messageRef: outcome.messageRef });
        if (post.requestId !== null && adapter !== undefined) await takeBackDeleted(post.requestId, adapter, reader);
      } else if (outcome.outcome === 'failed') {
        log.warn({ post_id: post.id, reason: outcome.reason }, 'a channel cannot be told');
        await endPost(db, post, { state: 'failed', error: outcome.reason });
      } else if (outcome.outcome === 'postponed') {
        const { afterMs, reason, certainlyNotSent } = outcome;
        await endPost(db, post, { state: certainlyNotSent ? 'pending' : 'sending', afterMs, error: reason });
      }
    } catch (error) {
      // Its lease lapses, and the next holder looks before it sends.
      log.warn({ err: error, post_id: post.id }, 'the outcome of a post could not be stored');
    } finally {
      clearInterval(renewing);
    }
  }

  async function send(adapter: ChatAdapter | undefined, post: ClaimedPost): Promise<SendOutcome> {
    if (adapter?.post === undefined) {
      return { outcome: 'postponed', afterMs: sweepMs, reason: 'another process is connected', certainlyNotSent: true };
    }
    try {
      // What an earlier try may have shown is looked for, and then taken away.
      if (post.kind === 'share' && !post.triedBefore && (await isGone(post))) {
        return { outcome: 'failed', reason: 'what it shows was deleted' };
      }
      return await adapter.post(post, async () => {
        const [facts] = post.requestId === null ? [] : await reader.readFacts([post.requestId]);
        if (facts === undefined) throw new AppError('not_found', 'a post shows no request');
        return { ...facts, delivered: true };
      });
    } catch (error) {
      log.warn({ err: error, post_id: post.id, attempts: post.attempts }, 'a post failed; trying again');
      const afterMs = Math.min(1_000 * 2 ** Math.min(post.attempts, 6), 60_000);
      return { outcome: 'postponed', afterMs, reason: 'the adapter failed', certainlyNotSent: false };
    }
  }

  async function isGone({ requestId }: ClaimedPost): Promise<boolean> {
    const [facts] = requestId === null ? [] : await reader.readFacts([requestId]);
    return facts === undefined || facts.marks?.isDeleted === true;
  }

  function ring(): void {
    if (stopped || doorsNow().length === 0) return;
    if (working !== undefined) {
      again = true;
      return;
    }
    working = work()
      .catch((error: unknown) => log.debug({ err: error }, 'posts could not be claimed; again soon'))
      .finally(() => (working = undefined));
  }

  function sweep(): void {
    ring();
    timer = setTimeout(sweep, sweepMs);
  }

  return {
    ring,
    start: sweep,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
