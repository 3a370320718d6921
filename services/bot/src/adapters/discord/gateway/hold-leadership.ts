import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Who may connect: one process at a time. */
export interface LeadershipDesk {
  /** Takes or keeps the lead for `leaseMs`. */
  claim(leaseMs: number): Promise<boolean>;
  release(): Promise<void>;
}

export interface LeadershipOptions {
  desk: LeadershipDesk;
  log: Logger;
  signal: AbortSignal;
  /** Called with a signal that is aborted when the lead is lost; a new term begins when it has ended. */
  lead: (term: AbortSignal) => Promise<void>;
  leaseMs: number;
}

/**
 * Leads whenever nobody else does, until stopped. A holder that learns that another leads steps down at once. One that
 * cannot ask, because the database is away, goes on: nobody else can take the lead then, and people are told that nothing
 * is accepted, rather than nothing at all. (Should only this process be cut off, both answer for a while; Discord takes the
 * first answer.)
 *
 * @throws what `lead` throws.
 */
export async function holdLeadership(options: LeadershipOptions): Promise<void> {
  const { desk, log, signal, leaseMs } = options;
  let told = false;
  while (!signal.aborted) {
    const leads = await claim(options);
    if (leads === true) {
      told = false;
      await leadTerm(options);
      continue;
    }
    if (leads === false && !told) log.info('another process is connected with this token; standing by');
    told ||= leads === false;
    await pause(leaseMs / 3, signal);
  }
  try {
    await withTimeout(desk.release(), leaseMs / 4);
  } catch (error) {
    log.debug({ err: error }, 'the lead lapses by itself');
  }
}

async function leadTerm(options: LeadershipOptions): Promise<void> {
  const { signal, log, leaseMs } = options;
  const term = new AbortController();
  const end = (): void => term.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const leading = options.lead(term.signal);
  leading.catch(end);
  while (!term.signal.aborted) {
    await pause(leaseMs / 3, term.signal);
    if (term.signal.aborted || (await claim(options)) !== false) continue;
    log.warn('another process leads: disconnecting');
    end();
  }
  signal.removeEventListener('abort', end);
  await leading;
}

/** Undefined where the database is away. */
async function claim({ desk, log, leaseMs }: LeadershipOptions): Promise<boolean | undefined> {
  try {
    return await withTimeout(desk.claim(leaseMs), leaseMs / 4);
  } catch (error) {
    log.debug({ err: error }, 'who leads could not be asked');
    return undefined;
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const done = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: done.signal }).then(() => {
    throw new Error('no answer in time');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
    work.catch(() => undefined);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
