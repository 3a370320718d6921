import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { NewRequest, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import { wordsOf } from '@atelier/shared/access/blocked-words';
import { commandOfBody } from '@atelier/shared/access/command-of-body';
import { readRepeated } from '@atelier/shared/access/read-repeated';
import type { SubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import type { ApiLimits, QuotaOutcome } from '@atelier/shared/db/gateway/api-tokens';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { requireScope, type Principal } from '../principal.ts';
import { problem } from '../problems/to-problem.ts';
import { namedThings, type NamedThings } from './asset-refs.ts';
import { checkRules } from './check-rules.ts';

/** What submitting needs of the world. */
export interface SubmitPorts {
  /** Commits; a repeat of the event id is the same request. */
  accept: (request: NewRequest) => Promise<{ requestId: string; created: boolean; outbox: OutboxRow[] }>;
  /** The id that a request with this event id has or will have. */
  requestIdOf: (eventId: string) => string;
  /** The body of a request, where there is one. */
  readBody: (requestId: string) => Promise<RequestBody | undefined>;
  /** Which of these hashes the person may not use, and which requests are not theirs. */
  findForeign: (personId: string, named: NamedThings) => Promise<string[]>;
  /** Whether some of this is a result of theirs that nobody else sees. */
  comesOfPrivate: (personId: string, named: NamedThings) => Promise<boolean>;
  /** What operators have said of people and words, at most a few seconds old. */
  readRules: () => Promise<SubmissionRules>;
  /** Files that are used are kept for longer. */
  keepFiles: (hashes: readonly string[]) => Promise<void>;
  /** Counts a submission against the quotas of a token. */
  countSubmission: (token: { id: string; personId: string; limits: ApiLimits }) => Promise<QuotaOutcome>;
  nudge: (rows: readonly OutboxRow[]) => void;
  randomId: () => string;
}

export interface Submission {
  body: RequestBody;
  /** Names the program: its socket hears of the request. */
  clientId?: string | undefined;
  /** The caller's key: sending it again is the same request. */
  idempotencyKey?: string | undefined;
  /** An id of the platform's own for what asked, where there is one; else a new one each time. */
  eventId?: string | undefined;
  /** The event id was made just now, so that nothing can have come under it. */
  isNew?: boolean | undefined;
  /** Absent: as private as what it is made from. */
  isPrivate?: boolean | undefined;
}

export interface Submitted {
  requestId: string;
  /** False: it was there already. */
  created: boolean;
}

/** Accepts work for whoever calls, whatever the door: accepted is committed. */
export interface Submitter {
  /**
   * @throws AppError `FORBIDDEN` (no scope, denied, a blocked word), `NOT_FOUND` (names a file or a request that is not theirs), `QUOTA_EXCEEDED`,
   *   `IDEMPOTENCY_KEY_REUSED`, `CONNECTION_ERROR` (nothing is known to be accepted: try again with the same key).
   */
  submit(principal: Principal, submission: Submission): Promise<Submitted>;
}

export function createSubmitter(ports: SubmitPorts): Submitter {
  return {
    async submit(principal, submission) {
      requireScope(principal, 'submit');
      const { body, clientId, idempotencyKey } = submission;
      const eventId = eventIdOf(principal, submission, ports.randomId);
      if (idempotencyKey !== undefined || (submission.eventId !== undefined && submission.isNew !== true)) {
        const earlier = await ports.readBody(ports.requestIdOf(eventId));
        if (earlier !== undefined) return repeated(ports.requestIdOf(eventId), earlier, body);
      }
      checkRules(await ports.readRules(), principal, { command: commandOfBody(body), words: wordsOf(body) });
      const named = namedThings(body);
      await refuseForeign(principal, named);
      await checkRepeated(principal, body);
      const isPrivate = submission.isPrivate ?? (await isMadeOfPrivate(principal, named));
      await countAgainstQuota(principal);
      const source = sourceOf(body);
      const accepted = await ports.accept({
        eventId,
        user: {
          door: 'api',
          id: principal.account,
          displayName: principal.displayName,
          language: principal.language,
        },
        place: {
          door: 'api',
          id: principal.account,
          userId: principal.credentialId,
          ...(clientId === undefined ? {} : { threadId: clientId }),
        },
        body,
        isPrivate,
        ...(source === undefined ? {} : { parent: source }),
      });
      ports.nudge(accepted.outbox);
      if (!accepted.created) {
        const earlier = await ports.readBody(accepted.requestId);
        if (earlier !== undefined) return repeated(accepted.requestId, earlier, body);
      }
      return { requestId: accepted.requestId, created: accepted.created };
    },
  };

  /** A repeat counts for rules as what it repeats: its command, and its words. */
  async function checkRepeated(principal: Principal, body: RequestBody): Promise<void> {
    const repeats = await readRepeated(body, ports.readBody);
    if (repeats === body) return;
    checkRules(await ports.readRules(), principal, { command: commandOfBody(repeats), words: wordsOf(repeats) });
  }

  /** What is not theirs is answered as if there were no such thing: whether it exists is nobody else's business. */
  async function refuseForeign(principal: Principal, named: NamedThings): Promise<void> {
    if (namesNothing(named)) return;
    const foreign = await ports.findForeign(principal.personId, named);
    if (foreign.length === 0) {
      await ports.keepFiles(named.hashes);
      return;
    }
    throw problem(
      foreign.some((id) => named.hashes.includes(id)) ? 'IMAGE_NOT_FOUND' : 'NOT_FOUND',
      `You have nothing with this id or hash: ${foreign.slice(0, 3).join(', ')}.`,
      `没有找到属于你的内容：${foreign.slice(0, 3).join('、')}。`,
    );
  }

  async function isMadeOfPrivate({ personId }: Principal, named: NamedThings): Promise<boolean> {
    return !namesNothing(named) && ports.comesOfPrivate(personId, named);
  }

  async function countAgainstQuota(principal: Principal): Promise<void> {
    const { limits } = principal;
    if (principal.kind !== 'token' || (limits.perDay === null && limits.openRequests === null)) return;
    const counted = await ports.countSubmission({ id: principal.credentialId, personId: principal.personId, limits });
    if (counted.outcome === 'counted') return;
    const { allowed } = counted;
    throw counted.limit === 'perDay'
      ? problem(
          'QUOTA_EXCEEDED',
          `This token may ask ${allowed} times a day (UTC): wait until tomorrow, or use another.`,
          `该令牌每天（UTC）最多可提交 ${allowed} 次：请明天再试或使用其他令牌。`,
        )
      : problem(
          'QUOTA_EXCEEDED',
          `This token may have ${allowed} unfinished requests: wait until one ends.`,
          `该令牌最多可有 ${allowed} 个未完成的请求：请等待其中一个结束。`,
        );
  }
}

/** Keys of people and of tokens never meet: the account stands before each, and keys are hashed, so that any text will do. */
export function eventIdOf(principal: Principal, submission: Submission, randomId: () => string): string {
  const { idempotencyKey, eventId } = submission;
  if (idempotencyKey !== undefined) {
    const key = createHash('sha256').update(idempotencyKey).digest('base64url');
    return `${principal.account.slice(0, 100)}:key:${key}`;
  }
  if (eventId !== undefined) {
    const key = createHash('sha256').update(eventId).digest('base64url');
    return `${principal.account.slice(0, 100)}:event:${key}`;
  }
  return randomId();
}

function namesNothing({ hashes, requestIds }: NamedThings): boolean {
  return hashes.length === 0 && requestIds.length === 0;
}

function repeated(requestId: string, earlier: RequestBody, body: RequestBody): Submitted {
  if (isDeepStrictEqual(plain(earlier), plain(body))) return { requestId, created: false };
  throw problem(
    'IDEMPOTENCY_KEY_REUSED',
    'This key was used for another request: use a new one for each request that differs.',
    '该键已用于另一个请求：不同的请求请使用新的键。',
  );
}

/** As it comes back from the database: without what is undefined. */
function plain(body: RequestBody): unknown {
  return JSON.parse(JSON.stringify(body));
}

function sourceOf(body: RequestBody): SourceRef | undefined {
  if (body.kind === 'derive') return body.source;
  if (body.kind === 'words') return body.about?.[0];
  return undefined;
}
