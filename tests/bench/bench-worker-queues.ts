import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { PgBoss } from 'pg-boss';

/** Jobs a second. */
export interface OtherQueues {
  pgBoss: number;
  graphileWorker: number;
}

/** As many jobs at a time as our worker has prompts in ComfyUI. */
const concurrency = 2;

/** Other queues on the same Postgres: each fetches a job, does nothing, and completes it, one by one. */
export async function benchOtherQueues(databaseUrl: string, jobs: number): Promise<OtherQueues> {
  return { pgBoss: await benchPgBoss(databaseUrl, jobs), graphileWorker: await benchGraphile(databaseUrl, jobs) };
}

async function benchPgBoss(databaseUrl: string, jobs: number): Promise<number> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: concurrency, supervise: false, schedule: false });
  await boss.start();
  try {
    const queue = 'bench';
    await boss.createQueue(queue);
    await boss.insert(
      queue,
      Array.from({ length: jobs }, (_, index) => ({ data: { index } })),
    );
    const startedAt = performance.now();
    const work = async (): Promise<number> => {
      let done = 0;
      for (;;) {
        const [job] = await boss.fetch(queue);
        if (job === undefined) return done;
        await boss.complete(queue, job.id);
        done += 1;
      }
    };
    const done = await Promise.all(Array.from({ length: concurrency }, work));
    const total = done.reduce((sum, count) => sum + count, 0);
    return (total / (performance.now() - startedAt)) * 1_000;
  } finally {
    await boss.stop({ graceful: false });
  }
}

async function benchGraphile(databaseUrl: string, jobs: number): Promise<number> {
  const silent = {
    connectionString: databaseUrl,
    noHandleSignals: true,
    logger: new Logger(() => () => undefined),
  };
  const utils = await makeWorkerUtils(silent);
  await utils.migrate();
  for (let added = 0; added < jobs; added += 1) await utils.addJob('bench', { added });
  await utils.release();
  let done = 0;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const startedAt = performance.now();
  const runner = await run({
    ...silent,
    concurrency,
    maxPoolSize: concurrency + 2,
    pollInterval: 50,
    taskList: {
      bench() {
        done += 1;
        if (done === jobs) finish();
      },
    },
  });
  await finished;
  const seconds = (performance.now() - startedAt) / 1_000;
  await runner.stop();
  return jobs / seconds;
}
