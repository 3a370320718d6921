import type { Logger } from 'pino';
import type { LivePreview, LiveProgress } from '@atelier/shared/contracts/live';
import type { JobFacts } from '../core/jobs/to-job-view.ts';
import type { LiveBoard } from './live-board.ts';

export interface JobListener {
  /** A stored change. */
  onChange(facts: JobFacts): void;
  onProgress(facts: JobFacts, progress: LiveProgress): void;
  onPreview(facts: JobFacts, preview: LivePreview): void;
}

/** Tells what happens to requests, in the order of their versions. */
export interface JobFeed {
  /** Something about the request changed: read it and tell. */
  ring(requestId: string): void;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  watch(listener: JobListener): () => void;
  /** Rings for what changed without a doorbell that was heard. */
  reconcile(): Promise<void>;
}

/** Requests that are remembered. */
const maxKept = 5_000;

/**
 * Turns doorbells into facts. Each request is read by one reading at a time; rings during a reading lead to exactly one more,
 * so a burst of events costs two readings and the last state always arrives.
 */
export function createJobFeed(options: {
  readFacts: (requestId: string) => Promise<JobFacts | undefined>;
  /** The versions of these requests, and of all others that programs may wait for. */
  readVersions: (requestIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  board: LiveBoard;
  log: Logger;
}): JobFeed {
  const { board, log } = options;
  const listeners = new Set<JobListener>();
  const open = new Map<string, JobFacts>();
  /** Versions that were told, of ended requests too. */
  const told = new Map<string, number>();
  /** Requests being read; true: a ring came meanwhile. */
  const reading = new Map<string, boolean>();

  async function read(requestId: string): Promise<void> {
    do {
      reading.set(requestId, false);
      const facts = await options.readFacts(requestId);
      if (facts === undefined) continue;
      keep(facts);
      for (const listener of listeners) listener.onChange(facts);
    } while (reading.get(requestId) === true);
  }

  function keep(facts: JobFacts): void {
    const { id, finishedAt } = facts.request;
    for (const job of facts.jobs) if (job.finishedAt !== null || job.state === 'queued') board.forget(job.id);
    told.delete(id);
    told.set(id, facts.request.version);
    dropOldest(told);
    open.delete(id);
    if (finishedAt === null) open.set(id, facts);
    dropOldest(open);
  }

  function dropOldest(map: Map<string, unknown>): void {
    if (map.size <= maxKept) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  function ring(requestId: string): void {
    if (listeners.size === 0) return;
    if (reading.has(requestId)) {
      reading.set(requestId, true);
      return;
    }
    read(requestId)
      .catch((error: unknown) => log.debug({ err: error, request_id: requestId }, 'a job could not be read; later'))
      .finally(() => reading.delete(requestId));
  }

  /** Of a request that is not known yet the facts are read, and the next message uses them. */
  function factsOf(requestId: string): JobFacts | undefined {
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
      const job = facts.jobs.find(({ id }) => id === progress.jobId);
      // Its start was not heard of yet.
      if (job === undefined || (job.state !== 'running' && job.state !== 'storing')) ring(progress.requestId);
      for (const listener of listeners) listener.onProgress(facts, progress);
    },
    takePreview(preview) {
      board.takePreview(preview);
      if (listeners.size === 0) return;
      const facts = factsOf(preview.requestId);
      if (facts !== undefined) for (const listener of listeners) listener.onPreview(facts, preview);
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async reconcile() {
      if (listeners.size === 0) return;
      const versions = await options.readVersions([...open.keys()]);
      for (const [requestId, version] of versions) if (told.get(requestId) !== version) ring(requestId);
    },
  };
}
