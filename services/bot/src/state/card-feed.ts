import type { Logger } from 'pino';
import type { Door } from '@atelier/shared/contracts/identity';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import { createRequestFeed, type FeedListener, type RequestFeed } from '@atelier/shared/live/request-feed';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { withDeadline } from '../with-deadline.ts';
import type { CardReader } from './card-reader.ts';

export interface CardListener extends FeedListener<CardFacts> {
  /** Only what came through these. */
  doors: readonly Door[];
}

export interface CardFeed extends Omit<RequestFeed<CardFacts>, 'open' | 'isWatched' | 'watch'> {
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

/** A {@link createRequestFeed} of cards: each listener hears of its doors alone. */
export function createCardFeed(options: { reader: CardReader; board: LiveBoard; log: Logger }): CardFeed {
  const feed = createRequestFeed<CardFacts>({
    board: options.board,
    log: options.log,
    maxOpen: maxKept,
    isOpen: ({ request, delivered }) => request.finishedAt === null || (!delivered && ownDoors.has(request.door)),
    async read(requestId) {
      const [facts] = await withDeadline(options.reader.readFacts([requestId]), readDeadlineMs);
      return facts;
    },
  });

  return {
    ring: feed.ring,
    takeProgress: feed.takeProgress,
    takePreview: feed.takePreview,
    takeReply: feed.takeReply,
    watch(listener) {
      const hears = ({ request }: CardFacts): boolean => listener.doors.includes(request.door);
      return feed.watch({
        onChange: (facts) => hears(facts) && listener.onChange(facts),
        onProgress: (facts, progress) => hears(facts) && listener.onProgress?.(facts, progress),
        onPreview: (facts, preview) => hears(facts) && listener.onPreview?.(facts, preview),
        onReply: (facts, reply) => hears(facts) && listener.onReply?.(facts, reply),
      });
    },
    get hasOpen() {
      return feed.isWatched && feed.open.size > 0;
    },
    reconcile(nowOpen) {
      const versions = new Map(nowOpen.map((request) => [request.id, request.version]));
      for (const [requestId, facts] of feed.open) {
        if (versions.get(requestId) !== facts.request.version) feed.ring(requestId);
      }
    },
  };
}
