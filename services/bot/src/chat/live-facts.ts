import type { LiveFacts } from '../core/cards/card-facts.ts';
import type { ChatCoreDeps } from './chat-context.ts';

const away = new Set(['comfyuiAway', 'noWorker']);

/** What is known of waiting and running work at this moment. */
export function liveFactsOf(deps: Pick<ChatCoreDeps, 'queue' | 'board' | 'status'>): LiveFacts {
  return {
    forecasts: deps.queue.forecasts,
    progress: deps.board.progress,
    replies: deps.board.replies,
    reasons: deps.queue.reasons,
    isGpuAway: deps.status.notices.some((notice) => away.has(notice)),
  };
}
