import { once } from 'node:events';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { holdLeadership, type LeadershipDesk } from './hold-leadership.ts';

const log = pino({ level: 'silent' });
const leaseMs = 60;

/** A lead that several may claim, with a database that may be away. */
function createLead() {
  let holder: string | undefined;
  let expiresAt = 0;
  const away = new Set<string>();
  const asks = new Map<string, number>();
  const leading = new Set<string>();
  let most = 0;
  const stops: (() => Promise<void>)[] = [];
  const deskOf = (name: string): LeadershipDesk => ({
    async claim(forMs) {
      asks.set(name, (asks.get(name) ?? 0) + 1);
      if (away.has(name)) throw new Error('the database is away');
      if (holder !== undefined && holder !== name && expiresAt > performance.now()) return false;
      holder = name;
      expiresAt = performance.now() + forMs;
      return true;
    },
    async release() {
      if (holder === name) holder = undefined;
    },
  });
  return {
    leading,
    away,
    most: () => most,
    asked: (name: string) => asks.get(name) ?? 0,
    join(name: string) {
      const stopping = new AbortController();
      const done = holdLeadership({
        desk: deskOf(name),
        log,
        signal: stopping.signal,
        leaseMs,
        async lead(term) {
          leading.add(name);
          most = Math.max(most, leading.size);
          if (!term.aborted) await once(term, 'abort');
          leading.delete(name);
        },
      });
      const stop = async (): Promise<void> => {
        stopping.abort();
        await done;
      };
      stops.push(stop);
      return stop;
    },
    stopAll: () => Promise.all(stops.map((stop) => stop())),
  };
}

it('has one leader, and the next when that one stops', async () => {
  const lead = createLead();
  const stopFirst = lead.join('a');
  await vi.waitFor(() => expect([...lead.leading]).toEqual(['a']));
  lead.join('b');
  await stopFirst();
  await vi.waitFor(() => expect([...lead.leading]).toEqual(['b']));
  await lead.stopAll();
  expect(lead.most()).toBe(1);
  expect(lead.leading.size).toBe(0);
});

it('goes on while nobody can be asked, and steps down when it learns that another leads', async () => {
  const lead = createLead();
  lead.join('a');
  await vi.waitFor(() => expect([...lead.leading]).toEqual(['a']));
  lead.away.add('a');
  await vi.waitFor(() => expect(lead.asked('a')).toBeGreaterThan(3));
  expect([...lead.leading]).toEqual(['a']);
  lead.join('b');
  await vi.waitFor(() => expect(lead.leading.has('b')).toBe(true));
  lead.away.delete('a');
  await vi.waitFor(() => expect([...lead.leading]).toEqual(['b']));
  await lead.stopAll();
});

it('ends with the error of whoever leads', async () => {
  const failing = holdLeadership({
    desk: { claim: async () => true, release: async () => undefined },
    log,
    signal: new AbortController().signal,
    leaseMs,
    lead: () => Promise.reject(new Error('a bad token')),
  });
  await expect(failing).rejects.toThrow('a bad token');
});
