import type { Database } from '@atelier/shared/db/connect-database';
import { readPlatformFigures, type PlatformFigures } from '@atelier/shared/db/gateway/read-platform-figures';
import type { MetricsSource } from '@atelier/shared/lifecycle/health-server';
import type { Logger } from '@atelier/shared/log/create-logger';
import { Gauge, type Registry } from '@atelier/shared/metrics/service-metrics';

/** Somebody who looks more often sees the same figures. */
const freshMs = 2_000;

/**
 * The gateway's own figures and those of the whole installation, which it reads from Postgres at a look. While Postgres is away,
 * `atelier_database_up` is 0 and the rest are as of the last look.
 */
export function createPlatformMetrics(options: { db: Database; registry: Registry; log: Logger }): MetricsSource {
  const { registry } = options;
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `atelier_${name}`, help, labelNames, registers });

  const up = gauge('database_up', 'Postgres answered at the last look');
  const jobs = gauge('jobs', 'Unfinished GPU jobs', ['state', 'class']);
  const jobAge = gauge('oldest_job_seconds', 'Age of the oldest GPU job in a state', ['state', 'class']);
  const requests = gauge('requests', 'Unfinished requests', ['state', 'door']);
  const requestAge = gauge('oldest_request_seconds', 'Age of the oldest request in a state', ['state', 'door']);
  const waits = gauge('wait_seconds', 'From queued to started, of jobs that ended in the last hour', [
    'class',
    'quantile',
  ]);
  const runs = gauge('run_seconds', 'On the GPU, of jobs that ended in the last hour', ['recipe', 'quantile']);
  const runCount = gauge('runs', 'Jobs that succeeded in the last hour', ['recipe']);
  const ended = gauge('ended_jobs', 'Jobs that ended in the last hour', ['state', 'code']);
  const troubles = gauge('job_troubles', 'Of jobs that ended in the last hour', ['kind']);
  const busy = gauge('gpu_busy_share', 'Share of the last five minutes in which a GPU had work of ours', ['instance']);
  const alive = gauge('instance_alive', 'A worker holds the instance', ['instance']);
  const paused = gauge('instance_paused', 'The instance is paused', ['instance']);
  const foreign = gauge('foreign_prompts', 'Prompts in a ComfyUI that are not ours', ['instance']);
  const deliveries = gauge('deliveries', 'Messages owed to people', ['door', 'state']);
  const deliveryAge = gauge('oldest_delivery_seconds', 'Age of the oldest message owed', ['door', 'state']);
  const webhooks = gauge('webhook_messages', 'Messages to webhooks that are kept', ['state']);
  const outbox = gauge('outbox_rows', 'Messages owed to NATS');
  const outboxAge = gauge('outbox_oldest_seconds', 'Age of the oldest message owed to NATS');
  const today = gauge('today', 'Used today (UTC) by everybody', ['what']);

  function take(figures: PlatformFigures): void {
    for (const each of [jobs, jobAge, requests, requestAge, waits, runs, runCount, ended, busy, alive, paused, foreign])
      each.reset();
    for (const each of [deliveries, deliveryAge, webhooks]) each.reset();
    for (const one of figures.jobs) {
      jobs.set({ state: one.state, class: one.class }, one.jobs);
      jobAge.set({ state: one.state, class: one.class }, one.oldestSeconds);
    }
    for (const one of figures.requests) {
      requests.set({ state: one.state, door: one.door }, one.requests);
      requestAge.set({ state: one.state, door: one.door }, one.oldestSeconds);
    }
    for (const { class: ofClass, p50, p95 } of figures.waits) {
      if (p50 !== null) waits.set({ class: ofClass, quantile: '0.5' }, p50);
      if (p95 !== null) waits.set({ class: ofClass, quantile: '0.95' }, p95);
    }
    for (const { recipe, p50, p95, count } of figures.runs) {
      if (p50 !== null) runs.set({ recipe, quantile: '0.5' }, p50);
      if (p95 !== null) runs.set({ recipe, quantile: '0.95' }, p95);
      runCount.set({ recipe }, count);
    }
    for (const { state, code, jobs: count } of figures.ended) ended.set({ state, code }, count);
    troubles.set({ kind: 'retried' }, figures.retries);
    troubles.set({ kind: 'recovered' }, figures.recovered);
    troubles.set({ kind: 'lost_with_comfyui' }, figures.crashes);
    troubles.set({ kind: 'out_of_memory' }, figures.outOfMemory);
    for (const one of figures.instances) {
      const instance = { instance: one.id };
      busy.set(instance, one.busyShare);
      alive.set(instance, Number(one.alive));
      paused.set(instance, Number(one.paused));
      foreign.set(instance, one.foreignPrompts);
    }
    for (const { door, state, deliveries: count, oldestSeconds } of figures.deliveries) {
      deliveries.set({ door, state }, count);
      deliveryAge.set({ door, state }, oldestSeconds);
    }
    for (const { state, deliveries: count } of figures.webhooks) webhooks.set({ state }, count);
    outbox.set(figures.outbox);
    outboxAge.set(figures.outboxOldestSeconds);
    for (const [what, value] of Object.entries(figures.today)) today.set({ what }, value);
  }

  let lookedAt = -Infinity;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      take(await readPlatformFigures(options.db));
      up.set(1);
      lookedAt = performance.now();
    } catch (error) {
      up.set(0);
      options.log.warn({ err: error }, 'the figures could not be read');
    }
  }

  return {
    contentType: registry.contentType,
    async metrics() {
      if (performance.now() - lookedAt > freshMs) {
        looking ??= look().finally(() => (looking = undefined));
        await looking;
      }
      return registry.metrics();
    },
  };
}
