import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { createRandomStream } from '@atelier/comfyui-sim/picture/random-stream';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import type { Database } from '@atelier/shared/db/connect-database';
import { createAccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import { flatten } from '../support/discord/check-message.ts';
import type { FakeMessage } from '../support/discord/discord-state.ts';
import { createFakeDiscord } from '../support/discord/fake-discord.ts';
import type { FakePerson } from '../support/discord/fake-person.ts';
import { metricsOf } from '../support/metrics-of.ts';
import { startPlatform, type Platform, type ServiceKey } from '../support/platform.ts';
import { createTelegramServer } from '../support/telegram/telegram-server.ts';
import { untilSeen } from '../support/until-seen.ts';
import { createWebClient, type WebClient } from '../support/web-client.ts';

const isFull = process.env['ATELIER_TEST_FULL'] === '1';
const keys: ServiceKey[] = ['bot', 'agent', 'comfy-worker', 'gateway'];
/** Asked through each door in a round. */
const perDoor = isFull ? 4 : 2;
const timeScale = 5;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 100 });
const discord = createFakeDiscord({ timeScale, ackMs: 3_000 });
const telegram = createTelegramServer();
let platform: Platform;
let db: Database;
let token = '';
let person: WebClient;
let member: FakePerson;
let lastChatId = 70_000;

beforeAll(async () => {
  const [{ url }, { apiRoot }] = await Promise.all([simulator.start(), telegram.start(), discord.start()]);
  member = discord.addPerson('Mei');
  platform = await startPlatform({
    comfyuiUrl: url,
    services: keys,
    env: {
      ...discord.env,
      TELEGRAM_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: apiRoot,
      ATELIER_METRICS_PORT: '0',
      ATELIER_MAX_QUEUED_PER_PERSON: '500',
    },
  });
  db = openDatabase(platform.databaseUrl);
  token = (await createAccountWithToken(db)).secret;
  person = createWebClient(() => platform.webUrl, 'mei-0123456789');
  await person.untilFinal(await person.submit('a lighthouse'));
  await discord.until('the commands', () => discord.commands.current.length > 0);
});
afterAll(async () => {
  await db?.close();
  await platform?.stop();
  await Promise.all([simulator.stop(), telegram.stop(), discord.stop()]);
});

/** One wish that was accepted. */
interface Asked {
  /** The requests that stand behind it: one, unless somebody was not told that theirs was accepted and asked again. */
  requests(): Promise<string[]>;
  /** How many pictures its door shows for them. */
  pictures(): Promise<number>;
  /** How often somebody was notified of the end, where a door does that by a message. */
  pings?(): number;
}

/** Again and again, not so often that it slows down what it waits for. */
function untilItWorks<T>(attempt: () => Promise<T>): Promise<T> {
  return untilSeen(attempt, { withinMs: 50_000, everyMs: 50, isPassing: () => true });
}

async function call(url: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await fetch(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

const jobSchema = z.object({ outputs: z.array(z.unknown()) });
async function picturesOfJob(id: string): Promise<number> {
  return jobSchema.parse(await call(platform.gatewayUrl, `/api/v1/jobs/${id}`)).outputs.length;
}
const knownAs = (id: string): Pick<Asked, 'requests'> => ({ requests: async () => [id] });

async function requestsIn(door: string, placeId: string): Promise<string[]> {
  const rows = await db.sql`select id from requests where door = ${door} and place->>'id' = ${placeId}`;
  return rows.map(({ id }) => String(id));
}

const galleryOf = (message: FakeMessage): number =>
  flatten(message.components).reduce((sum, one) => sum + (one.type === 12 ? one.items.length : 0), 0);

const doors: Record<string, (seed: number) => Promise<Asked>> = {
  async page(seed) {
    const eventId = randomUUID();
    const id = await untilItWorks(() => person.submit(`a fox in snow, 256x256, seed ${seed}`, eventId));
    return {
      ...knownAs(id),
      async pictures() {
        const cards = (await person.timeline()).filter((card) => card.requestId === id);
        return cards.flatMap(({ tiles }) => tiles).filter(({ image }) => image !== undefined).length;
      },
    };
  },
  async rest(seed) {
    const key = { 'idempotency-key': randomUUID() };
    const options = { prompt: 'a fox in snow', width: 256, height: 256, seed: String(seed) };
    const body = { request: { kind: 'imagine', options } };
    const schema = z.object({ prompt_id: z.string() });
    const id = await untilItWorks(
      async () => schema.parse(await call(platform.gatewayUrl, '/api/v1/jobs', body, key)).prompt_id,
    );
    return { ...knownAs(id), pictures: () => picturesOfJob(id) };
  },
  async comfyui(seed) {
    const promptId = randomUUID();
    const prompt = textToImage({ text: 'a fox in snow', steps: 4, width: 256, height: 256, prefix: 'kill', seed });
    const id = await untilItWorks(async () => {
      await call(platform.doorUrl, '/prompt', { prompt, prompt_id: promptId });
      const rows = await db.sql`select request_id from door_prompts where prompt_id = ${promptId}`;
      return z.string().parse(rows[0]?.['requestId']);
    });
    const nodes = z.record(z.string(), z.looseObject({ images: z.array(z.unknown()).optional() }));
    const history = z.record(z.string(), z.looseObject({ outputs: nodes }));
    return {
      ...knownAs(id),
      async pictures() {
        const entries = history.parse(await call(platform.doorUrl, `/history/${promptId}`));
        return Object.values(entries[promptId]?.outputs ?? {}).flatMap(({ images }) => images ?? []).length;
      },
    };
  },
  async tools(seed) {
    const key = randomUUID();
    const id = await untilItWorks(async () => {
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
    return { ...knownAs(id), pictures: () => picturesOfJob(id) };
  },
  async discord() {
    const channel = discord.addChannel(`kill-${randomUUID()}`).id;
    const requests = (): Promise<string[]> => requestsIn('discord', channel);
    await untilItWorks(async () => {
      await member.slash('imagine', { prompt: 'a fox in snow' }, channel);
      // A bot that has just started says that it takes nothing yet.
      if ((await requests()).length === 0) throw new Error('not accepted');
      return true;
    });
    return {
      requests,
      pictures: async () => discord.botMessages(channel).reduce((sum, message) => sum + galleryOf(message), 0),
      pings: () => discord.botMessages(channel).filter(({ pinged }) => pinged.length > 0).length,
    };
  },
  async telegram(seed) {
    lastChatId += 1;
    const chatId = lastChatId;
    telegram.say(chatId, `/imagine a fox in snow --seed ${seed}`);
    const requests = (): Promise<string[]> => requestsIn('telegram', String(chatId));
    await untilItWorks(async () =>
      z
        .array(z.string())
        .length(1)
        .parse(await requests()),
    );
    // A placeholder may stand there twice where the bot died before it had noted the first; a picture may not.
    return {
      requests,
      pictures: async () => telegram.replies(chatId).filter(({ photo }) => photo !== undefined).length,
    };
  },
};

/** Asks through every door at once, several times each. */
function askEverywhere(from: number): Promise<Asked[]> {
  return Promise.all(
    Object.values(doors).flatMap((ask, door) =>
      Array.from({ length: perDoor }, (_, index) => ask(from + door * 10 + index)),
    ),
  );
}

async function untilNone(rows: () => Promise<readonly Record<string, unknown>[]>): Promise<void> {
  await untilItWorks(async () => {
    const found = await rows();
    if (found.length > 0) throw new Error(JSON.stringify(found));
    return true;
  });
}

/** Everything asked for has its pictures, once and where it was asked for, and nothing else was made. */
async function expectOneResultEach(asked: readonly Asked[], before: ReadonlySet<string>): Promise<void> {
  const wanted = (await Promise.all(asked.map((one) => one.requests()))).flat();
  expect(new Set(wanted).size).toBe(wanted.length);
  await untilNone(
    () => db.sql`select id, state from requests where id = any(${wanted}::uuid[]) and finished_at is null`,
  );
  await untilNone(
    () => db.sql`
    select request_id, kind, state, error from deliveries where request_id = any(${wanted}::uuid[]) and state <> 'sent'`,
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
  const shown = await Promise.all(asked.map((one) => one.pictures()));
  const accepted = await Promise.all(asked.map(async (one) => (await one.requests()).length));
  expect(shown).toEqual(accepted);
  expect(asked.map((one, index) => one.pings?.() ?? accepted[index])).toEqual(accepted);
}

async function requestIds(): Promise<Set<string>> {
  return new Set((await db.sql`select id from requests`).map(({ id }) => String(id)));
}

interface Round {
  name: string;
  killed: readonly ServiceKey[];
  /** Requests that are in when it happens. */
  after: number;
}

/** Any services, at any time. */
function randomRounds(count: number, seed: number): Round[] {
  const random = createRandomStream('door kills', seed);
  return Array.from({ length: count }, (_, index) => {
    const some = keys.filter(() => random.next() < 0.5);
    const killed = some.length === 0 ? keys : some;
    return { name: `${index} (seed ${seed}): ${killed.join(', ')}`, killed, after: 1 + Math.floor(random.next() * 20) };
  });
}

describe('SIGKILL while requests come in through the page, HTTP, ComfyUI, tools, Discord and Telegram', () => {
  it.each<Round>([
    { name: 'of the gateway', killed: ['gateway'], after: 2 },
    { name: 'of everything at once', killed: keys, after: 2 },
    ...(isFull ? randomRounds(10, 7) : []),
  ])(
    '$name loses and doubles nothing',
    async ({ killed, after }) => {
      const before = await requestIds();
      const asking = askEverywhere(before.size * 100);
      await untilSeen(async () => ((await requestIds()).size >= before.size + after ? true : undefined));
      await Promise.all(killed.map((key) => platform.kill(key)));
      // What a dead bot held is free when its lease is over; here it is over at once.
      if (killed.includes('bot')) await db.sql`update deliveries set lease_expires_at = now() where state = 'sending'`;
      await Promise.all(killed.map((key) => platform.start(key)));
      await expectOneResultEach(await asking, before);
    },
    isFull ? 120_000 : 60_000,
  );
});

describe('the figures of all services', () => {
  it('are those that the documentation names, and count what happened', async () => {
    telegram.limit('sendMessage', 1);
    lastChatId += 1;
    telegram.say(lastChatId, '/imagine a heron');
    await untilSeen(() => telegram.replies(lastChatId)[0]);
    const figures = await Promise.all(keys.map((key) => metricsOf(platform.service(key))));
    const names = new Set(figures.flatMap((one) => one.names).filter((name) => name.startsWith('atelier_')));
    const guide = await readFile(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
    const documented = [...guide.matchAll(/^\| `(atelier_\w+)/gm)].map(([, name = '']) => name);
    expect(documented.toSorted()).toEqual([...names].toSorted());
    const [bot, , , gateway] = figures;
    expect(bot?.value('atelier_rate_limit_stalls_total', { platform: 'telegram' })).toBeGreaterThanOrEqual(1);
    expect(bot?.value('atelier_rate_limit_stall_seconds_total', { platform: 'telegram' })).toBeGreaterThanOrEqual(1);
    expect(gateway?.value('atelier_ended_jobs', { state: 'succeeded' })).toBeGreaterThanOrEqual(4 * keys.length);
    expect(gateway?.value('atelier_wait_seconds', { class: 'interactive', quantile: '0.95' })).toBeGreaterThan(0);
    expect(gateway?.sum('atelier_run_seconds')).toBeGreaterThan(0);
    expect(gateway?.sum('atelier_gpu_busy_share')).toBeGreaterThan(0);
    expect(gateway?.value('atelier_today', { what: 'images' })).toBeGreaterThanOrEqual(4 * keys.length);
    for (const kind of ['retried', 'recovered', 'lost_with_comfyui', 'out_of_memory']) {
      expect(gateway?.value('atelier_job_troubles', { kind })).toBeDefined();
    }
  });
});
