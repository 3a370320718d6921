import type { LivePreview, LiveProgress, LiveReply } from '../contracts/live.ts';

/** Jobs whose progress is remembered; far above what any number of GPUs runs at a time. */
const maxJobs = 256;

/**
 * The latest progress and preview of each running job, and what the agent is saying. Lossy by nature: what is missed is
 * replaced by the next message, a job's end removes it, and rows in Postgres are the truth.
 */
export interface LiveBoard {
  readonly progress: ReadonlyMap<string, LiveProgress>;
  /** What the agent is saying, by request. */
  readonly replies: ReadonlyMap<string, LiveReply>;
  preview(jobId: string): LivePreview | undefined;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  /** @returns false for one that is older than what is known. */
  takeReply(reply: LiveReply): boolean;
  /** The request has ended, or goes on without words. */
  forgetReply(requestId: string): void;
  /** The job has ended, or waits again. */
  forget(jobId: string): void;
}

export function createLiveBoard(): LiveBoard {
  const progress = new Map<string, LiveProgress>();
  const previews = new Map<string, LivePreview>();
  const replies = new Map<string, LiveReply>();

  function put<T>(map: Map<string, T>, id: string, value: T): void {
    map.delete(id);
    map.set(id, value);
    if (map.size <= maxJobs) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  return {
    progress,
    replies,
    preview: (jobId) => previews.get(jobId),
    takeProgress: (next) => put(progress, next.jobId, next),
    takePreview: (next) => put(previews, next.jobId, next),
    takeReply(next) {
      const known = replies.get(next.requestId);
      if (known !== undefined && known.seq >= next.seq) return false;
      put(replies, next.requestId, next);
      return true;
    },
    forgetReply: (requestId) => void replies.delete(requestId),
    forget(jobId) {
      progress.delete(jobId);
      previews.delete(jobId);
    },
  };
}
