import { listDrafts, readDraft, readPreferences, readSpent } from '@atelier/shared/db/agent/agent-memory';
import { findRequestsByPrefix, searchPictures } from '@atelier/shared/db/agent/conversation';
import { submitForPerson } from '@atelier/shared/db/agent/door-call';
import { readMeasuredTimes } from '@atelier/shared/db/agent/measured-times';
import { readSession } from '@atelier/shared/db/agent/session-store';
import type { Database } from '@atelier/shared/db/connect-database';
import { readInstances } from '@atelier/shared/db/instances/instance-store';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import type { PictureFiles } from '../core/planning-parts.ts';
import type { ToolReads } from '../tools/tool-reads.ts';

const MAX_DRAFTS = 20;

export interface ToolReadsOptions {
  db: Database;
  outbox: Pick<OutboxRelay, 'nudge'>;
  files: PictureFiles;
  /** Wakes whoever can stop a cancelled request. */
  onCancel: (requestId: string, jobIds: string[]) => void;
}

/** What tools look up, in Postgres and the asset store. */
export function createPostgresToolReads({ db, outbox, files, onCancel }: ToolReadsOptions): ToolReads {
  return {
    findRequests: (reader, prefix) => findRequestsByPrefix(db, reader, prefix),
    searchPictures: (reader, query) => searchPictures(db, reader, query),
    jobsOf: (requestId) => readJobsOfRequests(db, [requestId]),
    draft: (sessionId, draftId, version) => readDraft(db, sessionId, draftId, version),
    drafts: (sessionId) => listDrafts(db, sessionId, MAX_DRAFTS),
    session: (sessionId) => readSession(db, sessionId),
    preferences: (personId) => readPreferences(db, personId),
    measuredTimes: (model) => readMeasuredTimes(db, model),
    spent: (personId, runId) => readSpent(db, personId, runId),
    queue: () => readQueueSnapshot(db),
    instances: () => readInstances(db),
    file: (hash, maxBytes) => files.read(hash, maxBytes),
    async cancel(requestId, personId) {
      const cancelled = await cancelRequest(db, requestId, personId);
      if (cancelled.outcome === 'cancelling') {
        outbox.nudge(cancelled.outbox);
        onCancel(requestId, cancelled.jobIds);
      }
      return cancelled.outcome;
    },
    async submit({ eventId, personId, place, language, workflowText, inputs, name, parent }) {
      const { requestId, outbox: rows } = await submitForPerson(db, {
        eventId,
        personId,
        place,
        language,
        parent,
        body: {
          kind: 'workflow',
          workflowText,
          name,
          files: inputs.map((input) => ({ name: input.name, image: { hash: input.hash, mediaType: input.mediaType } })),
        },
      });
      outbox.nudge(rows);
      return requestId;
    },
  };
}
