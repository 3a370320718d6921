import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { MAX_PROMPT_CHARS, pendingQuestionSchema, type PendingQuestion } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database, SqlFragment } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import type { AgentLease } from './agent-lease.ts';
import { settledRequestTail } from './end-request.ts';

/**
 * Puts a question to the request's author and gives the lease up: planning -> asking. On chats, where the card changes
 * without a sound, a delivery of its own calls them, in the same statement and under the question's id: once a question.
 * `undefined`: the lease was lost, the request has ended or its cancel was asked for; nothing was written.
 *
 * @param expiresMs how long an answer is waited for: see {@link expireQuestions}.
 */
export async function askQuestion(
  db: Pick<Database, 'sql'>,
  lease: AgentLease,
  question: PendingQuestion,
  expiresMs: number,
): Promise<OutboxRow[] | undefined> {
  const stored = pendingQuestionSchema.parse(question);
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      update requests set state = 'asking', question = ${db.sql.json(stored)}, agent_lease_expires_at = null,
        question_expires_at = clock_timestamp() + ${expiresMs} * interval '1 millisecond',
        agent_claims = 0, version = version + 1, updated_at = now()
      where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
        and state = 'planning' and agent_lease_expires_at > clock_timestamp() and cancel_requested_at is null
      returning id, door, place, state, version
    ), call as (
      insert into deliveries (id, request_id, door, place, kind)
      select ${stored.id}::uuid, id, door, place, 'question' from changed where door in ('discord', 'telegram')
      on conflict do nothing
      returning id, request_id, door
    ), news as (${changedMessages(db)}), bell as (
      insert into outbox (key, tokens, data, correlation_id)
      select 'deliveryCreated', jsonb_build_object('door', door),
             jsonb_build_object('deliveryId', id, 'requestId', request_id, 'door', door), request_id from call
      returning id, key, tokens, data, correlation_id
    )
    select * from news union all select * from bell`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}

/** Why a question that nobody answered ended its request, and how to go on. */
const UNANSWERED = {
  nothingRan: {
    en: 'The question was not answered in time, so nothing was run. Your words are kept: press Try again, or just say it anew.',
    zh: '问题未在规定时间内得到回答，因此没有运行任何任务。你的话已保留：请点“再试一次”，或直接重新说一遍。',
  },
  someRan: {
    en: 'The question was not answered in time, so I stopped there; what had been started is finished. To go on, press Try again, or just say it anew.',
    zh: '问题未在规定时间内得到回答，因此到此为止；已开始的任务会完成。如需继续，请点“再试一次”，或直接重新说一遍。',
  },
};
/** The error code of a request that ended so. */
const QUESTION_EXPIRED = 'question_expired';

/**
 * Ends requests whose question nobody answered in time, by the database's clock, in one statement: asking -> failed, with a
 * sentence that says how to go on; where its agent had queued jobs, those decide, and the sentence is the reply. That no answer
 * came is kept in the answer's place: of the two, whoever is first counts.
 *
 * @param expiresMs for questions of earlier versions, which say no time themselves.
 */
export async function expireQuestions(db: Pick<Database, 'sql'>, expiresMs: number): Promise<OutboxRow[]> {
  const error = { code: QUESTION_EXPIRED, message: UNANSWERED.nothingRan };
  const rows = await withDatabaseErrors(
    () => db.sql`
    with due as (
      select id, person_id, question from requests
      where state = 'asking' and cancel_requested_at is null
        and coalesce(question_expires_at, updated_at + ${expiresMs} * interval '1 millisecond') <= clock_timestamp()
      order by question_expires_at limit 100 for update skip locked
    ), unanswered as (
      insert into agent_answers (question_id, request_id, person_id, question)
      select (question->>'id')::uuid, id, person_id, question from due
      on conflict do nothing
    ), settled as (
      update requests r set question = null, agent_wake = null, version = r.version + 1, updated_at = now(),
        state = case when r.jobs_open > 0 then 'working' when r.jobs_succeeded > 0 then 'succeeded' else 'failed' end,
        error = case when r.jobs_total > 0 then r.error else ${db.sql.json(error)}::jsonb end,
        reply = case when r.jobs_total = 0 then r.reply when r.language = 'zh' then ${UNANSWERED.someRan.zh}
                     else ${UNANSWERED.someRan.en} end,
        finished_at = case when r.jobs_open > 0 then null else now() end
      from due where r.id = due.id
      returning r.*
    ), ${settledRequestTail(db)}`,
  );
  return rows.map((row) => outboxRowSchema.parse(row));
}

export interface QuestionAnswer {
  requestId: string;
  questionId: string;
  /** Who answers: only the request's author may. */
  personId: string;
  /** Id of one of the question's choices. */
  choice?: string;
  /** Where the question allows text. At most MAX_PROMPT_CHARS are kept. */
  text?: string;
  /** The platform's event that says so, as `door:id`, where the question is not named in it: one event answers one question. */
  event?: string;
}

/** Under which events that answered are kept in the inbox. */
const answerConsumer = 'answers';

export type AnswerOutcome =
  /** It is stored, or was before with the same words; the agent goes on. */
  | { outcome: 'answered'; outbox: OutboxRow[] }
  /** There is no such question, it is another person's, or it has no such choice. */
  | { outcome: 'not_found' }
  /** No answer came in time: see {@link expireQuestions}. */
  | { outcome: 'expired' }
  /** It was answered otherwise, or the request has ended meanwhile. */
  | { outcome: 'gone' };

/**
 * Answers a question: asking -> accepted, in one statement with the doorbell for the agent. One answer counts, the first:
 * saying the same again changes nothing and is as good, so a button may be pressed twice, and a platform may tell of a reply
 * twice, even if the agent has asked something else meanwhile.
 */
export async function answerQuestion(db: Pick<Database, 'sql'>, answer: QuestionAnswer): Promise<AnswerOutcome> {
  const { requestId, questionId, personId } = answer;
  const event = answer.event ?? null;
  const choice = answer.choice ?? null;
  const text = answer.text?.trim().slice(0, MAX_PROMPT_CHARS) ?? null;
  if (choice === null && (text === null || text === '')) return { outcome: 'not_found' };
  const rows = await withDatabaseErrors(
    () => db.sql`
    with asked as (
      select id, question from requests
      where id = ${requestId} and person_id = ${personId} and state = 'asking' and question->>'id' = ${questionId}
        and (${choice}::text is null or jsonb_path_exists(question, '$.choices[*] ? (@.id == $choice)',
          jsonb_build_object('choice', ${choice}::text)))
        and (${text}::text is null or (question->>'allowText')::boolean)
      for update
    ), heard as (
      insert into inbox (consumer, key, handled_at)
      select ${answerConsumer}, ${event}::text, now() from asked where ${event}::text is not null
      on conflict do nothing returning key
    ), answered as (
      insert into agent_answers (question_id, request_id, person_id, question, choice, text)
      select ${questionId}::uuid, id, ${personId}::uuid, question, ${choice}, ${text} from asked
      where ${event}::text is null or exists (select from heard)
      on conflict do nothing returning request_id
    ), changed as (
      update requests r set state = 'accepted', question = null, agent_not_before = null, version = r.version + 1,
        updated_at = now()
      from answered where r.id = answered.request_id
      returning r.id, r.door, r.state, r.version
    ), bell as (
      insert into outbox (key, tokens, data, correlation_id)
      select 'requestSubmitted', '{}'::jsonb,
             jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id from changed
      returning id, key, tokens, data, correlation_id
    ), news as (${changedMessages(db)})
    select * from bell union all select * from news`,
  );
  if (rows.length > 0) return { outcome: 'answered', outbox: rows.map((row) => outboxRowSchema.parse(row)) };
  if (event !== null && (await hasAnswered(db, event))) return { outcome: 'answered', outbox: [] };
  return whyNot(db, { requestId, questionId, personId, choice, text });
}

/** Whether a platform's event has answered a question; for about a week. */
export async function hasAnswered(db: Pick<Database, 'sql'>, event: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`select 1 from inbox where consumer = ${answerConsumer} and key = ${event}`,
  );
  return rows.length > 0;
}

async function whyNot(
  db: Pick<Database, 'sql'>,
  answer: { requestId: string; questionId: string; personId: string; choice: string | null; text: string | null },
): Promise<AnswerOutcome> {
  const [row] = await withDatabaseErrors(
    () => db.sql`
    select r.question->>'id' = ${answer.questionId} and r.state = 'asking' as open,
      a.question_id is not null as known, a.choice is null and a.text is null as unanswered,
      r.finished_at is not null as finished,
      a.choice is not distinct from ${answer.choice}::text and a.text is not distinct from ${answer.text}::text as same
    from requests r left join agent_answers a on a.question_id = ${answer.questionId} and a.request_id = r.id
    where r.id = ${answer.requestId} and r.person_id = ${answer.personId}`,
  );
  if (row === undefined) return { outcome: 'not_found' };
  if (row['known'] === true && row['unanswered'] === true) return { outcome: 'expired' };
  if (row['known'] === true) return row['same'] === true ? { outcome: 'answered', outbox: [] } : { outcome: 'gone' };
  // Open, so that what was said was no answer to it.
  if (row['open'] === true) return { outcome: 'not_found' };
  return row['finished'] === true ? { outcome: 'gone' } : { outcome: 'not_found' };
}

/** An insert of `requestChanged` for the rows of `changed`. */
function changedMessages(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    insert into outbox (key, tokens, data, correlation_id)
    select 'requestChanged', jsonb_build_object('state', state),
           jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id from changed
    returning id, key, tokens, data, correlation_id`;
}

const answeredQuestionSchema = z.object({
  questionId: uuidSchema,
  question: pendingQuestionSchema,
  choice: z.string().nullable(),
  text: z.string().nullable(),
});
export type AnsweredQuestion = z.infer<typeof answeredQuestionSchema>;

/** Whether nobody answered a question in time. */
export async function isQuestionExpired(db: Pick<Database, 'sql'>, questionId: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select 1 from agent_answers where question_id = ${questionId} and choice is null and text is null`,
  );
  return rows.length > 0;
}

/** What a request's author has answered so far, oldest first. */
export async function readAnswers(db: Pick<Database, 'sql'>, requestId: string): Promise<AnsweredQuestion[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select question_id, question, choice, text from agent_answers where request_id = ${requestId} order by created_at`,
  );
  return rows.map((row) => answeredQuestionSchema.parse(row));
}
