import type { DraftRow, Preference } from '@atelier/shared/db/agent/agent-memory';
import type { ConversationRow } from '@atelier/shared/db/agent/conversation';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { AppError } from '@atelier/shared/errors/app-error';
import type { PlanningSources } from '../core/planning-parts.ts';
import type { ToolReads } from '../tools/tool-reads.ts';

/** What Postgres keeps of a conversation for the service, here in memory. */
export interface ConversationMemory {
  /** Requests that have ended, oldest first. */
  rows: ConversationRow[];
  /** Every version, in the order in which they were made. */
  drafts: DraftRow[];
  /** The draft that `it` means. */
  draftId: string | null;
  /** By request. */
  jobs: Map<string, JobWithOutputs[]>;
  preferences: Map<string, string>;
  notes: string;
}

export function createConversationMemory(): ConversationMemory {
  return { rows: [], drafts: [], draftId: null, jobs: new Map(), preferences: new Map(), notes: '' };
}

/** The draft at hand, in its last version. */
export function currentDraft({ drafts, draftId }: ConversationMemory): DraftRow | undefined {
  return draftId === null ? undefined : drafts.findLast(({ id }) => id === draftId);
}

export function preferencesOf({ preferences }: ConversationMemory): Preference[] {
  return [...preferences].map(([key, value]) => ({ key, value }));
}

/** What planning looks up: there are no requests of others, and no saved workflows. */
export function memorySources(memory: ConversationMemory): PlanningSources {
  return {
    read: async () => undefined,
    readJobs: async (requestId) => memory.jobs.get(requestId) ?? [],
    findWorkflow: async () => undefined,
  };
}

/** What tools look up: one person, no queue, and no server but the one that the catalogue tells of. */
export function memoryReads(memory: ConversationMemory): ToolReads {
  return {
    findRequests: async (_reader, prefix) =>
      memory.rows.filter(({ id }) => id.replaceAll('-', '').startsWith(prefix.replaceAll('-', '').toLowerCase())),
    searchPictures: async (_reader, { words, limit }) =>
      memory.rows
        .filter((row) => row.pictures > 0 && words.every((word) => JSON.stringify(row.body).includes(word)))
        .slice(0, limit),
    jobsOf: async (requestId) => memory.jobs.get(requestId) ?? [],
    draft: async (_session, id, version) =>
      memory.drafts.findLast((draft) => draft.id === id && (version === undefined || draft.version === version)),
    drafts: async () =>
      [...Map.groupBy(memory.drafts, ({ id }) => id).values()].flatMap((versions) => versions.at(-1) ?? []),
    session: async () => ({ draftId: memory.draftId, notes: memory.notes }),
    preferences: async () => preferencesOf(memory),
    measuredTimes: async () => [],
    spent: async () => ({
      personMicroDollars: 0,
      personTokens: 0,
      personCachedTokens: 0,
      personGpuSeconds: 0,
      dayMicroDollars: 0,
      dayGpuSeconds: 0,
      runGpuSeconds: 0,
    }),
    queue: async () => ({
      version: 0,
      at: 0,
      floorGpuSeconds: 0,
      queued: [],
      hiding: [],
      active: [],
      shares: [],
      instances: [],
      measured: [],
    }),
    instances: async () => [],
    file: () => Promise.reject(new AppError('not_found', 'the terminal has no files')),
    cancel: async () => 'finished',
    submit: () => Promise.reject(new AppError('internal', 'a terminal run has its own request')),
  };
}
