import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { jobRecord } from '@atelier/shared/db/testing/record-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import type { Catalog } from '../../core/catalog.ts';
import { createRunContext } from '../../session/run-context.ts';
import type { ToolReads } from '../../tools/tool-reads.ts';
import type { AgentTool } from '../../tools/tool.ts';
import { DEFAULT_BUDGETS } from '../budgets.ts';
import type { ModelCall, ModelPort } from '../model-port.ts';
import { runAgent, type AgentRun, type RunEnd } from '../run-agent.ts';
import { emptyHistory, type RunHistory, type RunStore } from '../run-store.ts';
import type { ReplyBlock, ToolResult } from '../step.ts';

const runId = '7f4d7c1e-30a5-4c6b-8a39-999999999999';
const log = createLogger('agent-test', 'silent');

/** One reply of the model: its words and uses of tools. */
export type ScriptedReply = readonly ({ say: string } | { use: string; id: string; input?: unknown })[];

export interface MemoryRun {
  /** What is kept. */
  history: RunHistory;
  /** Which reply was asked for, counted from 0, and whether it was kept already. */
  asked: { index: number; wasKept: boolean }[];
  /** What the model was told last. */
  lastCall(): ModelCall | undefined;
  ends: { reply: string; wake: string | undefined }[];
  results(): ToolResult[];
  /** Ends the open jobs of the run. */
  endJobs(state: 'succeeded' | 'failed', details?: string): void;
  /** Works until the run ends or waits; what a part that is away throws is tried again, as the service does. */
  work(signal?: AbortSignal): Promise<RunEnd>;
}

export interface MemoryRunOptions {
  replies: readonly ScriptedReply[];
  tools: readonly AgentTool[];
  visionCheck?: AgentRun['visionCheck'];
  /** Whether Postgres goes away at its n-th call, before or after it has done what it was asked. */
  fault?: (call: number) => 'before' | 'after' | undefined;
}

/** A run over memory: the loop as the service has it, with a database that can go away at every call. */
export function createMemoryRun(options: MemoryRunOptions): MemoryRun {
  const history = emptyHistory();
  const asked: MemoryRun['asked'] = [];
  const ends: MemoryRun['ends'] = [];
  let last: ModelCall | undefined;
  let calls = 0;

  async function ask<T>(work: () => T): Promise<T> {
    const fault = options.fault?.(calls++);
    if (fault === 'before') throw new AppError('unavailable', 'Postgres is away');
    const done = work();
    if (fault === 'after') throw new AppError('unavailable', 'Postgres went away');
    return Promise.resolve(done);
  }

  const store: RunStore = {
    load: () =>
      ask(() => ({ ...history, steps: [...history.steps], results: [...history.results], jobs: [...history.jobs] })),
    append: (step) =>
      ask(() => {
        if (history.steps.some(({ seq }) => seq === step.seq)) return false;
        history.steps.push(step);
        return true;
      }),
    addLostCost: () => Promise.resolve(),
    commit: (result, effects) =>
      ask(() => {
        if (history.results.some(({ seq, toolUseId }) => seq === result.seq && toolUseId === result.toolUseId))
          return true;
        history.results.push(result);
        history.jobs.push(
          ...(effects.queue?.jobs ?? []).map((job): JobWithOutputs => ({
            ...jobRecord(job.index),
            ...job,
            params: null,
          })),
        );
        return true;
      }),
    ask: () => ask(() => true),
    park: () => ask(() => (history.jobs.some(({ finishedAt }) => finishedAt === null) ? 'parked' : 'ready')),
    end: (reply, wake) => ask(() => ends.push({ reply, wake }) > 0),
    stop: () => ask(() => true),
  };

  const model: ModelPort = {
    model: 'scripted',
    reply(call) {
      last = call;
      const index = history.steps.filter(({ kind }) => kind === 'reply').length;
      asked.push({ index, wasKept: call.messages.filter(({ role }) => role === 'assistant').length > index });
      const reply = options.replies[index] ?? [{ say: 'Done.' }];
      const content = reply.map((block): ReplyBlock =>
        'say' in block
          ? { type: 'text', text: block.say }
          : { type: 'tool_use', id: block.id, name: block.use, input: 'input' in block ? block.input : {} },
      );
      const usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
      return Promise.resolve({ content, stopReason: 'end_turn', usage });
    },
  };

  const run: AgentRun = {
    runId,
    store,
    model,
    price: { input: 1, output: 1, cacheWrite: 1, cacheRead: 1 },
    tools: options.tools,
    system: 'a test',
    opening: () => Promise.resolve([{ type: 'text', text: 'hello' }]),
    state: () => Promise.resolve('nothing'),
    toolContext: createRunContext({
      runId,
      requester: {
        personId: runId,
        personName: 'Ada',
        language: 'en',
        place: { door: 'web', id: 'ada' },
        isHeardAlone: true,
        sessionId: runId,
      },
      attachments: [],
      about: [],
      catalog: nothingThere,
      reads: nothingToRead,
      plan: () => Promise.resolve({ kind: 'replied', reply: 'nothing is planned here' }),
      approval: { when: 'never', gpuSeconds: 0 },
      budgets: DEFAULT_BUDGETS,
      now: () => 0,
    }),
    loadImage: () => Promise.resolve({ base64: 'AAAA' }),
    budgets: DEFAULT_BUDGETS,
    visionCheck: options.visionCheck ?? 'off',
    maxOutputTokens: 1_000,
    sink: () => {},
    log,
  };

  return {
    history,
    asked,
    ends,
    lastCall: () => last,
    results: () => history.results,
    endJobs(state, details = 'CUDA out of memory') {
      history.jobs = history.jobs.map((job) =>
        job.finishedAt !== null
          ? job
          : {
              ...job,
              state,
              finishedAt: new Date(0),
              ...(state === 'succeeded'
                ? {
                    outputs: [
                      { index: 0, hash: job.id, mediaType: 'image/png', bytes: 1, nodeId: '9', filename: 'x.png' },
                    ],
                  }
                : { error: { code: 'execution_error', message: { en: 'x', zh: 'x' }, details } }),
            },
      );
    },
    async work(signal = new AbortController().signal) {
      for (;;) {
        try {
          return await runAgent(run, signal);
        } catch (error) {
          if (signal.aborted || !(error instanceof AppError) || error.code !== 'unavailable') throw error;
        }
      }
    },
  };
}

const nothingThere: Catalog = {
  offers: [],
  recipes: [],
  registries: [],
  policy: defaultPolicy,
  reasons: new Map(),
  models: [],
  vocabulary: { recipes: [], families: [], models: [] },
  list: { recipes: [], models: [] },
};

const nothingToRead: ToolReads = {
  findRequests: () => Promise.resolve([]),
  searchPictures: () => Promise.resolve([]),
  jobsOf: () => Promise.resolve([]),
  draft: () => Promise.resolve(undefined),
  drafts: () => Promise.resolve([]),
  session: () => Promise.resolve(undefined),
  preferences: () => Promise.resolve([]),
  measuredTimes: () => Promise.resolve([]),
  spent: () => Promise.reject(new AppError('internal', 'nothing was spent')),
  queue: () => Promise.reject(new AppError('internal', 'there is no queue')),
  instances: () => Promise.resolve([]),
  file: () => Promise.reject(new AppError('not_found', 'no such file')),
  cancel: () => Promise.resolve('not_found'),
  submit: () => Promise.reject(new AppError('internal', 'nothing is submitted here')),
};
