import type { Logger } from 'pino';
import type { LivePreview, LiveProgress, LiveReply } from '../contracts/live.ts';
import type { JobState } from '../contracts/job.ts';
import type { RequestState } from '../contracts/request.ts';
import type { LiveBoard } from './live-board.ts';

/** What a feed must know of a request, whatever else its readers read. */
export interface FeedFacts {
  request: { id: string; state: RequestState };
  jobs: readonly { id: string; state: JobState; finishedAt: Date | null }[];
}

export interface FeedListener<Facts> {
  /** A stored change. */
  onChange(facts: Facts): void;
  onProgress?(facts: Facts, progress: LiveProgress): void;
  onPreview?(facts: Facts, preview: LivePreview): void;
  /** The agent goes on talking. */
  onReply?(facts: Facts, reply: LiveReply): void;
}

export interface RequestFeed<Facts> {
  /** Requests that may still change, with what was read last; the oldest are given up beyond `maxOpen`. */
  readonly open: ReadonlyMap<string, Facts>;
  /** Whether anybody listens; while nobody does, nothing is read. */
  readonly isWatched: boolean;
  /** Something about the request changed: read it and tell, at once, or with what else comes `withinMs`. */
  ring(requestId: string, withinMs?: number): void;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  takeReply(reply: LiveReply): void;
  /** Returns the way out. */
  watch(listener: FeedListener<Facts>): () => void;
}

export interface RequestFeedOptions<Facts> {
  /** Undefined: there is no such request. */
  read: (requestId: string) => Promise<Facts | undefined>;
  /** Whether it is kept, since more may come of it. */
  isOpen: (facts: Facts) => boolean;
  maxOpen: number;
  board: LiveBoard;
  log: Logger;
}

/**
 * Turns doorbells into facts. Each request is read by one reading at a time; rings during a reading lead to exactly one more,
 * so a burst of events costs two readings and the last state always arrives.
 */
export function createRequestFeed<Facts extends FeedFacts>(options: RequestFeedOptions<Facts>): RequestFeed<Facts> {
  const { board, log } = options;
  const listeners = new Set<FeedListener<Facts>>();
  const open = new Map<string, Facts>();
  /** Requests being read; true: a ring came meanwhile. */
  const reading = new Map<string, boolean>();
  /** Rings that others may still join. */
  const gathering = new Map<string, NodeJS.Timeout>();

  function keep(facts: Facts): void {
    const { id, state } = facts.request;
    for (const job of facts.jobs) if (job.state === 'queued' || job.finishedAt !== null) board.forget(job.id);
    if (state !== 'planning') board.forgetReply(id);
    open.delete(id);
    if (options.isOpen(facts)) open.set(id, facts);
    if (open.size <= options.maxOpen) return;
    const [oldest] = open.keys();
    if (oldest !== undefined) open.delete(oldest);
  }

  async function read(requestId: string): Promise<void> {
    try {
      do {
        reading.set(requestId, false);
        const facts = await options.read(requestId);
        if (facts === undefined) continue;
        keep(facts);
        for (const listener of listeners) listener.onChange(facts);
      } while (reading.get(requestId) === true);
    } finally {
      // At once: a ring that comes after the last look at its entry has to begin a reading of its own.
      reading.delete(requestId);
    }
  }

  function ring(requestId: string, withinMs = 0): void {
    const gathered = gathering.get(requestId);
    if (withinMs > 0) {
      if (gathered === undefined) gathering.set(requestId, setTimeout(() => ring(requestId), withinMs).unref());
      return;
    }
    clearTimeout(gathered);
    gathering.delete(requestId);
    if (listeners.size === 0) return;
    if (reading.has(requestId)) {
      reading.set(requestId, true);
      return;
    }
    read(requestId).catch((error: unknown) =>
      log.debug({ err: error, request_id: requestId }, 'a request could not be read; later'),
    );
  }

  /** The facts behind a live message; of a request that is not known yet they are read, and the next message uses them. */
  function factsOf(requestId: string): Facts | undefined {
    if (listeners.size === 0) return undefined;
    const facts = open.get(requestId);
    if (facts === undefined) ring(requestId);
    return facts;
  }

  return {
    open,
    get isWatched() {
      return listeners.size > 0;
    },
    ring,
    takeProgress(progress) {
      board.takeProgress(progress);
      const facts = factsOf(progress.requestId);
      if (facts === undefined) return;
      const job = facts.jobs.find(({ id }) => id === progress.jobId);
      // The doorbell of its start was lost, or is still on its way.
      if (job === undefined || (job.finishedAt === null && job.state !== 'running' && job.state !== 'storing')) {
        ring(progress.requestId);
      }
      for (const listener of listeners) listener.onProgress?.(facts, progress);
    },
    takePreview(preview) {
      board.takePreview(preview);
      const facts = factsOf(preview.requestId);
      if (facts !== undefined) for (const listener of listeners) listener.onPreview?.(facts, preview);
    },
    takeReply(reply) {
      if (!board.takeReply(reply)) return;
      const facts = factsOf(reply.requestId);
      if (facts !== undefined) for (const listener of listeners) listener.onReply?.(facts, reply);
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
