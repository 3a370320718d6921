import type { LivePreview, LiveProgress } from '@atelier/shared/contracts/live';

/** Jobs whose progress is remembered; far above what any number of GPUs runs at a time. */
const maxJobs = 256;

/**
 * The latest progress and preview of each running job. Lossy by nature: what is missed is replaced by the next message,
 * and a job's end removes it.
 */
export interface LiveBoard {
  readonly progress: ReadonlyMap<string, LiveProgress>;
  preview(jobId: string): LivePreview | undefined;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  /** The job has ended, or waits again. */
  forget(jobId: string): void;
}

export function createLiveBoard(): LiveBoard {
  const progress = new Map<string, LiveProgress>();
  const previews = new Map<string, LivePreview>();

  function put<T>(map: Map<string, T>, jobId: string, value: T): void {
    map.delete(jobId);
    map.set(jobId, value);
    if (map.size <= maxJobs) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  return {
    progress,
    preview: (jobId) => previews.get(jobId),
    takeProgress: (next) => put(progress, next.jobId, next),
    takePreview: (next) => put(previews, next.jobId, next),
    forget(jobId) {
      progress.delete(jobId);
      previews.delete(jobId);
    },
  };
}
