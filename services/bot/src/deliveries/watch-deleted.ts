import type { Logger } from 'pino';
import type { CardFacts } from '../core/cards/card-facts.ts';

export interface ResultRemover {
  /** Takes away what a deleted request shows, whatever door it came through; of others nothing happens. */
  show(facts: CardFacts): void;
  /** Does so again: a message of it was sent meanwhile. */
  again(facts: CardFacts): void;
  stop(): Promise<void>;
}

/** Deleted requests that were seen to lately. */
const maxSeen = 2_000;

/** Sees to each deleted request once, however often its card is drawn anew. `remove` takes its pictures out of a chat. */
export function watchDeleted(remove: (facts: CardFacts) => Promise<void>, log: Logger): ResultRemover {
  const seen = new Set<string>();
  const underway = new Set<Promise<void>>();

  function see(facts: CardFacts): void {
    const { id } = facts.request;
    const work = remove(facts)
      .catch((error: unknown) => log.info({ err: error, request_id: id }, 'a deleted result still stands in a chat'))
      .finally(() => underway.delete(work));
    underway.add(work);
  }

  return {
    again: see,
    show(facts) {
      const { id } = facts.request;
      if (facts.marks?.isDeleted !== true || seen.has(id)) return;
      seen.add(id);
      const [oldest] = seen;
      if (seen.size > maxSeen && oldest !== undefined) seen.delete(oldest);
      see(facts);
    },
    async stop() {
      await Promise.all(underway);
    },
  };
}
