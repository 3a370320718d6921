import { isAlive } from './process-identity.ts';

/** Resolves to true as soon as `condition` holds, to false when it did not within `timeoutMs`. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  intervalMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

/** Asks a process to end, and ends it for good when it has not within `graceMs`. Resolves when it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!sendSignal(pid, signal)) return;
  if (await waitUntil(() => !isAlive(pid), graceMs)) return;
  sendSignal(pid, 'SIGKILL');
  await waitUntil(() => !isAlive(pid), 2_000);
}

/** Sends a signal to a process, or to a process group when `pid` is negative; false when there is none. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
