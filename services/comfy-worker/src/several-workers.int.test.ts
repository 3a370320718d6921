import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createSimulator, type Simulator } from '@atelier/comfyui-sim/create-simulator';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { createOutboxRelay, type OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import { useTestDatabase, useTestNats } from '@atelier/tests/support/servers';
import { createWorkerApp } from './app.ts';
import { parseWorkerConfig } from './config.ts';
import { workflowText } from './testing/worker-fixture.ts';

const gpus = 8;
const jobsPerModel = 5;
const log = pino({ level: 'silent' });
const testDatabase = useTestDatabase();
const testNats = useTestNats();
const modelOf = (gpu: number): string => `model-${gpu % gpus}.safetensors`;

let folder: string;
let db: Database;
let bus: Bus;
const simulators: Simulator[] = [];
const relays: OutboxRelay[] = [];
const workers: RunningService[] = [];

beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  folder = await mkdtemp(join(tmpdir(), 'atelier-workers-'));
  db = createDatabase({ url: testDatabase().url, poolSize: 8, applicationName: 'test', log });
  bus = await connectBus({ url: testNats().url, prefix: testNats().prefix, service: 'comfy-worker', log });
  const assets = createFolderAssetStore({ folder, maxBytes: 10_000_000 });
  for (let gpu = 0; gpu < gpus; gpu += 1) {
    // Each has its own model and that of its neighbour.
    const checkpoints = [modelOf(gpu), modelOf(gpu + 1)].toSorted();
    const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 60, inventory: { checkpoints } });
    simulators.push(simulator);
    const { url } = await simulator.start();
    const config = parseWorkerConfig({
      NATS_URL: testNats().url,
      DATABASE_URL: testDatabase().url,
      COMFYUI_URL: url,
      WORKER_INSTANCE: `gpu${gpu}`,
      WORKER_TIME_SCALE: '10',
      ATELIER_MAX_RUNNING: '20',
    });
    const relay = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });
    relays.push(relay);
    workers.push(createWorkerApp({ config, db, bus, relay, assets, log }).start());
  }
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(relays.map((relay) => relay.stop()));
  await bus?.close();
  await db?.close();
  await Promise.all(simulators.map((simulator) => simulator.stop()));
  await rm(folder, { recursive: true, force: true });
});

const runsOn = (gpu: number): string[] =>
  (simulators[gpu]?.log() ?? []).map(({ extraData }) => JSON.stringify(extraData['atelier']));

it('eight workers share one queue, each runs what its ComfyUI has the model for, and nothing runs twice', async () => {
  const jobs: { id: string; model: number }[] = [];
  for (let model = 0; model < gpus; model += 1) {
    const needs = { workflowText, classes: ['EmptyImage'], models: [`checkpoints/${modelOf(model)}`] };
    const { jobIds } = await queueTestJobs(db, jobsPerModel, `person-${model}`, {
      ...needs,
      residencyKey: modelOf(model),
      estimateKey: modelOf(model),
    });
    jobs.push(...jobIds.map((id) => ({ id, model })));
  }
  await vi.waitFor(
    async () => {
      const rows = await db.sql`select state, count(*)::int as jobs from jobs group by state`;
      expect(rows.map((row) => [row['state'], row['jobs']])).toEqual([['succeeded', jobs.length]]);
    },
    { timeout: 20_000, interval: 50 },
  );
  const runs = simulators.map((_, gpu) => runsOn(gpu));
  for (const { id, model } of jobs) {
    const places = runs.flatMap((marks, gpu) => marks.filter((mark) => mark.includes(id)).map(() => gpu));
    expect(places).toHaveLength(1);
    expect([model, (model + gpus - 1) % gpus]).toContain(places[0]);
  }
  expect(runs.every((marks) => marks.length > 0)).toBe(true);
});
