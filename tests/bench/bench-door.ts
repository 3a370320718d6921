import { WebSocket } from 'ws';
import { z } from 'zod';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { createAccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import { startPlatform, type PlatformServers } from '../support/platform.ts';
import { describeValues, formatDistribution, type Distribution } from './distribution.ts';
import { forkSimulator } from './fork-simulator.ts';

export interface DoorResult {
  /** ms of one `POST /prompt`, one after another on an idle system, at ComfyUI itself and through the door. */
  alone: Distribution;
  door: Distribution;
  /** ms from the POST to the end of its run, as its socket hears it. */
  aloneToEnd: Distribution;
  doorToEnd: Distribution;
}

const goals = { p50: 5, p99: 25 };
const warmUps = 20;
const answerSchema = z.object({ prompt_id: z.string() });
const endSchema = z.object({
  type: z.literal('executing'),
  data: z.object({ node: z.null(), prompt_id: z.string() }),
});

/** A ComfyUI client of the simplest kind: posts, and waits for the end. */
async function openClient(url: string, headers: Record<string, string>) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=bench`, { headers });
  const ended = new Set<string>();
  let wake = (): void => undefined;
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) return;
    const end = endSchema.safeParse(JSON.parse(data.toString('utf8')));
    if (!end.success) return;
    ended.add(end.data.data.prompt_id);
    wake();
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    async run(seed: number): Promise<{ postMs: number; endMs: number }> {
      const prompt = textToImage({ text: 'a red fox', steps: 4, width: 64, height: 64, prefix: 'bench', seed });
      const body = JSON.stringify({ prompt, client_id: 'bench' });
      const startedAt = performance.now();
      const answer = await fetch(new URL('/prompt', url), { method: 'POST', body, headers });
      const { prompt_id: id } = answerSchema.parse(await answer.json());
      const postMs = performance.now() - startedAt;
      while (!ended.has(id)) await new Promise<void>((resolve) => (wake = resolve));
      return { postMs, endMs: performance.now() - startedAt };
    },
    close: () => socket.close(),
  };
}

/** `POST /prompt` through the ComfyUI-compatible door beside the simulator alone, turn by turn. */
export async function benchDoor(
  servers: PlatformServers,
  runs: number,
  say: (line: string) => void,
): Promise<DoorResult> {
  const [simulator, own] = await Promise.all([forkSimulator(0), forkSimulator(0)]);
  const platform = await startPlatform({
    servers,
    comfyuiUrl: simulator.url,
    timeScale: 1,
    logLevel: 'info',
    services: ['gateway', 'agent', 'comfy-worker'],
    env: { ATELIER_GATEWAY_PER_MINUTE: '1000000' },
  });
  const db = openDatabase(servers.databaseUrl, 1);
  try {
    const { secret } = await createAccountWithToken(db);
    const headers = { authorization: `Bearer ${secret}` };
    const clients = [await openClient(own.url, {}), await openClient(platform.doorUrl, headers)] as const;
    const measured = { alone: [] as number[], door: [] as number[], aloneEnd: [] as number[], doorEnd: [] as number[] };
    for (let run = -warmUps; run < runs; run++) {
      const [alone, door] = [await clients[0].run(run + warmUps), await clients[1].run(run + warmUps)];
      if (run < 0) continue;
      measured.alone.push(alone.postMs);
      measured.door.push(door.postMs);
      measured.aloneEnd.push(alone.endMs);
      measured.doorEnd.push(door.endMs);
      if ((run + 1) % 50 === 0) say(`${run + 1} of ${runs}`);
    }
    for (const client of clients) client.close();
    return {
      alone: describeValues(measured.alone),
      door: describeValues(measured.door),
      aloneToEnd: describeValues(measured.aloneEnd),
      doorToEnd: describeValues(measured.doorEnd),
    };
  } finally {
    await db.close();
    await platform.stop();
    await Promise.all([simulator.stop(), own.stop()]);
  }
}

/** The result as lines, each with its goal. */
export function formatDoor(result: DoorResult): string[] {
  const { alone, door } = result;
  const added = { p50: door.p50 - alone.p50, p99: door.p99 - alone.p99 };
  const within = (value: number, goal: number): string => (value <= goal ? 'within' : 'over');
  return [
    `POST /prompt, ComfyUI alone  ${formatDistribution(alone, 'ms')}`,
    `POST /prompt, the door       ${formatDistribution(door, 'ms')}`,
    `    added p50 ${added.p50.toFixed(1)} ms, goal ≤ ${goals.p50} ms: ${within(added.p50, goals.p50)}; p99 ${added.p99.toFixed(1)} ms, goal ≤ ${goals.p99} ms: ${within(added.p99, goals.p99)}`,
    `POST → end, ComfyUI alone    ${formatDistribution(result.aloneToEnd, 'ms')}`,
    `POST → end, the door         ${formatDistribution(result.doorToEnd, 'ms')}`,
  ];
}
