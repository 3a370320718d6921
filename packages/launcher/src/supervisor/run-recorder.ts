import { rm } from 'node:fs/promises';
import { identifyProcess } from '../child/process-identity.ts';
import type { SupervisedChild } from '../child/supervised-child.ts';
import { writeRunRecord, type RunRecord } from '../home/run-record.ts';

export interface RunRecorder {
  add(child: Pick<SupervisedChild, 'name' | 'pid'>): void;
  /** A child has another process id, or none. */
  update(): void;
  set(values: Partial<RunRecord>): void;
  /** Resolves when the file says all that was told until now. */
  written(): Promise<void>;
  /** Removes the file; what is told later is not written any more. */
  close(): Promise<void>;
}

/**
 * Keeps `run.json` up to date while processes come and go; one write at a time.
 *
 * @param notice is told why the file could not be written, which stops nothing.
 */
export function createRunRecorder(runFile: string, startedAt: Date, notice: (text: string) => void): RunRecorder {
  const children: Pick<SupervisedChild, 'name' | 'pid'>[] = [];
  let known: Partial<RunRecord> = {};
  let writing: Promise<void> = Promise.resolve();
  let isClosed = false;

  async function write(): Promise<void> {
    if (isClosed) return;
    const running = children.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
    const identified = await Promise.all(
      running.map(async ({ name, pid }) => ({ name, ...(await identifyProcess(pid)) })),
    );
    await writeRunRecord(runFile, {
      ...known,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      children: identified,
    });
  }

  function update(): void {
    writing = writing.then(write).catch((error: unknown) => notice(`${runFile} cannot be written: ${String(error)}`));
  }

  return {
    add(child) {
      children.push(child);
      update();
    },
    update,
    set(values) {
      known = { ...known, ...values };
      update();
    },
    written: () => writing,
    async close() {
      isClosed = true;
      await writing;
      await rm(runFile, { force: true });
    },
  };
}
