import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';

export interface StatusReporterOptions {
  everyMs: number;
  /** What holds now. */
  status: () => LiveWorkerStatus;
  publish: (status: LiveWorkerStatus) => void;
  /** Stores it with the instance. */
  store: (status: LiveWorkerStatus) => Promise<void>;
}

/** Says how the worker is until the signal fires; stores it whenever more than the free memory and the running job changed. */
export async function reportStatus(options: StatusReporterOptions, signal: AbortSignal): Promise<void> {
  let stored = '';
  while (!signal.aborted) {
    const status = options.status();
    options.publish(status);
    const kept = JSON.stringify({ ...status, vramFree: undefined, runningJobId: undefined });
    if (kept !== stored) {
      stored = kept;
      await options.store(status).catch(() => (stored = ''));
    }
    await sleep(options.everyMs, undefined, { signal }).catch(() => {});
  }
}
