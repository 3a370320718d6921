import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startAgentWorld, type AgentWorld } from '@atelier/agent/testing/start-agent-world';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import {
  startScriptedAnthropic,
  textMessage,
  type ScriptedAnthropic,
  type ScriptedStep,
} from '../support/anthropic/scripted-anthropic.ts';
import { toolMessage, type ScriptedUse } from '../support/anthropic/tool-steps.ts';

const PLANS = process.env['ATELIER_TEST_FULL'] === '1' ? 50 : 1;
/** Some twenty processes a plan load the same modules. */
const compileCache = join(import.meta.dirname, '../../.atelier/compile-cache');
const final = ['replied', 'succeeded', 'failed', 'cancelled'];

let world: AgentWorld;
let claude: ScriptedAnthropic;
beforeAll(async () => {
  [world, claude] = await Promise.all([startAgentWorld(), startScriptedAnthropic()]);
  await world.publishRegistry();
});
afterAll(async () => {
  await world.close();
  await claude.close();
});

/** Replies of a model: the uses of tools in each, and words at the end. */
interface ScriptedPlan {
  replies: ScriptedUse[][];
  last: string;
}

const effects: readonly ScriptedUse[] = [
  ['run', { make: { prompt: 'a fox' }, count: 2 }],
  ['memory', { action: 'remember', key: 'style', value: 'ink' }],
  ['draft', { recipe: 'text-to-image', values: { prompt: 'a hare' } }],
  ['memory', { action: 'remember', key: 'conversation', value: 'a zoo' }],
  [
    'run',
    {
      shots: [
        { id: 'a', prompt: 'a vault' },
        { id: 'b', prompt: 'a roof' },
      ],
    },
  ],
];
const looks: readonly ScriptedUse[] = [
  ['server', {}],
  ['search', { in: 'models' }],
  ['jobs', { wait: true }],
];

/** The sample queues a job and waits for it; the others are drawn by their number. */
function planOf(seed: number): ScriptedPlan {
  if (seed === 0) {
    return {
      replies: [
        [
          ['run', { make: { prompt: 'a fox' }, count: 2 }],
          ['jobs', { wait: true }],
        ],
      ],
      last: 'Done.',
    };
  }
  let state = seed * 2_654_435_761;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pool = [...effects, ...looks];
  const replies = Array.from({ length: 1 + next(3) }, () =>
    Array.from({ length: 1 + next(3) }, (): ScriptedUse => pool[next(pool.length)] ?? ['server', {}]),
  );
  return { replies, last: `Done ${seed}.` };
}

/** When which reply was asked for, counted from 0. */
interface Asked {
  index: number;
  /** Milliseconds since 1970; Postgres has the same clock. */
  at: number;
}

/** Answers by how far the conversation is, as a model does. */
function answerOf(plan: ScriptedPlan, asked: Asked[]): ScriptedStep {
  return {
    kind: 'when',
    answer(request) {
      const index = request.messages.filter(({ role }) => role === 'assistant').length;
      asked.push({ index, at: Date.now() });
      const uses = plan.replies[index];
      return uses === undefined ? textMessage(plan.last) : toolMessage(uses);
    },
  };
}

/** Lives until it dies at a boundary, or until the request has ended. @returns the boundary. */
async function live(survived: readonly string[], requestId: string): Promise<string | undefined> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/anthropic/mortal-agent.ts')], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: compileCache,
      ...world.env,
      CLAUDE_URL: claude.url,
      SURVIVED: JSON.stringify(survived),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = text(child.stdout);
  const exit = once(child, 'exit');
  let over = false;
  void exit.then(() => (over = true));
  for (;;) {
    const request = await readRequest(world.db, requestId);
    if (over) return JSON.parse(await said) as string;
    if (request !== undefined && final.includes(request.state)) break;
    const jobs = await world.jobsOf(requestId);
    // A worker that is never in the way: it works while the agent waits.
    if (request?.state === 'working' && jobs.some(({ state }) => state === 'queued'))
      await world.worker.finish(requestId);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  await exit;
  return undefined;
}

test.for(Array.from({ length: PLANS }, (_, seed) => ({ seed })))(
  'plan $seed, killed at each boundary: no reply is paid twice, and nothing happens twice',
  { timeout: 180_000 },
  async ({ seed }) => {
    claude.reset();
    const plan = planOf(seed);
    const asked: Asked[] = [];
    claude.script(...Array.from({ length: 60 }, () => answerOf(plan, asked)));
    const person = `Person ${seed}`;
    const id = await world.submit(
      { kind: 'words', text: 'do it step by step' },
      { silent: true, place: randomUUID(), person },
    );
    const died: string[] = [];
    for (let boundary = await live(died, id); boundary !== undefined; boundary = await live(died, id)) {
      expect(died).not.toContain(boundary);
      died.push(boundary);
    }
    expect(died.length).toBeGreaterThanOrEqual(5);

    // What is kept is never asked for again.
    const kept = await world.db.sql`
      select created_at from agent_steps where run_id = ${id} and kind = 'reply' order by seq`;
    expect(kept).toHaveLength(plan.replies.length + 1);
    const repeated = asked.filter(({ index, at }) => at > Number(kept[index]?.['createdAt']));
    expect(repeated).toEqual([]);
    expect(asked.length).toBeGreaterThan(plan.replies.length + 1);
    const uses = plan.replies.flat();
    const request = await readRequest(world.db, id);
    const jobs = await world.jobsOf(id);
    const wantedJobs = uses.reduce((sum, [name, input]) => sum + (name !== 'run' ? 0 : 'shots' in input ? 2 : 1), 0);
    expect({ jobs: jobs.length, total: request?.jobsTotal, open: request?.jobsOpen }).toEqual({
      jobs: wantedJobs,
      total: wantedJobs,
      open: 0,
    });
    expect(jobs.map(({ index }) => index)).toEqual(jobs.map((_, index) => index));
    expect(request).toMatchObject({
      reply: plan.last,
      state: wantedJobs > 0 ? 'succeeded' : 'replied',
      cost: { modelCalls: plan.replies.length + 1 },
    });
    const [rows] = await world.db.sql`
      select (select count(*)::int from agent_steps where run_id = ${id} and kind = 'reply') as replies,
        (select count(*)::int from agent_tool_results where run_id = ${id}) as results,
        (select count(*)::int from agent_drafts where person_id = ${request?.personId ?? ''}) as drafts,
        (select count(*)::int from deliveries where request_id = ${id}) as deliveries`;
    expect(rows).toEqual({
      replies: plan.replies.length + 1,
      results: uses.length,
      drafts: uses.filter(([name]) => name === 'draft').length,
      deliveries: 1,
    });
  },
);
