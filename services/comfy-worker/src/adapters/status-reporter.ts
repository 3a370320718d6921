import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceHistory, LiveWorkerStatus } from '@atelier/shared/contracts/live';

export interface StatusReporterOptions {
  everyMs: number;
  /** What holds now. */
  status: () => LiveWorkerStatus;
  /** What the rows of its jobs tell; read with every fifth report. */
  readHistory: () => Promise<InstanceHistory | undefined>;
  publish: (status: LiveWorkerStatus) => void;
  /** Stores it with the instance. */
  store: (status: LiveWorkerStatus) => Promise<void>;
}

const reportsAHistory = 5;
/** What is stored is never older than this many reports, for whoever cannot hear them. */
const reportsAStore = 15;

/**
 * Says how the worker is until the signal fires; stores it now and then, and at once when more than the free memory, the running
 * job and its speed changed. A database that is away or slow holds nothing up: the history is then as of the last look.
 */
export async function reportStatus(options: StatusReporterOptions, signal: AbortSignal): Promise<void> {
  let stored = '';
  let history: InstanceHistory | undefined;
  let reading: Promise<void> | undefined;
  for (let reports = 0; !signal.aborted; reports += 1) {
    if (reports % reportsAHistory === 0) {
      reading ??= options
        .readHistory()
        .then(
          (read) => void (history = read),
          () => {},
        )
        .finally(() => (reading = undefined));
    }
    const status = options.status();
    options.publish(history === undefined ? status : { ...status, history });
    const kept = JSON.stringify({ ...status, vramFree: undefined, runningJobId: undefined, stepsPerSecond: undefined });
    if (kept !== stored || reports % reportsAStore === 0) {
      stored = kept;
      await options.store(status).catch(() => (stored = ''));
    }
    await sleep(options.everyMs, undefined, { signal }).catch(() => {});
  }
  await reading;
}
