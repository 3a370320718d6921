import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { acceptedSchema } from '@atelier/gateway/adapters/http/routes/submission-route';
import { callerOf, type TestPerson } from '@atelier/gateway/testing/start-gateway';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import type { Database } from '@atelier/shared/db/connect-database';
import { putApiFile } from '@atelier/shared/db/gateway/api-files';
import { createAccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import { startPlatform, type PlatformServers } from '../support/platform.ts';
import { describeValues, formatDistribution, type Distribution } from './distribution.ts';
import { residentMegabytes } from './resident-memory.ts';

export interface GatewayResult {
  /** ms from a worker's progress message to a client's socket, `sockets` of them at `perSecond` each. */
  progress: Distribution & { sockets: number; perSecond: number; lost: number; cpuShare: number };
  /** ms of POST /api/v1/jobs, one after another. */
  submit: Distribution;
  download: {
    megabytes: number;
    megabytesPerSecond: number;
    /** Of the gateway's own processor time: what counts where other programs are busy too. */
    megabytesPerCpuSecond: number;
    residentBefore: number;
    residentMost: number;
  };
  /** MB after the run. */
  residentMegabytes: number;
}

const sockets = 200;
const perSecond = 10;
const seconds = 10;
const fileBytes = 512 * 1_024 * 1_024;
const goals = { progressP99: 100, megabytesPerSecond: 200 };
const log = pino({ level: 'silent' });
/** Linux counts processor time in these (`getconf CLK_TCK`). */
const ticksPerSecond = 100;
type Caller = Pick<TestPerson, 'token' | 'get' | 'send'>;

/** The gateway as a process of its own; this process is its programs and its worker. */
export async function benchGateway(
  servers: PlatformServers,
  runs: number,
  say: (line: string) => void,
): Promise<GatewayResult> {
  const platform = await startPlatform({
    servers,
    comfyuiUrl: 'http://127.0.0.1:9',
    services: ['gateway'],
    timeScale: 1,
    logLevel: 'info',
    env: { ATELIER_GATEWAY_PER_MINUTE: '1000000' },
  });
  const db = openDatabase(servers.databaseUrl, 4);
  try {
    const { account, secret } = await createAccountWithToken(db);
    const caller = callerOf(platform.gatewayUrl, secret);
    const { pid } = platform.service('gateway');
    const submit = await measureSubmit(caller, runs);
    say(`${sockets} sockets for ${seconds} s`);
    const progress = await measureProgress(caller, { gatewayUrl: platform.gatewayUrl, pid }, servers, db);
    const hash = await storeFile(db, join(platform.home, 'assets'), account);
    say(`downloads of ${fileBytes / 1_048_576} MiB`);
    const download = await measureDownload(`${platform.gatewayUrl}/api/v1/assets/${hash}`, caller.token, pid);
    return { progress, submit, download, residentMegabytes: residentMegabytes(pid) };
  } finally {
    await db.close();
    await platform.stop();
  }
}

async function ask(caller: Caller, clientId: string): Promise<string> {
  const request = { kind: 'imagine', options: { prompt: 'a fox in snow' } };
  const answer = await caller.send('POST', '/api/v1/jobs', { client_id: clientId, request });
  if (answer.status !== 202) throw new Error(`POST /api/v1/jobs answered ${answer.status}: ${await answer.text()}`);
  return acceptedSchema.parse(await answer.json()).prompt_id;
}

async function measureSubmit(caller: Caller, runs: number): Promise<Distribution> {
  const times: number[] = [];
  for (let run = 0; run < runs + 20; run += 1) {
    const startedAt = performance.now();
    await ask(caller, 'submit');
    if (run >= 20) times.push(performance.now() - startedAt);
  }
  return describeValues(times);
}

/** Each socket follows a running job of its own, whose worker reports `perSecond` times a second. */
async function measureProgress(
  caller: Caller,
  { gatewayUrl, pid }: { gatewayUrl: string; pid: number },
  servers: PlatformServers,
  db: Database,
): Promise<GatewayResult['progress']> {
  const bus = await connectBus({ url: servers.natsUrl, prefix: servers.natsPrefix, service: 'comfy-worker', log });
  const clients: { socket: WebSocket; jobId: string; requestId: string }[] = [];
  const sentAt = new Map<string, number>();
  const times: number[] = [];
  try {
    for (let index = 0; index < sockets; index += 1) {
      const clientId = `bench-${index}`;
      const requestId = await ask(caller, clientId);
      const jobId = await startJob(db, requestId);
      const socket = await openSocket(gatewayUrl, clientId, caller.token, (text) => {
        const heardAt = performance.now();
        if (!text.startsWith('{"type":"progress"')) return;
        const { data } = JSON.parse(text) as { data: { run_id: string; value: number } };
        const sent = sentAt.get(`${data.run_id} ${data.value}`);
        // The first second warms up.
        if (sent !== undefined && data.value >= perSecond) times.push(heardAt - sent);
      });
      clients.push({ socket, jobId, requestId });
    }
    const messages = perSecond * (seconds + 1);
    const cpuBefore = cpuSeconds(pid);
    const startedAt = performance.now();
    for (let step = 0; step < messages; step += 1) {
      for (const [index, { jobId, requestId }] of clients.entries()) {
        // Spread over the tenth of a second, as two hundred workers would be.
        const due = startedAt + ((step + index / sockets) * 1_000) / perSecond;
        const early = due - performance.now();
        if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
        sentAt.set(`${jobId} ${step}`, performance.now());
        const progress = {
          jobId,
          requestId,
          fraction: step / messages,
          nodeId: '3',
          step,
          steps: messages,
          elapsedMs: step,
        };
        bus.publishLive('liveProgress', { jobId }, progress, requestId);
      }
    }
    const expected = sockets * perSecond * seconds;
    const deadline = performance.now() + 5_000;
    while (times.length < expected && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const cpuShare = (cpuSeconds(pid) - cpuBefore) / ((performance.now() - startedAt) / 1_000);
    return { ...describeValues(times), sockets, perSecond, lost: expected - times.length, cpuShare };
  } finally {
    for (const { socket } of clients) socket.terminate();
    await bus.close();
  }
}

function openSocket(
  gatewayUrl: string,
  clientId: string,
  token: string,
  onText: (text: string) => void,
): Promise<WebSocket> {
  const url = `${gatewayUrl.replace(/^http/, 'ws')}/api/v1/ws/${clientId}`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) return;
      const text = data.toString('utf8');
      onText(text);
      if (text.includes('"event":"ready"')) resolve(socket);
    });
  });
}

/** A job that runs, as an agent and a worker would have left it. */
async function startJob(db: Database, requestId: string): Promise<string> {
  const jobId = randomUUID();
  await db.sql`
    with r as (
      update requests set state = 'working', jobs_total = 1, jobs_open = 1, version = version + 1 where id = ${requestId}
      returning id, person_id
    )
    insert into jobs (id, request_id, person_id, index, class, recipe, workflow_text, inputs, classes, residency_key,
      estimate_key, estimated_gpu_seconds, images, time_limit_seconds, state, started_at)
    select ${jobId}::uuid, id, person_id, 0, 'interactive', 'text-to-image', '{}', '[]', '{}', '', '', 10, 1, 600, 'running',
      now() from r`;
  return jobId;
}

async function storeFile(db: Database, folder: string, account: string): Promise<string> {
  const store = createFolderAssetStore({ folder, maxBytes: fileBytes });
  const chunk = Buffer.alloc(1_048_576, 'atelier ');
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < fileBytes; sent += chunk.length) yield chunk;
  }
  const mediaType = 'video/mp4';
  const stored = await store.put(bytes(), { mediaType, maxBytes: fileBytes });
  const name = { folder: 'input', subfolder: '', filename: 'large.mp4' };
  await putApiFile(db, { account, ...name, ...stored, mediaType }, { overwrite: true });
  return stored.hash;
}

async function measureDownload(url: string, token: string, pid: number): Promise<GatewayResult['download']> {
  const read = (): Promise<number> =>
    new Promise((resolve, reject) => {
      get(url, { headers: { authorization: `Bearer ${token}` } }, (response: IncomingMessage) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('end', () => resolve(bytes));
        response.on('error', reject);
      }).on('error', reject);
    });
  await read();
  const residentBefore = residentMegabytes(pid);
  let residentMost = residentBefore;
  const sampler = setInterval(() => (residentMost = Math.max(residentMost, residentMegabytes(pid))), 250);
  const cpuBefore = cpuSeconds(pid);
  const startedAt = performance.now();
  let bytes = 0;
  for (let run = 0; run < 3; run += 1) bytes += await read();
  clearInterval(sampler);
  const megabytes = bytes / 1_000_000;
  return {
    megabytes,
    megabytesPerSecond: (megabytes / (performance.now() - startedAt)) * 1_000,
    megabytesPerCpuSecond: megabytes / (cpuSeconds(pid) - cpuBefore),
    residentBefore,
    residentMost: Math.max(residentMost, residentMegabytes(pid)),
  };
}

/** Processor time that a process has used; NaN where the system does not tell. */
function cpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function formatGateway(result: GatewayResult): string[] {
  const { progress, submit, download } = result;
  return [
    `progress to ${progress.sockets} sockets at ${progress.perSecond}/s  ${formatDistribution(progress, 'ms')}  lost ${progress.lost}, ${(progress.cpuShare * 100).toFixed(0)} % of a core  (goal p99 <= ${goals.progressP99})`,
    `POST /api/v1/jobs  ${formatDistribution(submit, 'ms')}`,
    `download  ${download.megabytesPerSecond.toFixed(0)} MB/s (${download.megabytesPerCpuSecond.toFixed(0)} MB a CPU second) of ${download.megabytes.toFixed(0)} MB  (goal >= ${goals.megabytesPerSecond}); memory ${download.residentBefore.toFixed(0)} -> at most ${download.residentMost.toFixed(0)} MB`,
    `gateway  ${result.residentMegabytes.toFixed(0)} MB resident`,
  ];
}
