import type { Logger } from 'pino';
import { createRequestFeed, type FeedListener, type RequestFeed } from '@atelier/shared/live/request-feed';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import type { JobFacts } from '../core/jobs/to-job-view.ts';

export type JobListener = FeedListener<JobFacts>;

/** Tells what happens to requests, in the order of their versions. */
export interface JobFeed extends Omit<RequestFeed<JobFacts>, 'open' | 'isWatched' | 'takeReply'> {
  /** Rings for what changed without a doorbell that was heard. */
  reconcile(): Promise<void>;
}

/** Requests that are remembered. */
const maxKept = 5_000;

/** A {@link createRequestFeed} of whatever programs may wait for, of which ended requests are remembered, too. */
export function createJobFeed(options: {
  readFacts: (requestId: string) => Promise<JobFacts | undefined>;
  /** The versions of these requests, and of all others that programs may wait for. */
  readVersions: (requestIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  board: LiveBoard;
  log: Logger;
}): JobFeed {
  /** Versions that were told, of ended requests too. */
  const told = new Map<string, number>();
  const feed = createRequestFeed<JobFacts>({
    board: options.board,
    log: options.log,
    maxOpen: maxKept,
    isOpen: ({ request }) => request.finishedAt === null,
    async read(requestId) {
      const facts = await options.readFacts(requestId);
      if (facts !== undefined) note(facts);
      return facts;
    },
  });

  function note({ request: { id, version } }: JobFacts): void {
    told.delete(id);
    told.set(id, version);
    const [oldest] = told.keys();
    if (told.size > maxKept && oldest !== undefined) told.delete(oldest);
  }

  return {
    ring: feed.ring,
    takeProgress: feed.takeProgress,
    takePreview: feed.takePreview,
    watch: feed.watch,
    async reconcile() {
      if (!feed.isWatched) return;
      const versions = await options.readVersions([...feed.open.keys()]);
      for (const [requestId, version] of versions) if (told.get(requestId) !== version) feed.ring(requestId);
    },
  };
}
