import type { Language } from '@atelier/shared/contracts/identity';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { AssetRef, PlanSummary, PublicError } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { SavedWorkflow } from '@atelier/shared/db/workflows/saved-workflow';
import type { WordsPlanner } from '../ports.ts';
import type { Catalog } from './catalog.ts';

export interface PlannedOutcome {
  kind: 'planned';
  plan: PlanSummary;
  jobs: NewJob[];
}

export type PlanOutcome = PlannedOutcome | { kind: 'replied'; reply: string } | { kind: 'failed'; error: PublicError };

/** Why nothing was planned, in words. */
export type PlanFailure = Extract<PlanOutcome, { kind: 'failed' }>;

/** What planning knows of the request that it plans; who calls through another door has no row. */
export type AskedRequest = Pick<RequestRecord, 'id' | 'personId' | 'language' | 'body'>;

/** What planning looks up. Each rejects with AppError `unavailable` while Postgres is away. */
export interface PlanningSources {
  read(requestId: string): Promise<RequestRecord | undefined>;
  /** A request's jobs in order, each with its outputs in order. */
  readJobs(requestId: string): Promise<JobWithOutputs[]>;
  /** A saved workflow that this person may use: by id, or by name, own ones first. */
  findWorkflow(personId: string, idOrName: string): Promise<SavedWorkflow | undefined>;
}

/** Stored pictures. */
export interface PictureFiles {
  /** Whether the file is still there. */
  has(hash: string): Promise<boolean>;
  /** Its bytes. @throws AppError `not_found`, `too_large`, `unavailable`. */
  read(hash: string, maxBytes: number): Promise<Uint8Array>;
}

/** Puts pictures into words with a model that sees them; undefined where it cannot now. */
export interface DescribePort {
  describe(images: readonly AssetRef[], language: Language, signal: AbortSignal): Promise<string | undefined>;
}

export interface PlanningParts {
  catalog: Catalog;
  words: WordsPlanner;
  desk: PlanningSources;
  random: () => number;
  /** For dates in the names of files that workflows save; without it they stay as they are. */
  now?: (() => Date) | undefined;
  /** Without it sizes are unknown, and files are taken to exist. */
  files?: PictureFiles | undefined;
  describe?: DescribePort | undefined;
}
