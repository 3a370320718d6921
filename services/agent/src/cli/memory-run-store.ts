import type { NewJob } from '@atelier/shared/contracts/job';
import type { PendingQuestion, PlanSummary } from '@atelier/shared/contracts/request';
import type { ToolEffects } from '@atelier/shared/db/agent/commit-tool-result';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { emptyHistory, type RunStore } from '../loop/run-store.ts';
import type { ConversationMemory } from './conversation-memory.ts';

export interface MemoryRunStore extends RunStore {
  /** What was decided last; null where nothing was. */
  readonly plan: PlanSummary | null;
  /** The words that it ended with. */
  readonly reply: string;
}

/** What one run writes, kept in a conversation's memory. Its jobs are done and its questions answered at once. */
export function createMemoryRunStore(
  memory: ConversationMemory,
  run: {
    id: string;
    doJob: (job: NewJob) => Promise<JobWithOutputs>;
    askPerson: (question: PendingQuestion) => Promise<{ choice?: string; text?: string }>;
  },
): MemoryRunStore {
  const history = emptyHistory();
  let plan: PlanSummary | null = null;
  let reply = '';
  memory.jobs.set(run.id, history.jobs);

  function keep({ draft, preference, notes }: ToolEffects): void {
    if (draft !== undefined) {
      memory.drafts.push({ ...draft, inputs: [...draft.inputs] });
      memory.draftId = draft.id;
    }
    if (preference?.value !== undefined) memory.preferences.set(preference.key, preference.value);
    else if (preference !== undefined) memory.preferences.delete(preference.key);
    memory.notes = notes ?? memory.notes;
  }

  return {
    get plan() {
      return plan;
    },
    get reply() {
      return reply;
    },
    load: async () => ({ ...history, steps: [...history.steps], results: [...history.results] }),
    async append(step, cost) {
      history.steps.push(step);
      if (cost === undefined) return true;
      const { model: _model, ...spent } = cost;
      for (const key of Object.keys(spent) as (keyof typeof spent)[]) {
        history.cost = { ...history.cost, [key]: history.cost[key] + spent[key] };
      }
      return true;
    },
    addLostCost: async () => undefined,
    async commit(result, effects) {
      history.results.push(result);
      keep(effects);
      if (effects.queue === undefined) return true;
      plan = effects.queue.plan;
      for (const job of effects.queue.jobs) {
        history.plannedGpuSeconds += job.estimatedGpuSeconds;
        history.jobs.push(await run.doJob(job));
      }
      return true;
    },
    async ask(question) {
      const { choice, text } = await run.askPerson(question);
      history.answers.push({ questionId: question.id, question, choice: choice ?? null, text: text ?? null });
      return true;
    },
    park: async () => 'ready',
    async end(words) {
      reply = words;
      return true;
    },
    stop: async () => true,
  };
}
