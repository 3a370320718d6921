import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { startPlatform, type Platform, type ServiceKey } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';
import { createWebClient, type WebClient } from '../support/web-client.ts';

const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 250 });
let platform: Platform;
let desk: RequestDesk;
let person: WebClient;

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({ comfyuiUrl: url });
  desk = await openRequestDesk(platform);
  person = createWebClient(() => platform.webUrl, 'mei-0123456789');
  await person.untilFinal(await person.submit('a lighthouse'));
});
afterEach(() => simulator.clearFaults());
afterAll(async () => {
  await desk?.close();
  await platform?.stop();
  await simulator.stop();
});

/** Every accepted request has ended once on the page, and the GPU did nothing twice. */
async function expectOneResultEach(requestIds: string[]): Promise<void> {
  const cards = await Promise.all(requestIds.map((id) => person.untilFinal(id)));
  expect(cards.map((card) => card.state)).toEqual(requestIds.map(() => 'succeeded'));
  const posts = await desk.db.sql`
    select request_id, count(*)::int as posts from web_posts where request_id = any(${requestIds}::uuid[])
    group by request_id`;
  expect(posts.map((row) => row['posts'] as number)).toEqual(requestIds.map(() => 1));
  const jobs = await desk.db.sql`select id from jobs where request_id = any(${requestIds}::uuid[])`;
  for (const { id } of jobs) {
    const runs = simulator.log().filter((entry) => JSON.stringify(entry.extraData).includes(String(id)));
    expect(runs).toHaveLength(1);
  }
}

describe('SIGKILL', () => {
  it.each<ServiceKey>(['bot', 'agent', 'comfy-worker'])('of %s loses and doubles nothing', async (key) => {
    const requestIds: string[] = [];
    // What is drawn first is still being drawn when the service dies.
    simulator.inject({ kind: 'hold' });
    const first = await person.submit('a first fox');
    await desk.until(first, (_, jobs) => jobs[0]?.state === 'running');
    const asking = (async () => {
      for (let index = 0; index < 6; index += 1) requestIds.push(await person.submit(`a fox, number ${index}`));
    })();
    const waiting = await person.submit('a second fox');
    await desk.until(waiting, (_, jobs) => jobs.length > 0);
    await platform.kill(key);
    await platform.start(key);
    simulator.clearFaults('hold');
    await asking;
    requestIds.push(first, waiting);
    await expectOneResultEach(requestIds);
  });

  it('of all of them at once loses and doubles nothing', async () => {
    simulator.inject({ kind: 'hold' });
    const requestIds = await Promise.all([1, 2, 3].map((index) => person.submit(`a bear, number ${index}`)));
    const running = () => desk.db.sql`
      select 1 from jobs where request_id = any(${requestIds}::uuid[]) and state = 'running'`;
    await expect.poll(running, { timeout: 20_000 }).toHaveLength(1);
    const keys: ServiceKey[] = ['bot', 'agent', 'comfy-worker'];
    await Promise.all(keys.map((key) => platform.kill(key)));
    await Promise.all(keys.map((key) => platform.start(key)));
    simulator.clearFaults('hold');
    await expectOneResultEach(requestIds);
  });
});

describe('bad input', () => {
  it.each([
    ['nothing', '   '],
    ['20,000 characters', 'fox '.repeat(5_000)],
    ['control characters', 'a fox\u0000 in snow'],
    ['a count of 1,000', '/imagine a fox --n 1000'],
    ['an impossible size', '/imagine a fox --size 5x5'],
  ])('%s is one sentence that says what to change, and nothing enters the queue', async (_what, text) => {
    const before = await desk.db.sql`select count(*)::int as n from requests`;
    const answer = await person.post('/api/requests', { eventId: crypto.randomUUID(), text });
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: { message: { en: string; zh: string } } };
    expect(error.message.en).toMatch(/^[A-Z][^\n]{20,200}$/);
    expect(error.message.zh.length).toBeGreaterThan(3);
    expect(await desk.db.sql`select count(*)::int as n from requests`).toEqual(before);
  });

  it('an unknown model ends as one sentence that names what there is, without a job', async () => {
    const card = await person.untilFinal(await person.submit('/imagine a fox --model nonexistent.safetensors'));
    expect(card.state).toBe('failed');
    expect(JSON.stringify(card)).toMatch(/safetensors/);
    const jobs = await desk.db.sql`select 1 from jobs where request_id = ${card.requestId}`;
    expect(jobs).toHaveLength(0);
  });
});
