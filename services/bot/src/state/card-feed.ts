import type { Logger } from 'pino';
import type { Door } from '@atelier/shared/contracts/identity';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { LivePreview, LiveProgress, LiveReply } from '@atelier/shared/contracts/live';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { withDeadline } from '../with-deadline.ts';
import type { CardReader } from './card-reader.ts';
import type { LiveBoard } from './live-board.ts';

export interface CardListener {
  doors: readonly Door[];
  /** A stored change. */
  onChange(facts: CardFacts): void;
  onProgress?(facts: CardFacts, progress: LiveProgress): void;
  onPreview?(facts: CardFacts, preview: LivePreview): void;
  /** The agent goes on talking. */
  onReply?(facts: CardFacts, reply: LiveReply): void;
}

export interface CardFeed {
  /** Something about the request changed: read it, and tell who watches its door. */
  ring(requestId: string): void;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  takeReply(reply: LiveReply): void;
  watch(listener: CardListener): () => void;
  /** Whether somebody waits for something that a lost doorbell would hide. */
  readonly hasOpen: boolean;
  /** Rings for what changed without a doorbell, given every request that is open now. */
  reconcile(open: readonly RequestRecord[]): void;
}

/** A connection that fell silent must not hold up the next reading. */
const readDeadlineMs = 10_000;
/** Open requests whose facts are kept. */
const maxKept = 2_000;
/** Doors whose deliveries are written to the database, possibly by another process like this one. */
const ownDoors: ReadonlySet<Door> = new Set(['web', 'cli']);

/**
 * Turns doorbells into cards. Each request is read by one reading at a time; rings during a reading lead to exactly one
 * more, so a burst of events costs two readings and the last state always arrives.
 */
export function createCardFeed(options: { reader: CardReader; board: LiveBoard; log: Logger }): CardFeed {
  const { reader, board, log } = options;
  const listeners = new Set<CardListener>();
  const open = new Map<string, CardFacts>();
  /** Requests being read; true: ring came meanwhile. */
  const reading = new Map<string, boolean>();

  function keep(facts: CardFacts): void {
    const { id } = facts.request;
    for (const job of facts.jobs) if (job.state === 'queued' || job.finishedAt !== null) board.forget(job.id);
    if (facts.request.state !== 'planning') board.forgetReply(id);
    open.delete(id);
    const delivered = facts.delivered || !ownDoors.has(facts.request.door);
    if (facts.request.finishedAt === null || !delivered) open.set(id, facts);
    if (open.size <= maxKept) return;
    const [oldest] = open.keys();
    if (oldest !== undefined) open.delete(oldest);
  }

  function tell(facts: CardFacts): void {
    for (const listener of listeners) if (listener.doors.includes(facts.request.door)) listener.onChange(facts);
  }

  async function read(requestId: string): Promise<void> {
    do {
      reading.set(requestId, false);
      const [facts] = await withDeadline(reader.readFacts([requestId]), readDeadlineMs);
      if (facts === undefined) continue;
      keep(facts);
      tell(facts);
    } while (reading.get(requestId) === true);
  }

  function ring(requestId: string): void {
    if (listeners.size === 0) return;
    if (reading.has(requestId)) {
      reading.set(requestId, true);
      return;
    }
    read(requestId)
      .catch((error: unknown) => log.debug({ err: error, request_id: requestId }, 'a card could not be read; later'))
      .finally(() => reading.delete(requestId));
  }

  /** The facts behind a progress message; of a request that is not known yet they are read, and the next message uses them. */
  function factsOf(requestId: string): CardFacts | undefined {
    const facts = open.get(requestId);
    if (facts === undefined) ring(requestId);
    return facts;
  }

  return {
    ring,
    takeProgress(progress) {
      board.takeProgress(progress);
      if (listeners.size === 0) return;
      const facts = factsOf(progress.requestId);
      if (facts === undefined) return;
      const job = facts.jobs.find((candidate) => candidate.id === progress.jobId);
      // Its doorbell was lost, or is still on its way.
      if (job !== undefined && job.state !== 'running' && job.finishedAt === null) ring(progress.requestId);
      for (const listener of listeners) {
        if (listener.doors.includes(facts.request.door)) listener.onProgress?.(facts, progress);
      }
    },
    takePreview(preview) {
      board.takePreview(preview);
      if (listeners.size === 0) return;
      const facts = factsOf(preview.requestId);
      if (facts === undefined) return;
      for (const listener of listeners) {
        if (listener.doors.includes(facts.request.door)) listener.onPreview?.(facts, preview);
      }
    },
    takeReply(reply) {
      if (!board.takeReply(reply) || listeners.size === 0) return;
      const facts = factsOf(reply.requestId);
      if (facts === undefined) return;
      for (const listener of listeners) {
        if (listener.doors.includes(facts.request.door)) listener.onReply?.(facts, reply);
      }
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get hasOpen() {
      return listeners.size > 0 && open.size > 0;
    },
    reconcile(nowOpen) {
      const versions = new Map(nowOpen.map((request) => [request.id, request.version]));
      for (const [requestId, facts] of open) {
        if (versions.get(requestId) !== facts.request.version) ring(requestId);
      }
    },
  };
}
