import type { Language, Place } from '@atelier/shared/contracts/identity';
import type { JobInput } from '@atelier/shared/contracts/job';
import type { SourceRef } from '@atelier/shared/contracts/request';
import type { DraftRow, DraftTitle, Preference, SpentToday } from '@atelier/shared/db/agent/agent-memory';
import type { ConversationReader, ConversationRow, PictureQuery } from '@atelier/shared/db/agent/conversation';
import type { MeasuredTime } from '@atelier/shared/db/agent/measured-times';
import type { InstanceRecord } from '@atelier/shared/db/instances/instance-store';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

/** What tools look up. Nothing here changes anything, except `cancel`, which may be repeated. */
export interface ToolReads {
  /** Requests that this reader may see, whose id begins with these hexadecimal digits. */
  findRequests(reader: ConversationReader, idPrefix: string): Promise<ConversationRow[]>;
  searchPictures(reader: ConversationReader, query: PictureQuery): Promise<ConversationRow[]>;
  jobsOf(requestId: string): Promise<JobWithOutputs[]>;
  draft(sessionId: string, draftId: string, version?: number): Promise<DraftRow | undefined>;
  drafts(sessionId: string): Promise<DraftTitle[]>;
  /** The draft that `it` means in this conversation, and what is kept in mind about it. */
  session(sessionId: string): Promise<{ draftId: string | null; notes: string } | undefined>;
  preferences(personId: string): Promise<Preference[]>;
  measuredTimes(model: string): Promise<MeasuredTime[]>;
  /** What a person, everybody and one run have used. */
  spent(personId: string, runId: string): Promise<SpentToday>;
  queue(): Promise<QueueSnapshot>;
  instances(): Promise<InstanceRecord[]>;
  /** The bytes of a stored file. @throws AppError `not_found`, `too_large`. */
  file(hash: string, maxBytes: number): Promise<Uint8Array>;
  /** Stops a request of this person. */
  cancel(requestId: string, personId: string): Promise<'cancelling' | 'finished' | 'not_found'>;
  /** Asks for a workflow to be run on behalf of a caller without a run; a repeat with the same event id is the same. */
  submit(request: {
    eventId: string;
    personId: string;
    place: Place;
    language: Language;
    workflowText: string;
    inputs: readonly JobInput[];
    name: string;
    /** The earlier picture that it starts from. */
    parent: SourceRef | undefined;
  }): Promise<string>;
}
