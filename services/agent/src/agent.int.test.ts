import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import { parseAgentConfig } from './config.ts';
import type { ModelPort } from './loop/model-port.ts';
import type { AgentModel } from './session/agent-model.ts';
import { registryTextWithCheckpoints, startAgentWorld, type AgentWorld } from './testing/start-agent-world.ts';

function useWorld(): () => AgentWorld {
  let world: AgentWorld | undefined;
  beforeAll(async () => {
    world = await startAgentWorld();
  });
  afterAll(() => world?.close());
  return () => {
    if (world === undefined) throw new Error('the world exists only inside tests');
    return world;
  };
}

/** A model that never answers; `reading` tells that it was asked, `ended` that it was told to stop. */
function hangingModel(): { model: AgentModel; reading: Promise<void>; ended: Promise<void> } {
  const reading = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const { agent } = parseAgentConfig({ DATABASE_URL: 'postgres://localhost/none', NATS_URL: 'nats://localhost' });
  const port: ModelPort = {
    model: 'silent',
    reply(_call, _hooks, signal) {
      reading.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended.resolve();
          reject(new Error('ended'));
        });
      });
    },
  };
  return { reading: reading.promise, ended: ended.promise, model: { ...agent, port } };
}

describe('one agent with a registry', () => {
  const world = useWorld();
  beforeAll(async () => {
    await world().publishRegistry();
    await world().startAgent({ sweepMs: 600_000 });
  });

  test('words become one job with the plan on the request', async () => {
    const id = await world().submit({ kind: 'words', text: 'a red fox in snow, portrait, 2 images' });
    const request = await world().until(id, 'working');
    expect(request.plan).toMatchObject({ prompt: 'a red fox in snow', count: 2, width: 448, height: 576 });
    const jobs = await world().jobsOf(id);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ state: 'queued', images: 2, index: 0 });
    expect(jobs[0]?.workflowText).toContain('a red fox in snow');
    expect(jobs[0]?.classes).toContain('KSampler');
  });

  test('a job is announced', async () => {
    const heard = Promise.withResolvers<string>();
    const ears = world().bus.subscribeDoorbell('jobChanged', { state: 'queued' }, ({ jobId }) => heard.resolve(jobId));
    const id = await world().submit({ kind: 'imagine', options: { prompt: 'a bell' } });
    const jobId = await heard.promise;
    await ears.stop();
    expect((await world().jobsOf(id)).map((job) => job.id)).toEqual([jobId]);
  });

  test('what cannot be done ends at once, and nothing enters the queue', async () => {
    const id = await world().submit({ kind: 'imagine', options: { prompt: 'x', model: 'nowhere.safetensors' } });
    const request = await world().until(id, 'failed');
    expect(request.error?.message.en).toContain('nowhere.safetensors');
    expect(await world().jobsOf(id)).toEqual([]);
  });

  test('small talk is answered in the language of the person', async () => {
    const id = await world().submit({ kind: 'words', text: 'hi' }, { language: 'zh' });
    expect((await world().until(id, 'replied')).reply).toContain('你好');
  });

  test('a repeat has the same plan with another seed', async () => {
    const first = await world().submit({ kind: 'words', text: 'a lighthouse, seed 7' });
    const before = await world().until(first, 'working');
    const again = await world().submit({ kind: 'rerun', requestId: first });
    const after = await world().until(again, 'working');
    expect(after.plan).toMatchObject({ prompt: 'a lighthouse', recipe: before.plan?.recipe });
    expect(after.plan?.seed).not.toBe('7');
  });

  test('the list of recipes says what runs and why not', async () => {
    const list = await world().bus.ask('recipeList', {}, {});
    expect(list.models).toContain('tiny-a.safetensors');
    expect(list.recipes.find(({ id }) => id === 'text-to-image')).toMatchObject({ runnable: true });
    const missing = list.recipes.find(({ id }) => id === 'text-to-image-qwen');
    expect(missing).toMatchObject({
      runnable: false,
      reasons: [expect.stringContaining('Qwen'), expect.anything(), expect.anything()],
    });
  });

  test('a new registry changes what is planned', async () => {
    await world().publishRegistry('gpu-0', registryTextWithCheckpoints(['sd_xl_base_1.0.safetensors']));
    for (;;) {
      const { models } = await world().bus.ask('recipeList', {}, {});
      if (models.includes('sd_xl_base_1.0.safetensors')) break;
    }
    const id = await world().submit({ kind: 'words', text: 'a fox, square' });
    expect((await world().until(id, 'working')).plan).toMatchObject({ recipe: 'text-to-image-sdxl', width: 1024 });
  });
});

describe('doorbells that nobody heard', () => {
  const world = useWorld();

  test('before a registry is published a request waits, then it is planned at once', async () => {
    const agent = await world().startAgent({ sweepMs: 600_000 });
    const id = await world().submit({ kind: 'words', text: 'a fox' });
    await expect(world().bus.ask('recipeList', {}, {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readRequest(world().db, id)).toMatchObject({ state: 'accepted', agentEpoch: 0 });
    await world().publishRegistry();
    expect(await world().until(id, 'working')).toMatchObject({ agentEpoch: 1 });
    await agent.stop();
  });

  test('requests of the time without an agent are planned at its start', async () => {
    const ids = await Promise.all(
      ['a cup', 'a bowl', '一把勺子'].map((text) => world().submit({ kind: 'words', text }, { silent: true })),
    );
    const agent = await world().startAgent({ sweepMs: 600_000 });
    for (const id of ids) expect(await world().until(id, 'working')).toMatchObject({ jobsTotal: 1 });
    await agent.stop();
  });

  test('with NATS wiped, requests are found in Postgres, and doorbells ring again', async () => {
    const agent = await world().startAgent({ sweepMs: 100 });
    await world().wipeNats();
    const silent = await world().submit({ kind: 'words', text: 'a fox' }, { silent: true });
    expect(await world().until(silent, 'working')).toMatchObject({ jobsTotal: 1 });
    await world().bus.declareStreams();
    const loud = await world().submit({ kind: 'words', text: 'another fox' });
    expect(await world().until(loud, 'working')).toMatchObject({ jobsTotal: 1 });
    await agent.stop();
  });

  test('a request whose agent died is planned when the lease lapses', async () => {
    const id = await world().submit({ kind: 'words', text: 'a fox' }, { silent: true });
    const [claimed] = await claimRequests(world().db, { holder: randomUUID(), leaseMs: 400, limit: 1, requestId: id });
    expect(claimed).toMatchObject({ id, state: 'planning', agentEpoch: 1 });
    const agent = await world().startAgent({ sweepMs: 50 });
    expect(await world().until(id, 'working')).toMatchObject({ agentEpoch: 2 });
    expect(await world().jobsOf(id)).toHaveLength(1);
    await agent.stop();
  });
});

describe('several agents', () => {
  const world = useWorld();
  beforeAll(() => world().publishRegistry());

  test('plan each request once, however they race', async () => {
    const agents = await Promise.all([
      world().startAgent({ sweepMs: 20 }),
      world().startAgent({ sweepMs: 20 }),
      world().startAgent({ sweepMs: 20 }),
    ]);
    const ids = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        world().submit({ kind: 'words', text: `fox number ${index}, 3 images` }),
      ),
    );
    for (const id of ids) {
      const request = await world().until(id, 'working');
      expect(request).toMatchObject({ agentEpoch: 1, jobsTotal: 1, version: 3 });
    }
    const rows = await world().db.sql`select count(*)::int as jobs from jobs`;
    expect(rows[0]?.['jobs']).toBe(ids.length);
    await Promise.all(agents.map((agent) => agent.stop()));
  });

  test('the lease is renewed while a plan takes its time', async () => {
    const slow = hangingModel();
    const first = await world().startAgent({ model: slow.model, leaseMs: 900, sweepMs: 50 });
    const id = await world().submit({ kind: 'words', text: 'a slow fox' });
    await slow.reading;
    const second = await world().startAgent({ sweepMs: 20 });
    const other = await world().submit({ kind: 'imagine', options: { prompt: 'a quick fox' } });
    await world().until(other, 'working');
    const leases = async () => {
      const rows = await world().db.sql`select agent_lease_expires_at as until from requests where id = ${id}`;
      return Number(rows[0]?.['until']);
    };
    const before = await leases();
    while ((await leases()) < before + 600) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await readRequest(world().db, id)).toMatchObject({ state: 'planning', agentEpoch: 1 });

    // Stopped in good order, the first gives the request back, and the second plans it.
    await first.stop();
    await slow.ended;
    expect(await world().until(id, 'working')).toMatchObject({ agentEpoch: 2 });
    await second.stop();
  });

  test('a cancel ends the planning', async () => {
    const slow = hangingModel();
    const agent = await world().startAgent({ model: slow.model, sweepMs: 600_000 });
    const id = await world().submit({ kind: 'words', text: 'a fox that nobody wants' });
    await slow.reading;
    const outcome = await cancelRequest(world().db, id);
    expect(outcome.outcome).toBe('cancelling');
    world().bus.publishLive('cancelWake', {}, { requestId: id, jobIds: [] }, id);
    await slow.ended;
    await agent.stop();
    expect(await readRequest(world().db, id)).toMatchObject({ state: 'cancelled', jobsTotal: 0 });
  });
});

describe('a doorbell that cannot be handled', () => {
  const world = useWorld();

  test('fails its request, and the person is told', async () => {
    await world().publishRegistry();
    const agent = await world().startAgent({ sweepMs: 600_000 });
    // Claiming is broken for good, as by a bug; ending the request is not.
    await world().db.sql`alter table requests rename column agent_not_before to elsewhere`;
    const id = await world().submit({ kind: 'words', text: 'a fox' });
    const request = await world().until(id, 'failed');
    expect(request.error).toMatchObject({ code: 'internal', message: { en: expect.stringContaining('our side') } });
    const owed = await world().db.sql`select kind from deliveries where request_id = ${id}`;
    expect(owed.map((row) => String(row['kind']))).toEqual(['result']);
    await agent.stop();
  });
});
