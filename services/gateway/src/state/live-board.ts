import type { LivePreview, LiveProgress, LiveWorkerStatus } from '@atelier/shared/contracts/live';

/** What is running at this moment, as workers last said. All of it may be lost: rows in Postgres are the truth. */
export interface LiveBoard {
  progress(jobId: string): LiveProgress | undefined;
  preview(jobId: string): LivePreview | undefined;
  worker(instanceId: string): LiveWorkerStatus | undefined;
  takeProgress(progress: LiveProgress): void;
  takePreview(preview: LivePreview): void;
  takeWorker(status: LiveWorkerStatus): void;
  forget(jobId: string): void;
}

/** More jobs than GPUs ever run at once. */
const maxJobs = 500;

export function createLiveBoard(): LiveBoard {
  const progress = new Map<string, LiveProgress>();
  const previews = new Map<string, LivePreview>();
  const workers = new Map<string, LiveWorkerStatus>();

  function put<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    if (map.size <= maxJobs) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  return {
    progress: (jobId) => progress.get(jobId),
    preview: (jobId) => previews.get(jobId),
    worker: (instanceId) => workers.get(instanceId),
    takeProgress: (next) => put(progress, next.jobId, next),
    takePreview: (next) => put(previews, next.jobId, next),
    takeWorker: (status) => put(workers, status.instanceId, status),
    forget(jobId) {
      progress.delete(jobId);
      previews.delete(jobId);
    },
  };
}
