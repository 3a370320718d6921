import { randomUUID } from 'node:crypto';
import type { Language, Place } from '@atelier/shared/contracts/identity';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { AgentSettings } from '../config.ts';
import type { Catalog } from '../core/catalog.ts';
import { planRequest } from '../core/plan-request.ts';
import { createOfflineWordsPlanner } from '../core/read-words-offline.ts';
import type { EventSink } from '../loop/event-sink.ts';
import type { ModelPort } from '../loop/model-port.ts';
import { runAgent, type AgentRun, type RunEnd } from '../loop/run-agent.ts';
import type { RunHistory } from '../loop/run-store.ts';
import { SYSTEM_PROMPT } from '../loop/system-prompt.ts';
import { writeOpening, writeState } from '../session/opening.ts';
import { createRunContext } from '../session/run-context.ts';
import { createAgentTools } from '../tools/agent-tools.ts';
import type { Requester } from '../tools/tool.ts';
import {
  createConversationMemory,
  currentDraft,
  memoryReads,
  memorySources,
  preferencesOf,
} from './conversation-memory.ts';
import { createMemoryRunStore } from './memory-run-store.ts';

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

const place: Place = { door: 'cli', id: 'terminal' };

/**
 * One conversation without a platform: the same loop, prompt and tools as the service, over memory. For trying models
 * and for measuring.
 */
export function createMemoryConversation(options: MemoryConversationOptions) {
  const { catalog, language } = options;
  const tools = createAgentTools();
  const memory = createConversationMemory();
  const reads = memoryReads(memory);
  const requester: Requester = {
    personId: randomUUID(),
    personName: 'You',
    language,
    place,
    isHeardAlone: true,
    sessionId: randomUUID(),
  };
  const { personId, personName } = requester;
  const parts = { catalog, words: createOfflineWordsPlanner(), desk: memorySources(memory) };

  function state(): string {
    return writeState({
      draft: currentDraft(memory),
      catalog,
      openRequests: [],
      preferences: preferencesOf(memory),
      notes: memory.notes,
      now: new Date(options.now()),
    });
  }

  function opening(text: string): ReturnType<typeof writeOpening> {
    return writeOpening({
      now: new Date(options.now()),
      personName,
      language,
      message: { text, attachments: [], about: [], quoted: undefined, options: {} },
      conversation: memory.rows,
      state: state(),
      catalog,
    });
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

  function toolContext(runId: string, signal: AbortSignal): AgentRun['toolContext'] {
    return createRunContext({
      runId,
      requester,
      attachments: [],
      about: [],
      catalog,
      reads,
      plan: (body, id, random) => planRequest({ id, personId, language, body }, { ...parts, random }, signal),
      approval: options.approval,
      budgets: options.budgets,
      now: options.now,
    });
  }

  return {
    tools,
    /** Says one thing and works on it to its end. */
    async say(text: string, signal: AbortSignal): Promise<{ end: RunEnd; cost: RunHistory['cost'] }> {
      const runId = randomUUID();
      const store = createMemoryRunStore(memory, { id: runId, doJob, askPerson: options.askPerson });
      const run: AgentRun = {
        runId,
        store,
        model: options.model,
        price: options.price,
        tools,
        system: SYSTEM_PROMPT,
        budgets: options.budgets,
        visionCheck: options.visionCheck,
        maxOutputTokens: options.maxOutputTokens,
        loadImage: async () => undefined,
        log: options.log,
        sink: options.sink,
        state: async () => state(),
        opening: async () => opening(text),
        toolContext: toolContext(runId, signal),
      };
      let end: RunEnd;
      do {
        end = await runAgent(run, signal);
        // Whatever it waited for is there: questions are answered and jobs done at once.
      } while (end.kind === 'waits');
      const { cost, jobs } = await store.load();
      memory.rows.push({
        id: runId,
        personId,
        personName,
        body: { kind: 'words', text },
        state: jobs.length > 0 ? 'succeeded' : 'replied',
        plan: store.plan,
        reply: store.reply,
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
