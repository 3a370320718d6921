import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { remainingMs } from './remaining-time.ts';
import { createWakeBell } from './wake-bell.ts';

/**
 * Where one of our jobs is, as its own task says:
 *
 *   preparing  picked; its inputs are uploaded, its POST was not sent. Entry: enter.            Exit: waiting, ended.
 *   waiting    posted, or perhaps posted: in ComfyUI's queue as far as we know. Entry: the POST, adoption. Exit: running, ended.
 *   running    ComfyUI executes it.                                                            Exit: ended.
 *   ended      The executor is done with it; its outputs may still be being stored.             Exit: leave.
 */
export type LinePlace = 'preparing' | 'waiting' | 'running' | 'ended';

/** What the line needs to know of a job. */
export type LineJob = Pick<JobRecord, 'id' | 'class' | 'epoch' | 'promptId'>;

export type RecallReason = 'paused' | 'draining' | 'away' | 'priority' | 'interactive' | 'late' | 'stuck' | 'interrupt';

/** One of our jobs while this worker has it in hand. */
export interface LineEntry {
  readonly jobId: string;
  readonly class: JobRecord['class'];
  /** Of the job's lease: rises by two each time it is picked and goes back. */
  readonly epoch: number;
  readonly place: LinePlace;
  /** What runs of its kind took so far; absent while none was measured. */
  readonly expectedMs: number | undefined;
  /** Fires when the job shall go back to the queue if it has not started yet. */
  readonly recalled: AbortSignal;
  /** The prompt that it was, or will be, posted as. */
  postedAs(promptId: string): void;
  moveTo(place: LinePlace): void;
  /** How far the run is, 0 to 1. */
  progress(fraction: number): void;
  recall(reason: RecallReason): void;
  /** Nothing is left to do for it here. */
  leave(): void;
}

export interface LineRules {
  /** Prompts of ours in ComfyUI at most, the running one included: 1 or 2. At 2, more may be prepared behind quick ones. */
  depth: number;
  /** The next one is picked and prepared when the last one in line has this much left. */
  prepareAheadMs: number;
  /** It is posted when the one before it has this much left. */
  postAheadMs: number;
  /** Monotonic. */
  now: () => number;
  /** Called after every change. */
  onChange: () => void;
}

/**
 * Our prompts in one ComfyUI, in the order in which they were picked: the running one, the one posted behind it, those that
 * are ready to be, and those whose outputs are still being stored. Says when the next may be prepared, and when what is
 * prepared may be posted.
 */
export interface PromptLine {
  enter(job: LineJob, expectedMs: number | undefined): LineEntry;
  entries(): readonly LineEntry[];
  /** Those that the executor is not done with. */
  open(): readonly LineEntry[];
  has(jobId: string): boolean;
  /**
   * Those that are only prepared, behind what may be in ComfyUI, although the run before them takes longer than its kind did:
   * nobody new is to wait behind so many whose times are wrong.
   */
  tooMany(): readonly LineEntry[];
  /** Ids of all prompts that an entry stands behind. */
  promptIds(): ReadonlySet<string>;
  /**
   * Milliseconds until another job may be picked; `Infinity` until something changes.
   *
   * @param chosen what the jobs that are just being picked are expected to take: as if they had entered already.
   */
  msUntilPick(chosen?: readonly (number | undefined)[]): number;
  /** Milliseconds until this one may be posted; `Infinity` until something changes. */
  msUntilPost(entry: LineEntry): number;
  /** Resolves when this one may be posted, or one of the signals fires. */
  untilPost(entry: LineEntry, signals: readonly AbortSignal[]): Promise<void>;
}

interface Member extends LineEntry {
  place: LinePlace;
  promptId: string | undefined;
  startedAtMs: number | undefined;
  fraction: number | undefined;
  wake: () => void;
}

/** Behind a job that is known to take no longer, one more is ready to be posted. */
const quickMs = 500;
/** And further ones while those that are ready take no longer together: what picking them takes. */
const readyMs = 50;
const maxReady = 32;
/** They are picked together once no more than this are left, since each pick is a commit. */
const refillAt = 16;
/** Beyond this an estimate is looked at again before it is believed. */
const longestWaitMs = 60_000;

/** Builds an empty line. */
export function createPromptLine(rules: LineRules): PromptLine {
  const members: Member[] = [];
  /** The run that ended last was late: so are, as far as anybody knows, those that follow it. */
  let wasLate = false;

  /** Who stands behind those that may be posted has nothing to count yet. */
  function changed(): void {
    for (const member of open().slice(0, rules.depth)) member.wake();
    rules.onChange();
  }

  /** What ComfyUI still does for it; `undefined`: nobody knows. */
  function leftMs(member: Member): number | undefined {
    if (member.startedAtMs === undefined) return member.expectedMs;
    const { expectedMs, fraction, startedAtMs } = member;
    return remainingMs({ elapsedMs: rules.now() - startedAtMs, expectedMs, fraction });
  }

  /** It runs, or ran, well past what was measured. */
  function isLate({ startedAtMs, expectedMs }: Member): boolean {
    return startedAtMs !== undefined && expectedMs !== undefined && rules.now() - startedAtMs > expectedMs + quickMs;
  }

  const open = (): Member[] => members.filter(({ place }) => place !== 'ended');

  const line: PromptLine = {
    enter(job, expectedMs) {
      const recall = new AbortController();
      const bell = createWakeBell();
      const member: Member = {
        jobId: job.id,
        class: job.class,
        epoch: job.epoch,
        place: 'preparing',
        recalled: recall.signal,
        promptId: job.promptId ?? undefined,
        expectedMs,
        startedAtMs: undefined,
        fraction: undefined,
        wake: () => bell.ring(),
        postedAs(promptId) {
          member.promptId = promptId;
        },
        moveTo(place) {
          if (member.place === place || member.place === 'ended') return;
          if (place === 'ended') wasLate = isLate(member);
          member.place = place;
          if (place === 'running') member.startedAtMs = rules.now();
          changed();
        },
        progress(fraction) {
          member.fraction = fraction;
          // Only who waits behind it needs to count anew.
          open()[1]?.wake();
        },
        recall: (reason) => recall.abort(new Error(`called back: ${reason}`)),
        leave() {
          const at = members.indexOf(member);
          if (at < 0) return;
          members.splice(at, 1);
          changed();
        },
      };
      members.push(member);
      bells.set(member, bell);
      return member;
    },
    entries: () => members,
    open,
    has: (jobId) => members.some((member) => member.jobId === jobId),
    tooMany() {
      const inLine = open();
      if (!inLine.some(isLate)) return [];
      return inLine.slice(rules.depth).filter(({ place }) => place === 'preparing');
    },
    promptIds: () => new Set(members.flatMap(({ promptId }) => (promptId === undefined ? [] : [promptId]))),
    msUntilPick(chosen = []) {
      const lefts = [...open().map(leftMs), ...chosen];
      const ready = lefts.slice(rules.depth);
      const last = lefts.at(-1);
      if (lefts.length === 0) return 0;
      if (lefts.length < rules.depth) return last === undefined ? 0 : Math.max(0, last - rules.prepareAheadMs);
      if (rules.depth === 1 || last === undefined || last > quickMs) return Infinity;
      if (wasLate || open().some(isLate)) return Infinity;
      if (ready.length === 0) return 0;
      const readyFor = ready.reduce<number>((sum, ms) => sum + (ms ?? Infinity), 0);
      const room = chosen.length === 0 ? refillAt + 1 : maxReady;
      return ready.length < room && readyFor < readyMs ? 0 : Infinity;
    },
    msUntilPost(entry) {
      const inLine = open();
      const place = inLine.findIndex((member) => member === entry);
      const before = inLine[place - 1];
      if (before === undefined) return 0;
      if (place >= rules.depth) return Infinity;
      if (before.place === 'preparing') return Infinity;
      const left = leftMs(before);
      return left === undefined ? 0 : Math.max(0, left - rules.postAheadMs);
    },
    async untilPost(entry, signals) {
      const bell = bells.get(entry);
      if (bell === undefined) return;
      while (!signals.some((signal) => signal.aborted)) {
        bell.clear();
        const waitMs = line.msUntilPost(entry);
        if (waitMs <= 0) return;
        await bell.wait(Math.min(waitMs, longestWaitMs), signals);
      }
    },
  };
  const bells = new WeakMap<LineEntry, ReturnType<typeof createWakeBell>>();
  return line;
}
