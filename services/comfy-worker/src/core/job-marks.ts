import { setTimeout as sleep } from 'node:timers/promises';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import type { Held } from '@atelier/shared/db/jobs/job-transitions';
import { AppError } from '@atelier/shared/errors/app-error';
import type { JobStore } from '../ports.ts';
import { createWakeBell } from './wake-bell.ts';

export interface JobMarksOptions {
  store: Pick<JobStore, 'posted' | 'running'>;
  lease: JobLease;
  retryMs: number;
  /** How long a mark waits for a later one, or for the end, that makes it needless. */
  gatherMs: number;
  /** Ends the tries. */
  signal: AbortSignal;
  /** The row says that a cancel is wanted. */
  onCancelWanted: () => void;
  /** The lease is gone: whoever holds it now goes on with the job. */
  onLost: () => void;
  /** A mark could not be made: Postgres is away, or worse. */
  onTrouble: (error: unknown) => void;
}

/** Writes down how far a prompt is, one statement at a time, each also a check of both leases and of a stored cancel. */
export interface JobMarks {
  posted(): void;
  running(): void;
  /** Nothing more is written: what is written next says it all. Resolves when no statement is under way. */
  close(): Promise<void>;
  /** Writes at once what still waits. Resolves when that is done. */
  flush(): Promise<void>;
  /** Resolves when no statement is under way. */
  settled(): Promise<void>;
}

const steps = ['none', 'posted', 'running'] as const;

/**
 * Builds the marks of one job. A step that is overtaken before its statement was sent is left out, since the later one
 * covers it: a short prompt that already runs when its POST is answered goes from `posting` to `running` at once.
 */
export function createJobMarks(options: JobMarksOptions): JobMarks {
  const { store, lease, signal } = options;
  const hurry = createWakeBell();
  const state = { wanted: 0, written: 0, closed: false, hurried: false, busy: false };
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    try {
      // A moment later: what is over by then needs no marks, its end covers them.
      if (!state.hurried) await hurry.wait(options.gatherMs, []);
      while (state.wanted > state.written && !state.closed && !signal.aborted) await writeOne(state.wanted);
    } finally {
      state.busy = false;
    }
  }

  async function writeOne(step: number): Promise<void> {
    try {
      const held: Held = await (steps[step] === 'posted' ? store.posted(lease) : store.running(lease));
      state.written = step;
      if (!held.held) options.onLost();
      else if (held.cancelRequested) options.onCancelWanted();
    } catch (error) {
      options.onTrouble(error);
      const passes = error instanceof AppError && error.code === 'unavailable';
      // Whether it was written is not known, and a second `posted` would be refused. `running` can be repeated.
      if (!passes || steps[step] === 'posted') state.written = step;
      else await sleep(options.retryMs, undefined, { signal }).catch(() => {});
    }
  }

  function want(step: (typeof steps)[number]): void {
    state.wanted = Math.max(state.wanted, steps.indexOf(step));
    if (state.busy) return;
    state.busy = true;
    writing = write();
  }

  function finishNow(): Promise<void> {
    state.hurried = true;
    hurry.ring();
    return writing;
  }

  return {
    posted: () => want('posted'),
    running: () => want('running'),
    close() {
      state.closed = true;
      return finishNow();
    },
    flush: finishNow,
    async settled() {
      while (state.busy) await writing;
    },
  };
}
