import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { startPlatform, type PlatformServers, type ServiceKey } from '../support/platform.ts';
import { createWebClient } from '../support/web-client.ts';
import { openCardWatch } from './card-watch.ts';
import { describeValues, formatDistribution, type Distribution } from './distribution.ts';
import { residentMegabytes } from './resident-memory.ts';

export interface PathResult {
  /** ms from the commit of the request until ComfyUI has taken its POST, on an idle system. */
  acceptedToPost: Distribution;
  /** Its parts: until the plan is committed, until the prompt's id is, until ComfyUI has taken it. */
  parts: Record<'planned' | 'picked' | 'posted', Distribution>;
  /** ms from there until ComfyUI starts it. */
  postedToStarted: Distribution;
  /** ms from the commit that ends the request to its final card in a viewer's event stream. */
  finishedToShown: Distribution;
  /** ms from the end in ComfyUI to its final card: fetching, storing and thumbnails included. */
  executedToShown: Distribution;
  /** MB after the run. */
  residentMegabytes: Record<ServiceKey, number>;
}

/** Fewer than one person may ask for in a minute. */
const requestsOfOne = 15;

const goals = { acceptedToPost: { p50: 15, p99: 60 }, finishedToShown: { p99: 100 }, residentMegabytes: 150 };

/** The main path, one request after another on an idle system, with the simulator at full speed. */
export async function benchPath(
  servers: PlatformServers,
  runs: number,
  say: (line: string) => void,
): Promise<PathResult> {
  const simulator = createSimulator({ port: 0, speed: 0 });
  const { url } = await simulator.start();
  const platform = await startPlatform({ servers, comfyuiUrl: url, timeScale: 1, logLevel: 'info' });
  const sql = postgres(servers.databaseUrl, { max: 1 });
  try {
    const somebody = async () => {
      const user = `bench-${randomUUID()}`;
      const headers = { 'x-atelier-door': 'cli', 'x-atelier-user': user };
      const person = createWebClient(() => platform.webUrl, user);
      return { person, watch: await openCardWatch(platform.webUrl, headers) };
    };
    let { person, watch } = await somebody();
    await person.untilFinal(await person.submit('a lighthouse, 256x256'));
    const acceptedToPost: number[] = [];
    const parts = { planned: [] as number[], picked: [] as number[], posted: [] as number[] };
    const postedToStarted: number[] = [];
    const finishedToShown: number[] = [];
    const executedToShown: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      if (run % requestsOfOne === requestsOfOne - 1) {
        watch.close();
        ({ person, watch } = await somebody());
      }
      const requestId = await person.submit(`a fox in snow, 256x256, seed ${run}`);
      const shownAt = await watch.finalAt(requestId, 30_000);
      const [row] = await sql`
        select extract(epoch from r.created_at) * 1000 as created, extract(epoch from r.finished_at) * 1000 as finished,
          extract(epoch from j.queued_at) * 1000 as queued, extract(epoch from j.posted_at) * 1000 as posted, j.prompt_id
        from requests r join jobs j on j.request_id = r.id where r.id = ${requestId}`;
      const entry = simulator.log().find((candidate) => candidate.promptId === row?.['prompt_id']);
      if (row === undefined || entry?.endedAt === undefined) throw new Error(`${requestId} left no trace`);
      const takenAt = Number(entry.extraData['create_time']);
      acceptedToPost.push(takenAt - Number(row['created']));
      parts.planned.push(Number(row['queued']) - Number(row['created']));
      parts.picked.push(Number(row['posted']) - Number(row['queued']));
      parts.posted.push(takenAt - Number(row['posted']));
      postedToStarted.push(entry.startedAt - takenAt);
      finishedToShown.push(shownAt - Number(row['finished']));
      executedToShown.push(shownAt - entry.endedAt);
      if ((run + 1) % 50 === 0) say(`${run + 1} of ${runs}`);
    }
    watch.close();
    const keys: ServiceKey[] = ['bot', 'agent', 'comfy-worker'];
    return {
      acceptedToPost: describeValues(acceptedToPost),
      parts: {
        planned: describeValues(parts.planned),
        picked: describeValues(parts.picked),
        posted: describeValues(parts.posted),
      },
      postedToStarted: describeValues(postedToStarted),
      finishedToShown: describeValues(finishedToShown),
      executedToShown: describeValues(executedToShown),
      residentMegabytes: Object.fromEntries(
        keys.map((key) => [key, residentMegabytes(platform.service(key).pid)]),
      ) as Record<ServiceKey, number>,
    };
  } finally {
    await sql.end();
    await platform.stop();
    await simulator.stop();
  }
}

/** The result as lines, each with its goal. */
export function formatPath(result: PathResult): string[] {
  const within = (value: number, goal: number): string => (value <= goal ? 'within' : 'over');
  const { acceptedToPost, finishedToShown } = result;
  return [
    `accepted → POST /prompt    ${formatDistribution(acceptedToPost, 'ms')}`,
    `    goal p50 ≤ ${goals.acceptedToPost.p50} ms: ${within(acceptedToPost.p50, goals.acceptedToPost.p50)}, p99 ≤ ${goals.acceptedToPost.p99} ms: ${within(acceptedToPost.p99, goals.acceptedToPost.p99)}`,
    ...Object.entries(result.parts).map(
      ([name, values]) => `    ${name.padEnd(22)} ${formatDistribution(values, 'ms')}`,
    ),
    `posted → started           ${formatDistribution(result.postedToStarted, 'ms')}`,
    `finished → shown           ${formatDistribution(finishedToShown, 'ms')}`,
    `    goal p99 ≤ ${goals.finishedToShown.p99} ms: ${within(finishedToShown.p99, goals.finishedToShown.p99)}`,
    `executed → shown           ${formatDistribution(result.executedToShown, 'ms')}  (with storing and thumbnails)`,
    ...Object.entries(result.residentMegabytes).map(
      ([name, megabytes]) =>
        `resident ${name.padEnd(16)}  ${megabytes.toFixed(0)} MB, goal ≤ ${goals.residentMegabytes} MB: ${within(megabytes, goals.residentMegabytes)}`,
    ),
  ];
}
