import { randomUUID } from 'node:crypto';
import type { Language, Place } from '@atelier/shared/contracts/identity';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { PendingQuestion, RequestBody } from '@atelier/shared/contracts/request';
import type { DraftRow } from '@atelier/shared/db/agent/agent-memory';
import type { ConversationRow } from '@atelier/shared/db/agent/conversation';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { AnsweredQuestion } from '@atelier/shared/db/requests/ask-question';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { AgentSettings } from '../config.ts';
import type { Catalog } from '../core/catalog.ts';
import { planRequest } from '../core/plan-request.ts';
import type { PlanningSources } from '../core/planning-parts.ts';
import { createOfflineWordsPlanner } from '../core/read-words-offline.ts';
import type { EventSink } from '../loop/event-sink.ts';
import { NO_COST } from '../loop/model-prices.ts';
import type { ModelPort } from '../loop/model-port.ts';
import { runAgent, type RunEnd } from '../loop/run-agent.ts';
import type { RunHistory, RunStore } from '../loop/run-store.ts';
import { SYSTEM_PROMPT } from '../loop/system-prompt.ts';
import { writeOpening, writeState } from '../session/opening.ts';
import { createRunContext } from '../session/run-context.ts';
import { createAgentTools } from '../tools/agent-tools.ts';
import type { ToolReads } from '../tools/tool-reads.ts';

export interface MemoryConversationOptions extends AgentSettings {
  model: ModelPort;
  catalog: Catalog;
  language: Language;
  sink: EventSink;
  log: Logger;
  now: () => number;
  /** Does a job. Absent: jobs are shown and taken as done, without pictures. */
  execute?: (job: NewJob) => Promise<Pick<JobWithOutputs, 'state' | 'outputs' | 'error' | 'gpuSeconds'>>;
  /** Puts a question to whoever sits at the terminal. */
  askPerson: (question: PendingQuestion) => Promise<{ choice?: string; text?: string }>;
}

/**
 * One conversation without a platform: the same loop, prompt and tools as the service, over memory. For trying models
 * and for measuring.
 */
export function createMemoryConversation(options: MemoryConversationOptions) {
  const { catalog } = options;
  const tools = createAgentTools();
  const personId = randomUUID();
  const sessionId = randomUUID();
  const place: Place = { door: 'cli', id: 'terminal' };
  const drafts: DraftRow[] = [];
  const preferences = new Map<string, string>();
  const rows: ConversationRow[] = [];
  const jobsOf = new Map<string, JobWithOutputs[]>();
  let notes = '';
  let draftId: string | null = null;

  const desk: PlanningSources = {
    read: () => Promise.resolve(undefined),
    readJobs: (requestId) => Promise.resolve(jobsOf.get(requestId) ?? []),
    findWorkflow: () => Promise.resolve(undefined),
  };
  const newestDrafts = (): DraftRow[] =>
    [...Map.groupBy(drafts, ({ id }) => id).values()].flatMap((versions) => versions.at(-1) ?? []);
  const reads: ToolReads = {
    findRequests: (_reader, prefix) =>
      Promise.resolve(
        rows.filter(({ id }) => id.replaceAll('-', '').startsWith(prefix.replaceAll('-', '').toLowerCase())),
      ),
    searchPictures: (_reader, { words, limit }) =>
      Promise.resolve(
        rows
          .filter((row) => row.pictures > 0 && words.every((word) => JSON.stringify(row.body).includes(word)))
          .slice(0, limit),
      ),
    jobsOf: (requestId) => Promise.resolve(jobsOf.get(requestId) ?? []),
    draft: (_session, id, version) =>
      Promise.resolve(
        drafts.findLast((draft) => draft.id === id && (version === undefined || draft.version === version)),
      ),
    drafts: () => Promise.resolve(newestDrafts()),
    session: () => Promise.resolve({ draftId, notes }),
    preferences: () => Promise.resolve([...preferences].map(([key, value]) => ({ key, value }))),
    measuredTimes: () => Promise.resolve([]),
    spent: () =>
      Promise.resolve({
        personMicroDollars: 0,
        personTokens: 0,
        personCachedTokens: 0,
        personGpuSeconds: 0,
        dayMicroDollars: 0,
        dayGpuSeconds: 0,
        runGpuSeconds: 0,
      }),
    queue: () =>
      Promise.resolve({
        version: 0,
        at: 0,
        floorGpuSeconds: 0,
        queued: [],
        active: [],
        shares: [],
        instances: [],
        measured: [],
      }),
    instances: () => Promise.resolve([]),
    file: () => Promise.reject(new AppError('not_found', 'the terminal has no files')),
    cancel: () => Promise.resolve('finished'),
    submit: () => Promise.reject(new AppError('internal', 'a terminal run has its own request')),
  };

  function state(): string {
    return writeState({
      draft: draftId === null ? undefined : drafts.findLast(({ id }) => id === draftId),
      catalog,
      openRequests: [],
      preferences: [...preferences].map(([key, value]) => ({ key, value })),
      notes,
      now: new Date(options.now()),
    });
  }

  function createStore(
    runId: string,
    plan: { current: ConversationRow['plan'] },
  ): { store: RunStore; end: () => string } {
    const history: RunHistory = {
      steps: [],
      results: [],
      answers: [],
      jobs: [],
      cost: NO_COST,
      personDayMicroDollars: 0,
      dayMicroDollars: 0,
      plannedGpuSeconds: 0,
    };
    let reply = '';
    jobsOf.set(runId, history.jobs);
    const store: RunStore = {
      load: () => Promise.resolve({ ...history, steps: [...history.steps], results: [...history.results] }),
      append(step, cost) {
        history.steps.push(step);
        if (cost !== undefined) {
          const { model: _model, ...spent } = cost;
          for (const key of Object.keys(spent) as (keyof typeof spent)[]) {
            history.cost = { ...history.cost, [key]: history.cost[key] + spent[key] };
          }
        }
        return Promise.resolve(true);
      },
      addLostCost: () => Promise.resolve(),
      async commit(result, effects) {
        history.results.push(result);
        if (effects.draft !== undefined) {
          drafts.push({ ...effects.draft, inputs: [...effects.draft.inputs] });
          draftId = effects.draft.id;
        }
        if (effects.preference !== undefined) {
          const { key, value } = effects.preference;
          if (value === undefined) preferences.delete(key);
          else preferences.set(key, value);
        }
        notes = effects.notes ?? notes;
        if (effects.queue !== undefined) {
          plan.current = effects.queue.plan;
          for (const job of effects.queue.jobs) {
            history.plannedGpuSeconds += job.estimatedGpuSeconds;
            history.jobs.push(await doJob(job));
          }
        }
        return true;
      },
      async ask(question) {
        const { choice, text } = await options.askPerson(question);
        const answer: AnsweredQuestion = {
          questionId: question.id,
          question,
          choice: choice ?? null,
          text: text ?? null,
        };
        history.answers.push(answer);
        return true;
      },
      park: () => Promise.resolve('ready'),
      end(words) {
        reply = words;
        return Promise.resolve(true);
      },
      stop: () => Promise.resolve(true),
    };
    return { store, end: () => reply };
  }

  async function doJob(job: NewJob): Promise<JobWithOutputs> {
    const at = new Date(options.now());
    const done = (await options.execute?.(job)) ?? {
      state: 'succeeded' as const,
      outputs: [],
      error: null,
      gpuSeconds: 0,
    };
    return {
      ...job,
      ...done,
      personId,
      seq: 1,
      version: 1,
      epoch: 1,
      instanceId: null,
      promptId: null,
      postedAt: at,
      attempts: 1,
      crashes: 0,
      takeovers: 0,
      outOfMemory: 0,
      cancelRequestedAt: null,
      queuedAt: at,
      startedAt: at,
      finishedAt: at,
      params: job.params ?? null,
    };
  }

  return {
    tools,
    /** Says one thing and works on it to its end. */
    async say(text: string, signal: AbortSignal): Promise<{ end: RunEnd; cost: RunHistory['cost'] }> {
      const runId = randomUUID();
      const plan: { current: ConversationRow['plan'] } = { current: null };
      const body: RequestBody = { kind: 'words', text };
      const { store, end: replyOf } = createStore(runId, plan);
      const requester = {
        personId,
        personName: 'You',
        language: options.language,
        place,
        isHeardAlone: true,
        sessionId,
      };
      let end: RunEnd;
      do {
        end = await runAgent(
          {
            runId,
            store,
            model: options.model,
            price: options.price,
            tools,
            system: SYSTEM_PROMPT,
            budgets: options.budgets,
            visionCheck: options.visionCheck,
            maxOutputTokens: options.maxOutputTokens,
            loadImage: () => Promise.resolve(undefined),
            log: options.log,
            sink: options.sink,
            state: () => Promise.resolve(state()),
            opening: () =>
              Promise.resolve(
                writeOpening({
                  now: new Date(options.now()),
                  personName: 'You',
                  language: options.language,
                  message: { text, attachments: [], about: [], quoted: undefined, options: {} },
                  conversation: rows,
                  state: state(),
                  catalog,
                }),
              ),
            toolContext: createRunContext({
              runId,
              requester,
              attachments: [],
              about: [],
              catalog,
              reads,
              plan: (wanted, id, random) =>
                planRequest(
                  { id, personId, language: options.language, body: wanted },
                  { catalog, words: createOfflineWordsPlanner(), desk, random },
                  signal,
                ),
              approval: options.approval,
              budgets: options.budgets,
              now: options.now,
            }),
          },
          signal,
        );
        // Whatever it waited for is there: questions are answered and jobs done at once.
      } while (end.kind === 'waits');
      const { cost, jobs } = await store.load();
      rows.push({
        id: runId,
        personId,
        personName: 'You',
        body,
        state: jobs.length > 0 ? 'succeeded' : 'replied',
        plan: plan.current,
        reply: replyOf(),
        error: null,
        question: null,
        pictures: jobs.reduce((sum, job) => sum + job.outputs.length, 0),
        jobsOpen: 0,
        parentRequestId: null,
        parentPicture: null,
        createdAt: new Date(options.now()),
      });
      return { end, cost };
    },
  };
}
