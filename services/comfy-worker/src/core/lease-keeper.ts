import type { AcquiredInstance, InstanceLease } from '@atelier/shared/db/instances/instance-store';
import type { Clock } from '../ports.ts';

/** What the keeper needs of Postgres. */
export interface LeaseStore {
  acquire(): Promise<AcquiredInstance | undefined>;
  renew(
    lease: InstanceLease,
  ): Promise<{ outcome: 'renewed'; paused: boolean; cancelledJobIds: string[] } | { outcome: 'lost' }>;
}

export interface LeaseKeeperOptions {
  store: LeaseStore;
  clock: Clock;
  leaseMs: number;
  beatMs: number;
  acquireMs: number;
  /** Each renewal says which of the held jobs a cancel is wanted for, and whether the instance is paused. */
  onBeat: (beat: { paused: boolean; cancelledJobIds: string[] }) => void;
  onWait: (reason: 'held_by_another' | 'database_away', error?: unknown) => void;
}

/** The instance lease while it is held. */
export interface Tenure {
  instance: AcquiredInstance;
  /** Fires when the lease was lost: write nothing, post nothing. */
  signal: AbortSignal;
  /**
   * Milliseconds for which the lease surely still holds, by this process's own clock: counted from before the renewal
   * was sent, so that a stall of this process or a slow answer only ever shortens it.
   */
  validForMs(): number;
  /** Ends the beats; the lease itself stays until it lapses or is released. */
  end(): void;
}

/**
 * Gets the instance lease, waiting as long as another worker holds it or Postgres is away, and keeps it by heartbeats.
 *
 * @throws the signal's reason when it fires while waiting.
 */
export async function takeTenure(options: LeaseKeeperOptions, signal: AbortSignal): Promise<Tenure> {
  const { store, clock } = options;
  for (;;) {
    signal.throwIfAborted();
    const askedAt = clock.now();
    try {
      const instance = await store.acquire();
      if (instance !== undefined) return keep(options, instance, askedAt, signal);
      options.onWait('held_by_another');
    } catch (error) {
      options.onWait('database_away', error);
    }
    await clock.sleep(options.acquireMs, signal);
  }
}

/** Looks in each beat for an answer that does not come. */
const looksPerBeat = 4;
/** Renewals under way at most. */
const maxUnanswered = 4;

/**
 * Renews once a beat. One that is not answered within a quarter of a beat is followed by another, over another connection:
 * a lost packet or a slow statement must not cost the lease of a worker that has little of it left, as after a stall.
 */
function keep(options: LeaseKeeperOptions, instance: AcquiredInstance, askedAt: number, outer: AbortSignal): Tenure {
  const { store, clock, leaseMs, beatMs } = options;
  const lost = new AbortController();
  const ended = new AbortController();
  let validUntil = askedAt + leaseMs;
  let sentAt = askedAt;
  let unanswered = 0;

  async function renew(): Promise<void> {
    const at = clock.now();
    sentAt = at;
    unanswered += 1;
    try {
      const answer = await store.renew(instance);
      if (answer.outcome === 'lost') lost.abort(new Error('the instance lease was lost'));
      else if (at + leaseMs >= validUntil) {
        validUntil = at + leaseMs;
        options.onBeat(answer);
      }
    } catch (error) {
      // Postgres is away: the lease may well be renewed later. Until then validForMs runs down and nothing is posted.
      options.onWait('database_away', error);
    } finally {
      unanswered -= 1;
    }
  }

  async function beat(): Promise<void> {
    const stop = AbortSignal.any([ended.signal, outer, lost.signal]);
    while (!stop.aborted) {
      await clock.sleep(beatMs / looksPerBeat, stop);
      const isDue = unanswered > 0 || clock.now() - sentAt >= beatMs;
      if (isDue && unanswered < maxUnanswered) void renew();
    }
  }

  beat().catch((error: unknown) => {
    if (!ended.signal.aborted && !outer.aborted) lost.abort(error);
  });
  return {
    instance,
    signal: lost.signal,
    validForMs: () => (lost.signal.aborted ? 0 : Math.max(0, validUntil - clock.now())),
    end: () => ended.abort(new Error('the tenure has ended')),
  };
}
