import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { finishJob } from '@atelier/shared/db/jobs/finish-jobs';
import { markRunning } from '@atelier/shared/db/jobs/job-transitions';
import { readFinishedRuns } from '@atelier/shared/db/jobs/read-runs';
import { reportInstance } from '@atelier/shared/db/instances/instance-store';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { holdTestInstance, pickTestJob, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { createQueueWatch } from './queue-watch.ts';

const testDatabase = useTestDatabase();
const log = pino({ level: 'silent' });
let db: Database;

beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  db = createDatabase({ url: testDatabase().url, poolSize: 4, applicationName: 'test', log });
});
afterAll(() => db.close());

const output = { index: 0, hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 10, nodeId: '1', filename: 'x.png' };
const kind = { model: 'sdxl', steps: 20, pixels: 1_000_000, loras: 0 };

describe('the queue watch', () => {
  it('forecasts, explains, keeps what it said, and learns from what became of it, also after a restart', async () => {
    const instance = await holdTestInstance(db, 'gpu0', 60_000);
    await reportInstance(db, instance, { registry: { hash: 'r1', classes: ['SaveImage'], models: ['vae/a.pt'] } });
    const first = await queueTestJobs(db, 1, 'mei', kind);
    const running = await pickTestJob(db, instance, first.jobIds[0]!);
    await markRunning(db, running);
    const second = await queueTestJobs(db, 1, 'ana', kind);
    const third = await queueTestJobs(db, 1, 'bo', { ...kind, models: ['checkpoints/flux.safetensors'] });

    const jobId = first.jobIds[0]!;
    const progress = new Map([[jobId, { jobId, requestId: first.requestId, fraction: 0.9, elapsedMs: 900 }]]);
    const queue = createQueueWatch({ db, log, progress });
    const moved: string[] = [];
    const off = queue.watchPlaces((requestIds) => moved.push(...requestIds));
    await queue.read();
    expect(queue.forecasts.get(first.requestId)?.place).toBe(0);
    expect(queue.forecasts.get(first.requestId)?.ends?.high).toBeCloseTo(0.14);
    expect(queue.forecasts.get(second.requestId)?.starts?.high).toBeGreaterThan(5);
    expect(queue.forecasts.get(third.requestId)?.blocked?.kind).toBe('missing_models');
    expect(queue.explain(third.requestId, 'en')).toContain('flux.safetensors');
    expect(queue.reasons.get(second.requestId)?.zh).toContain('已加载的模型');
    expect(moved).toHaveLength(3);
    await vi.waitFor(async () => {
      const rows = await db.sql`select id from jobs where promise is not null`;
      expect(rows.map(({ id }) => id)).toEqual(second.jobIds);
    });

    await finishJob(db, running, { outputs: [output], gpuSeconds: 100 });
    const next = await pickTestJob(db, instance, second.jobIds[0]!);
    await markRunning(db, next);
    await finishJob(db, next, { outputs: [output], gpuSeconds: 100 });
    moved.length = 0;
    await queue.read();
    expect(moved).toEqual([third.requestId]);
    off();
    queue.stop();

    const [, learned] = await readFinishedRuns(db, { limit: 10 });
    expect(learned).toMatchObject({ ...kind, gpuSeconds: 100, promise: { conditions: { people: 2 } } });
    expect(learned?.waitedSeconds).toBeGreaterThan(0);
    expect(await readFinishedRuns(db, { limit: 10, after: (learned?.finishedAt ?? 0) + 10 })).toEqual([]);

    await pickTestJob(db, instance, (await queueTestJobs(db, 1, 'mei', kind)).jobIds[0]!);
    const again = createQueueWatch({ db, log, progress: new Map() });
    const fourth = await queueTestJobs(db, 1, 'mei', kind);
    await again.read();
    expect(again.forecasts.get(fourth.requestId)?.starts?.high).toBeGreaterThan(10);
    again.stop();
  });
});
