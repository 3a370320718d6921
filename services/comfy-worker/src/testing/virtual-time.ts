/** Time that passes only when everything has been said: what is scheduled happens in order, at once. */
export interface VirtualTime {
  /** Milliseconds since the beginning. */
  now(): number;
  at(timeMs: number, what: () => void): void;
  /** Lets time pass until this moment. */
  advanceTo(timeMs: number): Promise<void>;
}

/** More steps of promises than any one event sets off before it waits for time again. */
const turnsPerEvent = 12;

/** Builds a time that stands at 0. */
export function createVirtualTime(): VirtualTime {
  /** Ordered by time, then by when it was scheduled. */
  const agenda: { timeMs: number; what: () => void }[] = [];
  let now = 0;

  async function settle(): Promise<void> {
    for (let turn = 0; turn < turnsPerEvent; turn += 1) await Promise.resolve();
  }

  return {
    now: () => now,
    at(timeMs, what) {
      const due = Math.max(timeMs, now);
      let place = agenda.length;
      while (place > 0 && (agenda[place - 1]?.timeMs ?? -Infinity) > due) place -= 1;
      agenda.splice(place, 0, { timeMs: due, what });
    },
    async advanceTo(timeMs) {
      await settle();
      for (let next = agenda[0]; next !== undefined && next.timeMs <= timeMs; next = agenda[0]) {
        agenda.shift();
        now = next.timeMs;
        next.what();
        await settle();
      }
      now = timeMs;
    },
  };
}
