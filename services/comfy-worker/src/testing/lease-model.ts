import type { AcquiredInstance } from '@atelier/shared/db/instances/instance-store';
import { takeTenure, type LeaseStore, type Tenure } from '../core/lease-keeper.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/*
 * The lease protocol in virtual time: the real lease keeper of two workers, a database that keeps the lease by its own
 * clock as the statements of instance-store.ts do, and a network with delays. One worker holds the lease and is stalled,
 * as by SIGSTOP or a paused machine; the other stands by and asks for the lease all the time.
 */

export interface LeaseModelOptions {
  trials: number;
  seed: number;
  /** How long the holder is stalled. */
  stallMs: number;
  /** The times of production unless given. */
  leaseMs?: number;
  beatMs?: number;
  acquireMs?: number;
  postMarginMs?: number;
}

export interface LeaseModelResult {
  trials: number;
  /** Trials in which the one that stood by got the lease although the holder lived on. */
  takeovers: number;
  /** POSTs that went out although the lease was another's. Never. */
  unsafePosts: number;
  /** Writes that Postgres took although the lease was another's. Never. */
  unsafeWrites: number;
  /** Between the end of the stall and a holder that may post again, in ms: the longest. */
  longestBackMs: number;
}

/** Runs trials one after another; the same seed gives the same result. */
export async function runLeaseModel(options: LeaseModelOptions): Promise<LeaseModelResult> {
  const random = createRandom(options.seed);
  const result: LeaseModelResult = { trials: 0, takeovers: 0, unsafePosts: 0, unsafeWrites: 0, longestBackMs: 0 };
  for (; result.trials < options.trials; result.trials += 1) {
    const trial = await runTrial(options, random);
    if (trial.takenOver) result.takeovers += 1;
    result.unsafePosts += trial.unsafePosts;
    result.unsafeWrites += trial.unsafeWrites;
    result.longestBackMs = Math.max(result.longestBackMs, trial.backMs);
  }
  return result;
}

/** 95 % of the time the true rate lies below: exact for none seen (3/N), Wilson's bound above that. */
export function upperBound95(hits: number, trials: number): number {
  if (hits === 0) return 3 / trials;
  const z = 1.645;
  const rate = hits / trials;
  const spread = z * Math.sqrt((rate * (1 - rate)) / trials + (z * z) / (4 * trials * trials));
  return (rate + (z * z) / (2 * trials) + spread) / (1 + (z * z) / trials);
}

type Random = () => number;

/** Numbers from 0 to 1 of a seed (mulberry32). */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * One way between a worker and Postgres: mostly a few ms; one in 100 up to 200 ms, as with a busy disk; one in 10,000 up
 * to 2 s, as with a checkpoint or a lost packet.
 */
function delayOf(random: Random): number {
  const dice = random();
  if (dice < 0.0001) return 200 + random() * 1_800;
  if (dice < 0.01) return 20 + random() * 180;
  return 0.5 + random() * 4.5;
}

/** A timer fires late by what else the process was doing. */
const lateness = (random: Random): number => (random() < 0.02 ? random() * 150 : random() * 3);

interface Stall {
  fromMs: number;
  toMs: number;
}

/** A process: what is due while it is stalled happens when it goes on. */
function createProcess(time: VirtualTime, random: Random, stall: Stall | undefined) {
  const whenAwake = (dueMs: number): number =>
    stall !== undefined && dueMs >= stall.fromMs && dueMs < stall.toMs ? stall.toMs + lateness(random) : dueMs;
  return {
    whenAwake,
    clock: {
      now: time.now,
      sleep: (ms: number, signal?: AbortSignal): Promise<void> =>
        new Promise((resolve, reject) => {
          if (signal?.aborted === true) {
            reject(signal.reason as Error);
            return;
          }
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          time.at(whenAwake(time.now() + ms + lateness(random)), resolve);
        }),
    },
    /** Sends something to the database; nobody waits for the answer. */
    tell: (arrive: () => void): void => time.at(time.now() + delayOf(random), arrive),
    /** Asks something of the database: there and back, each with its delay. */
    ask: <T>(answer: () => T): Promise<T> =>
      new Promise((resolve) => {
        time.at(time.now() + delayOf(random), () => {
          const said = answer();
          time.at(whenAwake(time.now() + delayOf(random)), () => resolve(said));
        });
      }),
  };
}

/** The row of one instance, by the database's clock. */
function createLeaseRow(time: VirtualTime, leaseMs: number) {
  const row = { holder: '', epoch: 0, expiresAtMs: -1 };
  return {
    isHeldBy: (holder: string, epoch: number): boolean =>
      row.holder === holder && row.epoch === epoch && row.expiresAtMs > time.now(),
    get holder() {
      return row.holder;
    },
    acquire(holder: string): AcquiredInstance | undefined {
      if (row.expiresAtMs >= time.now() && row.holder !== holder) return undefined;
      row.holder = holder;
      row.epoch += 1;
      row.expiresAtMs = time.now() + leaseMs;
      return { instanceId: 'gpu0', holder, epoch: row.epoch, clientId: 'c', paused: false, released: false };
    },
    renew(holder: string, epoch: number) {
      if (row.holder !== holder || row.epoch !== epoch || row.expiresAtMs <= time.now())
        return { outcome: 'lost' as const };
      row.expiresAtMs = time.now() + leaseMs;
      return { outcome: 'renewed' as const, paused: false, cancelledJobIds: [] };
    },
  };
}

interface Trial {
  takenOver: boolean;
  unsafePosts: number;
  unsafeWrites: number;
  backMs: number;
}

/** Between two tries of the holder to post and to write. */
const workMs = 97;
/** Watched after the stall. */
const afterMs = 4_000;

async function runTrial(options: LeaseModelOptions, random: Random): Promise<Trial> {
  const { leaseMs = 7_000, beatMs = 1_000, acquireMs = 500, postMarginMs = 2_000, stallMs } = options;
  const time = createVirtualTime();
  const row = createLeaseRow(time, leaseMs);
  const fromMs = 5_000 + random() * 2_000;
  const stall = { fromMs, toMs: fromMs + stallMs };
  const trial: Trial = { takenOver: false, unsafePosts: 0, unsafeWrites: 0, backMs: 0 };
  const ended = new AbortController();

  function begin(
    name: string,
    stalled: Stall | undefined,
  ): { process: ReturnType<typeof createProcess>; tenure: () => Tenure | undefined } {
    const process = createProcess(time, random, stalled);
    let tenure: Tenure | undefined;
    const store: LeaseStore = {
      acquire: () => process.ask(() => row.acquire(name)),
      renew: (lease) => process.ask(() => row.renew(name, lease.epoch)),
    };
    const keeper = { store, clock: process.clock, leaseMs, beatMs, acquireMs, onBeat: () => {}, onWait: () => {} };
    takeTenure(keeper, ended.signal).then(
      (taken) => (tenure = taken),
      () => {},
    );
    return { process, tenure: () => tenure };
  }

  const holder = begin('holder', stall);
  for (let atMs = 100; holder.tenure() === undefined; atMs += 100) await time.advanceTo(atMs);
  const standby = begin('standby', undefined);
  const standbyHolds = (): boolean => (standby.tenure()?.validForMs() ?? 0) > 0;

  let mayPostAgainAt: number | undefined;
  for (let atMs = time.now(); atMs < stall.toMs + afterMs; atMs += workMs) {
    const dueMs = holder.process.whenAwake(atMs);
    await time.advanceTo(Math.max(dueMs, time.now()));
    const tenure = holder.tenure();
    if (tenure === undefined) continue;
    const { epoch } = tenure.instance;
    if (tenure.validForMs() >= postMarginMs) {
      if (!row.isHeldBy('holder', epoch)) trial.unsafePosts += 1;
      if (time.now() >= stall.toMs) mayPostAgainAt ??= time.now();
    }
    // A write carries the epoch; the database decides when it arrives, which may be after a takeover.
    holder.process.tell(() => {
      if (row.isHeldBy('holder', epoch) && standbyHolds()) trial.unsafeWrites += 1;
    });
  }
  trial.takenOver = row.holder === 'standby';
  if (!trial.takenOver) trial.backMs = (mayPostAgainAt ?? Infinity) - stall.toMs;
  ended.abort(new Error('the trial is over'));
  await time.advanceTo(time.now());
  return trial;
}
