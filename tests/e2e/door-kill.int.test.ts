import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { createAccount } from '@atelier/shared/db/gateway/api-accounts';
import { createApiToken, usualScopes } from '@atelier/shared/db/gateway/api-tokens';
import { startPlatform, type Platform, type ServiceKey } from '../support/platform.ts';
import { untilSeen } from '../support/telegram/until-seen.ts';
import { createWebClient, type WebClient } from '../support/web-client.ts';

const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 150 });
const keys: ServiceKey[] = ['bot', 'agent', 'comfy-worker', 'gateway'];
let platform: Platform;
let db: Database;
let token = '';
let person: WebClient;

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({ comfyuiUrl: url, services: keys });
  const log = pino({ level: 'silent' });
  db = createDatabase({ url: platform.databaseUrl, poolSize: 2, applicationName: 'test', log });
  const { account } = await createAccount(db, { displayName: 'Mei', language: 'en' });
  token = (await createApiToken(db, { account, name: 'test', scopes: usualScopes, expiresAt: undefined })).secret;
  person = createWebClient(() => platform.webUrl, 'mei-0123456789');
  await person.untilFinal(await person.submit('a lighthouse'));
});
afterAll(async () => {
  await db?.close();
  await platform?.stop();
  await simulator.stop();
});

/** One wish, asked for by one key until an answer comes. @returns the request's id. */
type Ask = (seed: number) => Promise<string>;

async function untilItWorks<T>(attempt: () => Promise<T>): Promise<T> {
  let last: unknown;
  const state = (): string => String(last);
  return untilSeen(
    () =>
      attempt().catch((error: unknown) => {
        last = error;
        return undefined;
      }),
    state,
    30_000,
  );
}

async function call(url: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

const doors: Record<string, Ask> = {
  page: (seed) => {
    const eventId = randomUUID();
    return untilItWorks(() => person.submit(`a fox in snow, 256x256, seed ${seed}`, eventId));
  },
  rest: (seed) => {
    const key = { 'idempotency-key': randomUUID() };
    const options = { prompt: 'a fox in snow', width: 256, height: 256, seed: String(seed) };
    const body = { request: { kind: 'imagine', options } };
    const schema = z.object({ prompt_id: z.string() });
    return untilItWorks(async () => schema.parse(await call(platform.gatewayUrl, '/api/v1/jobs', body, key)).prompt_id);
  },
  comfyui: (seed) => {
    const promptId = randomUUID();
    const prompt = textToImage({ text: 'a fox in snow', steps: 4, width: 256, height: 256, prefix: 'kill', seed });
    return untilItWorks(async () => {
      await call(platform.doorUrl, '/prompt', { prompt, prompt_id: promptId });
      const rows = await db.sql`select request_id from door_prompts where prompt_id = ${promptId}`;
      return z.string().parse(rows[0]?.['requestId']);
    });
  },
  tools: (seed) => {
    const key = randomUUID();
    return untilItWorks(async () => {
      const client = new Client({ name: 'test', version: '1' });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', platform.gatewayUrl), { requestInit }));
      try {
        const given = { make: { prompt: 'a fox in snow', width: 256, height: 256, steps: 4 }, seed: String(seed) };
        const answer = await client.callTool({ name: 'run', arguments: given, _meta: { idempotencyKey: key } });
        return z.string().parse(/Queued as ([0-9a-f-]{36})/.exec(JSON.stringify(answer.content))?.[1]);
      } finally {
        await client.close();
      }
    });
  },
};

/** Asks through every door at once, several times each. */
function askEverywhere(from: number): Promise<string[]> {
  return Promise.all(Object.values(doors).flatMap((ask, door) => [0, 1].map((index) => ask(from + door * 10 + index))));
}

/** Everything asked for has its pictures, once, and nothing else was made. */
async function expectOneResultEach(ids: readonly string[], before: ReadonlySet<string>): Promise<void> {
  const wanted = [...ids];
  expect(new Set(wanted).size).toBe(wanted.length);
  await untilSeen(
    async () => {
      const rows = await db.sql`
      select count(*)::int as n from requests where id = any(${wanted}::uuid[]) and finished_at is null`;
      return rows[0]?.['n'] === 0 ? true : undefined;
    },
    undefined,
    60_000,
  );
  const all = await db.sql`select id, state from requests`;
  const made = all.filter(({ id }) => !before.has(String(id)));
  expect(made.map(({ id }) => String(id)).toSorted()).toEqual(wanted.toSorted());
  expect(made.map(({ state }) => String(state))).toEqual(made.map(() => 'succeeded'));
  const jobs = await db.sql`
    select id, (select count(*)::int from job_outputs o where o.job_id = jobs.id and o.kind is null) as outputs
    from jobs where request_id = any(${wanted}::uuid[])`;
  expect(jobs.map(({ outputs }) => Number(outputs))).toEqual(wanted.map(() => 1));
  const log = simulator.log().map((entry) => JSON.stringify(entry.extraData));
  for (const { id } of jobs) expect(log.filter((entry) => entry.includes(String(id)))).toHaveLength(1);
}

async function requestIds(): Promise<Set<string>> {
  return new Set((await db.sql`select id from requests`).map(({ id }) => String(id)));
}

describe('SIGKILL while requests come in through the page, the HTTP interface, the ComfyUI door and the tools', () => {
  it.each<[string, ServiceKey[]]>([
    ['of the gateway', ['gateway']],
    ['of everything at once', keys],
  ])('%s loses and doubles nothing', async (_name, killed) => {
    const before = await requestIds();
    const asking = askEverywhere(killed.length * 100);
    await untilSeen(async () => ((await requestIds()).size > before.size + 1 ? true : undefined));
    await Promise.all(killed.map((key) => platform.kill(key)));
    await Promise.all(killed.map((key) => platform.start(key)));
    await expectOneResultEach(await asking, before);
  });
});
