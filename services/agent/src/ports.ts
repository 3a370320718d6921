import type { Language } from '@atelier/shared/contracts/identity';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { AssetRef, PlanSummary, PublicError } from '@atelier/shared/contracts/request';
import type { AgentLease } from '@atelier/shared/db/requests/agent-lease';
import type { RequestAnswer } from '@atelier/shared/db/requests/answer-request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { Vocabulary } from './core/offline-planner/reading.ts';
import type { LocalText, WordsPlan } from './core/words-plan.ts';

/** A request under the lease with which it was claimed. */
export interface ClaimedRequest {
  request: RequestRecord;
  lease: AgentLease;
  /** Claims since something came of one, this one included. */
  claims: number;
}

/** Requests as the agent works on them. Every write requires the lease and says whether it still held. */
export interface RequestDesk {
  /** Takes requests that nobody plans, oldest first; with `requestId` only that one. */
  claim(limit: number, requestId?: string): Promise<ClaimedRequest[]>;
  renew(lease: AgentLease): Promise<boolean>;
  release(lease: AgentLease, afterMs: number): Promise<void>;
  commitPlan(lease: AgentLease, plan: PlanSummary, jobs: readonly NewJob[]): Promise<boolean>;
  commitAnswer(lease: AgentLease, answer: RequestAnswer): Promise<boolean>;
  /** Ends a request whose message cannot be handled, whatever its lease. */
  fail(requestId: string, error: PublicError): Promise<void>;
  read(requestId: string): Promise<RequestRecord | undefined>;
  /** Carries out cancels whose asker died halfway. */
  finishCancels(): Promise<void>;
  /** Ends requests whose question nobody answered in time. */
  expireQuestions(): Promise<void>;
}

/** What is known when words are read. */
export interface WordsInput {
  text: string;
  language: Language;
  pictures: readonly AssetRef[];
  vocabulary: Vocabulary;
  /** Languages in which the model that would draw understands a prompt. */
  promptLanguages: readonly string[];
}

export interface WordsReading {
  plan: WordsPlan;
  /** What the person should know about how the words were read. */
  notes: LocalText[];
  /** Whether a language model wrote the prompt, for the recipe's model. */
  written: boolean;
}

/** Turns words into a plan. */
export interface WordsPlanner {
  read(input: WordsInput, signal: AbortSignal): Promise<WordsReading>;
}
