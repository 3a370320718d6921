import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { readWorkflow } from '@atelier/shared/db/workflows/saved-workflow-store';
import { claimRequests, releaseRequest, renewAgentLease } from '@atelier/shared/db/requests/agent-lease';
import { answerRequest, failUnplannedRequest } from '@atelier/shared/db/requests/answer-request';
import { expireQuestions } from '@atelier/shared/db/requests/ask-question';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { planRequest, type PlanLimits } from '@atelier/shared/db/requests/plan-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import type { PlanningSources } from '../core/planning-parts.ts';
import type { RequestDesk } from '../ports.ts';

export interface RequestDeskOptions {
  db: Database;
  outbox: Pick<OutboxRelay, 'nudge'>;
  /** This process, as a UUID. */
  holder: string;
  leaseMs: number;
  /** How much may wait; default: see `queue-settings`. */
  limits?: PlanLimits;
  /** How long a question waits for its answer. */
  questionExpiresMs: number;
}

/** Requests in Postgres; what a commit owes to NATS is handed to the relay at once. */
export function createPostgresRequestDesk({
  db,
  outbox,
  holder,
  leaseMs,
  limits,
  questionExpiresMs,
}: RequestDeskOptions): RequestDesk & PlanningSources {
  return {
    async claim(limit, requestId) {
      const requests = await claimRequests(db, {
        holder,
        leaseMs,
        limit,
        ...(requestId === undefined ? {} : { requestId }),
      });
      return requests.map((request) => ({
        request,
        lease: { requestId: request.id, holder, epoch: request.agentEpoch },
        claims: request.agentClaims,
      }));
    },
    renew: (lease) => renewAgentLease(db, lease, leaseMs),
    release: (lease, afterMs) => releaseRequest(db, lease, afterMs),
    async commitPlan(lease, plan, jobs) {
      const rows = await planRequest(db, lease, plan, jobs, limits);
      if (rows !== undefined) outbox.nudge(rows);
      return rows !== undefined;
    },
    async commitAnswer(lease, answer) {
      const rows = await answerRequest(db, lease, answer);
      if (rows !== undefined) outbox.nudge(rows);
      return rows !== undefined;
    },
    async fail(requestId, error) {
      outbox.nudge(await failUnplannedRequest(db, requestId, error));
    },
    read: (requestId) => readRequest(db, requestId),
    readJobs: (requestId) => readJobsOfRequests(db, [requestId]),
    findWorkflow: (personId, idOrName) => readWorkflow(db, personId, idOrName),
    async finishCancels() {
      outbox.nudge(await finishCancels(db));
    },
    async expireQuestions() {
      outbox.nudge(await expireQuestions(db, questionExpiresMs));
    },
  };
}
