import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

/** The queue as a pick sees it: read anew, or what was read a moment ago with our own picks since. */
export interface QueueView {
  /** @throws what reading the queue throws. */
  look(): Promise<{ snapshot: QueueSnapshot; isFresh: boolean }>;
  /** What was chosen was committed by us: what was read holds on as it is after that. */
  picked(after: QueueSnapshot): void;
  /** Something was queued, or changed otherwise: what was read serves little longer. */
  outdate(): void;
  /** What was read is wrong, or was of no use: the next look reads the queue anew. */
  forget(): void;
  /** As `forget`, because another worker picked: for a while each reading serves one pick, since the next would fail. */
  overtaken(): void;
}

export interface QueueViewOptions {
  read: () => Promise<QueueSnapshot>;
  /** How long what was read may serve further picks, in ms. */
  maxAgeMs: number;
  /** The same once it is known that the queue changed: where jobs come by the hundred a second, each would have it read again. */
  maxAgeOutdatedMs: number;
  /** The same while it holds jobs of a kind that was never measured: the first that ends tells how long the others take. */
  maxAgeUnmeasuredMs: number;
  /** Monotonic. */
  now: () => number;
}

/** How long after another worker's last pick nobody else is thought to pick. */
const aloneAfterMs = 500;

/**
 * Builds the view of one worker. A long queue takes a while to read, and short jobs are picked by the hundred a second: so one
 * reading serves several picks, as long as its version, which every pick checks, moved by our own picks alone.
 */
export function createQueueView(options: QueueViewOptions): QueueView {
  let aloneFromMs = -Infinity;
  let kept: { snapshot: QueueSnapshot; readAtMs: number; untilMs: number } | undefined;
  return {
    async look() {
      if (kept !== undefined && options.now() <= kept.untilMs) return { snapshot: kept.snapshot, isFresh: false };
      const readAtMs = options.now();
      const snapshot = await options.read();
      const { maxAgeMs, maxAgeUnmeasuredMs } = options;
      kept = { snapshot, readAtMs, untilMs: readAtMs + (isMeasured(snapshot) ? maxAgeMs : maxAgeUnmeasuredMs) };
      return { snapshot, isFresh: true };
    },
    picked(after) {
      if (options.now() < aloneFromMs) kept = undefined;
      else if (kept !== undefined) kept.snapshot = after;
    },
    outdate() {
      if (kept !== undefined) kept.untilMs = Math.min(kept.untilMs, kept.readAtMs + options.maxAgeOutdatedMs);
    },
    forget() {
      kept = undefined;
    },
    overtaken() {
      kept = undefined;
      aloneFromMs = options.now() + aloneAfterMs;
    },
  };
}

function isMeasured({ queued, measured }: QueueSnapshot): boolean {
  const kinds = new Set(measured.map(({ estimateKey }) => estimateKey));
  return queued.every(({ estimateKey }) => kinds.has(estimateKey));
}
