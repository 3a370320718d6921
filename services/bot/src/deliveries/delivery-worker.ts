import type { Logger } from 'pino';
import type { Door } from '@atelier/shared/contracts/identity';
import type { Database } from '@atelier/shared/db/connect-database';
import {
  claimDeliveries,
  type ClaimedDelivery,
  failDelivery,
  markDelivered,
  postponeDelivery,
  renewDelivery,
} from '@atelier/shared/db/deliveries/delivery-store';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatAdapter, SendOutcome } from '../ports.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { CardReader } from '../state/card-reader.ts';
import { withDeadline } from '../with-deadline.ts';
import { takeBackDeleted } from './take-back-deleted.ts';

export interface DeliveryWorkerOptions {
  db: Database;
  reader: CardReader;
  adapters: readonly ChatAdapter[];
  /** This process, for its leases. */
  holder: string;
  log: Logger;
  /** Called after a delivery was sent. */
  onSent: (delivery: ClaimedDelivery) => void;
  /** Whether a person wants to be notified; default: everybody does. */
  wantsPing?: (personId: string) => Promise<boolean>;
  sweepMs?: number;
  leaseMs?: number;
  /** Deliveries of one door under way at a time. */
  concurrency?: number;
}

export interface DeliveryWorker {
  /** Something may wait for this door: look now. */
  ring(door: Door): void;
  start(): void;
  /** Takes nothing more and waits for what is being sent. */
  stop(): Promise<void>;
}

/** A connection that fell silent must not hold up the next claim. */
const claimDeadlineMs = 10_000;

interface Lane {
  adapter: ChatAdapter;
  sending: number;
  claiming: boolean;
  /** A ring came while claiming. */
  again: boolean;
  /** More may wait than there was room for. */
  full: boolean;
}

/**
 * Sends what is owed, a lane an adapter, so that a slow platform holds up nobody else. Rows are the truth: they are
 * claimed by lease at every doorbell, at the start and every 5 s, so a lost message delays a delivery and never loses it.
 */
export function createDeliveryWorker(options: DeliveryWorkerOptions): DeliveryWorker {
  const { db, log } = options;
  const sweepMs = options.sweepMs ?? 5_000;
  const leaseMs = options.leaseMs ?? 15_000;
  const concurrency = options.concurrency ?? 8;
  const lanes: Lane[] = options.adapters.map((adapter) => ({
    adapter,
    sending: 0,
    claiming: false,
    again: false,
    full: false,
  }));
  const underway = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function claim(lane: Lane): Promise<void> {
    lane.claiming = true;
    try {
      do {
        lane.again = false;
        const room = concurrency - lane.sending;
        lane.full = room <= 0;
        if (stopped || lane.full) return;
        const { doors, part } = lane.adapter;
        const inOrder = lane.adapter.sendsInOrder ?? false;
        const claiming = claimDeliveries(db, { doors, holder: options.holder, leaseMs, limit: room, inOrder, part });
        // What is claimed later than this is free again when its lease lapses.
        const claimed = await withDeadline(claiming, claimDeadlineMs);
        for (const delivery of claimed) track(lane, delivery);
        if (claimed.length === room) lane.again = true;
      } while (lane.again);
    } catch (error) {
      log.debug({ err: error, adapter: lane.adapter.name }, 'deliveries could not be claimed; again soon');
    } finally {
      lane.claiming = false;
    }
  }

  function track(lane: Lane, delivery: ClaimedDelivery): void {
    lane.sending += 1;
    const work = deliver(lane.adapter, delivery).finally(() => {
      lane.sending -= 1;
      underway.delete(work);
      // The next message of this request or chat waited for this one, or others for a free place.
      const others = lane.full || lane.adapter.sendsInOrder === true;
      if (others || delivery.kind === 'card' || delivery.cardRef !== null) ring(lane);
    });
    underway.add(work);
  }

  async function deliver(adapter: ChatAdapter, delivery: ClaimedDelivery): Promise<void> {
    const line = log.child({ request_id: delivery.requestId, delivery_id: delivery.id, adapter: adapter.name });
    // Short, so that a successor soon goes on with what a dead process was sending; renewed, since an upload may be slow.
    const renewing = setInterval(() => {
      renewDelivery(db, delivery, leaseMs).catch((error: unknown) => line.debug({ err: error }, 'lease not renewed'));
    }, leaseMs / 3);
    try {
      const outcome = await send(adapter, delivery, line);
      if (outcome.outcome === 'sent') await markDelivered(db, delivery, outcome.messageRef);
      else if (outcome.outcome === 'failed') {
        line.warn({ reason: outcome.reason }, 'this cannot be delivered; the result stays in the history');
        await failDelivery(db, delivery, outcome.reason);
      } else if (outcome.outcome === 'postponed') {
        line.info({ reason: outcome.reason, afterMs: outcome.afterMs }, 'delivery postponed');
        const { afterMs, reason, certainlyNotSent } = outcome;
        await postponeDelivery(db, delivery, { afterMs, error: reason, certainlyNotSent });
      }
      if (outcome.outcome === 'sent' || outcome.outcome === 'recorded') options.onSent(delivery);
      if (outcome.outcome === 'sent' && delivery.kind === 'result') {
        await takeBackDeleted(delivery.requestId, adapter, options.reader);
      }
    } catch (error) {
      // Its lease lapses, and the next holder looks before it sends.
      line.warn({ err: error }, 'the outcome of a delivery could not be stored');
    } finally {
      clearInterval(renewing);
    }
  }

  async function send(adapter: ChatAdapter, delivery: ClaimedDelivery, line: Logger): Promise<SendOutcome> {
    const { kind } = delivery;
    try {
      const read = async (): Promise<CardFacts> => {
        const [facts] = await options.reader.readFacts([delivery.requestId]);
        if (facts === undefined) throw new AppError('internal', 'a delivery belongs to no request');
        return kind === 'card' || kind === 'question' ? facts : { ...facts, delivered: true };
      };
      if (kind === 'card' || kind === 'result') return await adapter.send(delivery, read);
      // What it says is what was looked at: a question that is answered a moment later is called to all the same.
      const facts = await read();
      if (!(await isWanted(delivery, facts))) return { outcome: 'sent', messageRef: { unwanted: true } };
      return await adapter.send(delivery, () => Promise.resolve(facts));
    } catch (error) {
      line.warn({ err: error, attempts: delivery.attempts }, 'a delivery failed; trying again');
      const afterMs = Math.min(1_000 * 2 ** Math.min(delivery.attempts, 6), 60_000);
      return { outcome: 'postponed', afterMs, reason: 'the adapter failed', certainlyNotSent: false };
    }
  }

  /** What only notifies: not whom it bothers, and no call to answer what is answered already. */
  async function isWanted({ id, kind }: ClaimedDelivery, { request }: CardFacts): Promise<boolean> {
    const { personId, state, question } = request;
    if (kind === 'question' && (state !== 'asking' || question?.id !== id)) return false;
    return options.wantsPing === undefined || options.wantsPing(personId);
  }

  function ring(lane: Lane): void {
    if (stopped) return;
    if (lane.claiming) lane.again = true;
    else void claim(lane);
  }

  function sweep(): void {
    for (const lane of lanes) ring(lane);
    timer = setTimeout(sweep, sweepMs);
  }

  return {
    ring(door) {
      for (const lane of lanes) if (lane.adapter.doors.includes(door)) ring(lane);
    },
    start: sweep,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.allSettled(underway);
    },
  };
}
