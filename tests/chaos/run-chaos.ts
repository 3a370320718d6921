import { setTimeout as sleep } from 'node:timers/promises';
import { postgresArrayTypes } from '@atelier/shared/db/array-types';
import postgres, { type Sql } from 'postgres';
import { createWebClient, type WebClient } from '../support/web-client.ts';
import { applyFault, type ChaosRecord } from './apply-fault.ts';
import { askForPictures, type AskingRecord } from './ask-for-pictures.ts';
import { processKeys, type ProcessKey } from './chaos-fault.ts';
import type { ChaosServers } from './chaos-servers.ts';
import { startChaosWorld, type ChaosWorld, type UnexpectedEnd } from './chaos-world.ts';
import { planChaos, type ChaosPlan } from './plan-chaos.ts';
import { countOpen, readDeliveryTimes, readExecutions, readHashes, readRequests } from './read-evidence.ts';
import { reconcile, type Reconciliation } from './reconcile.ts';
import { isAlone, repostTimes, watchAdoptions, type AdoptionWatch, type RecoverySample } from './recovery-times.ts';

/** What one run did and found. */
export interface ChaosRun {
  seed: number;
  seconds: number;
  faults: Record<string, number>;
  reconciliation: Reconciliation;
  /** Stored files that the page did not serve. */
  missingFiles: string[];
  /** Requests that nobody could get accepted, and faults that found nothing to break. */
  notAccepted: number;
  skippedFaults: number;
  unexpectedEnds: readonly UnexpectedEnd[];
  /** From the kill of a worker to its job with another one; from ComfyUI's first answer to a prompt that runs. */
  recovery: { worker: RecoverySample[]; comfyui: RecoverySample[] };
  /** From the end of each request to its result on the page, in ms. */
  deliveryMs: number[];
  /** Of whatever was lost or doubled, or ran twice: how it ended and what the services said last. */
  trouble: string[];
}

export interface ChaosProgress {
  seconds: number;
  asked: number;
  accepted: number;
  open: number;
  faults: number;
  plannedFaults: number;
}

export interface RunChaosOptions {
  servers: ChaosServers;
  seed: number;
  requests: number;
  scale: number;
  onProgress: (progress: ChaosProgress) => void;
  /** Ends the run early. */
  signal: AbortSignal;
}

const progressMs = 1_000;
/** For whatever is still open after everything was healed; deliveries of a bot that was killed are free again after 60 s. */
const settleMs = 150_000;

/** Breaks one platform by the plan of its seed, heals it, waits until everything accepted has its result, and reconciles. */
export async function runChaos(options: RunChaosOptions): Promise<ChaosRun> {
  const { servers, seed, scale, signal } = options;
  const startedAt = Date.now();
  const plan = planChaos(options);
  const name = `chaos_${seed}_${startedAt.toString(36)}`;
  const databaseUrl = await servers.createDatabase(name);
  const world = await startChaosWorld({
    natsUrl: servers.natsUrl,
    natsPrefix: name.replaceAll('_', ''),
    databaseUrl,
    scale,
    seed,
  });
  const sql = postgres(databaseUrl, {
    max: 3,
    onnotice: () => undefined,
    connect_timeout: 5,
    fetch_types: false,
    types: postgresArrayTypes,
  });
  const adoptions = watchAdoptions(sql);
  const broken: ChaosRecord = { spans: [], crashes: [], stalls: [], skipped: 0 };
  const asked: AskingRecord = { accepted: [], secondAnswers: [], givenUp: [], cancelled: 0 };
  try {
    // The first one also waits for the registry.
    const first = createWebClient(() => world.webUrl, 'chaos-first-person');
    asked.accepted.push({ requestId: await first.submit('a lighthouse, 256x256'), images: 1 });
    await first.untilFinal(asked.accepted[0]?.requestId ?? '', 60_000);

    const ended = new AbortController();
    const reporting = reportProgress(options, { startedAt, plan, broken, asked, sql }, ended.signal);
    try {
      await breakAndAsk({ world, servers, adoptions, plan, broken, asked, signal });
      await heal(world);
      await settle(world, sql, asked, signal);
    } finally {
      ended.abort();
      await reporting;
    }
    return await judge({ world, sql, adoptions, plan, broken, asked, first, startedAt });
  } finally {
    await adoptions.close();
    await sql.end({ timeout: 5 });
    await world.stop();
  }
}

interface Breaking {
  world: ChaosWorld;
  servers: ChaosServers;
  adoptions: AdoptionWatch;
  plan: ChaosPlan;
  broken: ChaosRecord;
  asked: AskingRecord;
  signal: AbortSignal;
}

async function breakAndAsk({ world, servers, adoptions, plan, broken, asked, signal }: Breaking): Promise<void> {
  const people = new Map<string, WebClient>();
  const personOf = (name: string): WebClient => {
    const known = people.get(name) ?? createWebClient(() => world.webUrl, `chaos-${name}-0123456789`);
    people.set(name, known);
    return known;
  };
  const down = new Set<'nats' | 'postgres'>();
  const lastAtMs = Math.max(...plan.requests.map(({ atMs }) => atMs), 0);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(lastAtMs + settleMs)]);
  const breaking = plan.faults.map(async ({ atMs, fault }) => {
    await sleep(atMs, undefined, { signal });
    await applyFault({ world, servers, adoptions, record: broken, down }, fault);
  });
  const asking = plan.requests.map((request) =>
    // What was not accepted carries no promise; it is counted.
    askForPictures({ person: personOf(request.person), request, record: asked, signal: patience }).catch(
      () => undefined,
    ),
  );
  const outcomes = await Promise.allSettled(breaking);
  signal.throwIfAborted();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  await Promise.race([Promise.all(asking), aborted(signal)]);
  signal.throwIfAborted();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Everything runs again and nothing is broken. */
async function heal(world: ChaosWorld): Promise<void> {
  for (const simulator of world.simulators) simulator.clearFaults();
  await Promise.all(world.simulators.map((simulator) => simulator.start()));
  await Promise.all(processKeys.map((key) => world.start(key)));
}

async function settle(world: ChaosWorld, sql: Sql, asked: AskingRecord, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + settleMs;
  const ids = asked.accepted.map(({ requestId }) => requestId);
  while (Date.now() < deadline && !signal.aborted) {
    await world.reviveEnded();
    if ((await countOpen(sql, ids)) === 0) return;
    await sleep(100);
  }
  signal.throwIfAborted();
}

interface Judging {
  world: ChaosWorld;
  sql: Sql;
  adoptions: AdoptionWatch;
  plan: ChaosPlan;
  broken: ChaosRecord;
  asked: AskingRecord;
  first: WebClient;
  startedAt: number;
}

async function judge(facts: Judging): Promise<ChaosRun> {
  const { world, sql, adoptions, broken, asked } = facts;
  const executions = readExecutions(world.simulators);
  const reconciliation = reconcile({
    accepted: asked.accepted,
    secondAnswers: asked.secondAnswers,
    requests: await readRequests(sql, asked.givenUp),
    executions,
    crashes: broken.crashes,
    stalls: broken.stalls,
  });
  const faults: Record<string, number> = {};
  for (const { fault } of broken.spans) faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
  return {
    seed: facts.plan.seed,
    seconds: (Date.now() - facts.startedAt) / 1_000,
    faults,
    reconciliation,
    missingFiles: await findMissingFiles(facts.first, await readHashes(sql)),
    notAccepted: asked.givenUp.length,
    skippedFaults: broken.skipped,
    unexpectedEnds: [...world.unexpectedEnds],
    recovery: {
      worker: adoptions.samples.map(({ from, to, span }) => ({
        ms: to - from,
        alone: isAlone(from, to, span, broken.spans),
      })),
      comfyui: repostTimes(broken.crashes, executions, broken.spans),
    },
    deliveryMs: await readDeliveryTimes(sql),
    trouble: await describeTrouble(sql, world, reconciliation),
  };
}

async function findMissingFiles(person: WebClient, hashes: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const hash of hashes) {
    const answer = await person.get(`/api/assets/${hash}`);
    const bytes = await answer.arrayBuffer();
    if (!answer.ok || bytes.byteLength === 0) missing.push(hash);
  }
  return missing;
}

async function describeTrouble(sql: Sql, world: ChaosWorld, found: Reconciliation): Promise<string[]> {
  const jobIds = found.repeats.underKills;
  const requestIds = [...found.lost, ...found.doubled];
  if (jobIds.length + requestIds.length === 0) return [];
  const rows = await sql`
    select r.id as request, r.state as request_state, r.error as request_error, d.state as delivery, j.id as job, j.state,
      j.epoch, j.attempts, j.takeovers, j.crashes, j.prompt_id, j.instance_id, j.queued_at, j.started_at, j.finished_at
    from requests r left join jobs j on j.request_id = r.id
      left join deliveries d on d.request_id = r.id and d.kind = 'result'
    where r.id = any(${requestIds}::uuid[]) or j.id = any(${jobIds}::uuid[])`;
  const ids = [...requestIds, ...jobIds, ...rows.map((row) => String(row['job']))];
  const said = processKeys.flatMap((key: ProcessKey) =>
    world
      .log(key)
      .split('\n')
      .filter((line) => ids.some((id) => line.includes(id)))
      .map((line) => `${key}: ${line}`),
  );
  const ran = readExecutions(world.simulators).filter(({ jobId }) => ids.includes(jobId));
  return [...rows.map((row) => JSON.stringify(row)), ...ran.map((run) => JSON.stringify(run)), ...said];
}

async function reportProgress(
  options: RunChaosOptions,
  facts: { startedAt: number; plan: ChaosPlan; broken: ChaosRecord; asked: AskingRecord; sql: Sql },
  signal: AbortSignal,
): Promise<void> {
  let open = 0;
  while (!signal.aborted) {
    const ids = facts.asked.accepted.map(({ requestId }) => requestId);
    open = await countOpen(facts.sql, ids).catch(() => open);
    options.onProgress({
      seconds: (Date.now() - facts.startedAt) / 1_000,
      asked: facts.plan.requests.length + 1,
      accepted: ids.length,
      open,
      faults: facts.broken.spans.length,
      plannedFaults: facts.plan.faults.length,
    });
    await sleep(progressMs, undefined, { signal }).catch(() => undefined);
  }
}
