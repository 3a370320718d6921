import type { Language, Place } from '@atelier/shared/contracts/identity';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { readPreferences, readDraft } from '@atelier/shared/db/agent/agent-memory';
import { readConversation } from '@atelier/shared/db/agent/conversation';
import { nextInSession, takeSession, type AgentSession } from '@atelier/shared/db/agent/session-store';
import type { Database } from '@atelier/shared/db/connect-database';
import { releaseUntilSessionIsFree } from '@atelier/shared/db/requests/agent-lease';
import { finalRequestStates } from '@atelier/shared/contracts/request';
import type { LiveReply } from '@atelier/shared/contracts/live';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { PlanLimits } from '@atelier/shared/db/requests/plan-request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createPostgresRunStore } from '../adapters/postgres-run-store.ts';
import type { Catalog } from '../core/catalog.ts';
import { languageOf } from '../core/messages.ts';
import type { PlanOutcome } from '../core/planning-parts.ts';
import type { LocalText } from '../core/words-plan.ts';
import type { LoadImage } from '../loop/build-messages.ts';
import type { RunBudgets } from '../loop/budgets.ts';
import type { EventSink } from '../loop/event-sink.ts';
import type { ModelPrice } from '../loop/model-prices.ts';
import type { ModelPort } from '../loop/model-port.ts';
import { runAgent, type Boundary, type RunEnd } from '../loop/run-agent.ts';
import type { RunStore } from '../loop/run-store.ts';
import { SYSTEM_PROMPT } from '../loop/system-prompt.ts';
import type { ClaimedRequest } from '../ports.ts';
import { readerOf } from '../tools/picture-ref.ts';
import type { ToolReads } from '../tools/tool-reads.ts';
import type { AgentTool, ApprovalRule, Requester } from '../tools/tool.ts';
import { createLiveReplies } from './live-replies.ts';
import { writeOpening, writeState } from './opening.ts';
import { createRunContext } from './run-context.ts';

/** What is private has a memory of its own: drafts and notes of it are nobody else's. */
function sessionPlace({ place, personId, isPrivate }: RequestRecord): Place {
  return isPrivate ? { ...place, threadId: `${(place.threadId ?? '').slice(0, 60)}~${personId}` } : place;
}

/** A place where nobody but one person reads. */
function isOfOnePerson({ door, id, guildId, userId }: Place): boolean {
  if (door === 'discord') return guildId === undefined;
  return door !== 'telegram' || id === userId;
}

/** Requests of a conversation that a run is told of. */
const MAX_CONVERSATION = 30;

export interface WordsRunnerOptions {
  db: Database;
  outbox: Pick<OutboxRelay, 'nudge'>;
  limits: PlanLimits | undefined;
  /** How long a question waits for its answer. */
  questionExpiresMs: number;
  /** Wakes whoever can stop a cancelled request. */
  onCancel: (requestId: string, jobIds: string[]) => void;
  model: ModelPort;
  price: ModelPrice;
  budgets: RunBudgets;
  approval: ApprovalRule;
  visionCheck: 'off' | 'offer' | 'retry';
  maxOutputTokens: number;
  tools: readonly AgentTool[];
  reads: ToolReads;
  loadImage: LoadImage;
  /** Decides what a body becomes, with the rights of this request's person. */
  plan: (
    request: RequestRecord,
    body: RequestBody,
    id: string,
    signal: AbortSignal,
    random?: () => number,
  ) => Promise<PlanOutcome>;
  publish: (reply: LiveReply) => void;
  /** Rings for a request. */
  ring: (requestId: string) => void;
  now: () => number;
  log: Logger;
  boundary?: Boundary | undefined;
  /** Told of everything besides. */
  sink?: EventSink | undefined;
}

/** `handled`: whatever is to be written is written, or is another's to write. */
export type WordsOutcome = PlanOutcome | { kind: 'handled' };

type WordsBody = Extract<RequestBody, { kind: 'words' }>;

/** Works on words with the language model, one run at a time in each session. */
export function createWordsRunner(options: WordsRunnerOptions) {
  const { db } = options;

  async function work(
    { request, lease }: ClaimedRequest,
    body: WordsBody,
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<WordsOutcome> {
    const taken = await takeSession(db, lease, sessionPlace(request));
    if (taken === undefined) {
      await releaseUntilSessionIsFree(db, lease);
      return { kind: 'handled' };
    }
    const store = createPostgresRunStore({
      db,
      outbox: options.outbox,
      lease: taken.lease,
      personId: request.personId,
      limits: options.limits,
      questionExpiresMs: options.questionExpiresMs,
      onCancel: options.onCancel,
    });
    const live = createLiveReplies(request.id, options.publish, options.now);
    try {
      const end = await runAgent(
        {
          ...runParts(request, body, taken.session, catalog, signal),
          store,
          sink(event) {
            live.sink(event);
            options.sink?.(event);
          },
        },
        signal,
      );
      return end.kind === 'cannot' ? await withoutModel(request, body, store, end, signal) : { kind: 'handled' };
    } finally {
      live.stop();
    }
  }

  function runParts(
    request: RequestRecord,
    body: WordsBody,
    session: AgentSession,
    catalog: Catalog,
    signal: AbortSignal,
  ) {
    const requester: Requester = {
      personId: request.personId,
      personName: request.personName,
      language: languageOf(body.text, request.language),
      place: request.place,
      isHeardAlone: request.isPrivate || isOfOnePerson(request.place),
      sessionId: session.id,
    };
    const { images: formImages, ...bodyOptions } = body.options ?? {};
    const attachments = [...(body.images ?? []), ...(formImages ?? [])];
    const conversation = () =>
      readConversation(db, readerOf(requester), { beforeRequestId: request.id, limit: MAX_CONVERSATION });
    const state = async (): Promise<string> => {
      const [rows, preferences, current] = await Promise.all([
        conversation(),
        readPreferences(db, request.personId),
        options.reads.session(session.id),
      ]);
      return writeState({
        draft: current?.draftId == null ? undefined : await readDraft(db, session.id, current.draftId),
        catalog,
        openRequests: rows.filter(({ state: at }) => !finalRequestStates.some((final) => final === at)),
        preferences,
        notes: current?.notes ?? '',
        now: new Date(options.now()),
      });
    };
    return {
      runId: request.id,
      model: options.model,
      price: options.price,
      tools: options.tools,
      system: SYSTEM_PROMPT,
      budgets: options.budgets,
      visionCheck: options.visionCheck,
      maxOutputTokens: options.maxOutputTokens,
      loadImage: options.loadImage,
      log: options.log.child({ request_id: request.id }),
      ...(options.boundary === undefined ? {} : { boundary: options.boundary }),
      state,
      opening: async () =>
        writeOpening({
          now: new Date(options.now()),
          personName: request.personName,
          language: requester.language,
          message: { text: body.text, attachments, about: body.about ?? [], quoted: body.quoted, options: bodyOptions },
          conversation: await conversation(),
          state: await state(),
          catalog,
        }),
      toolContext: createRunContext({
        runId: request.id,
        requester,
        attachments,
        about: body.about ?? [],
        catalog,
        reads: options.reads,
        plan: (wanted, id, random) => options.plan(request, wanted, id, signal, random),
        approval: options.approval,
        budgets: options.budgets,
        now: options.now,
      }),
    };
  }

  /** The model gives no reply: the words are read by rules, where nothing was done yet; else what was done is told. */
  async function withoutModel(
    request: RequestRecord,
    body: WordsBody,
    store: RunStore,
    end: Extract<RunEnd, { kind: 'cannot' }>,
    signal: AbortSignal,
  ): Promise<WordsOutcome> {
    const language = languageOf(body.text, request.language);
    if (end.reason === 'declined' && (end.soFar === 'nothing' || end.soFar === 'replies')) {
      return { kind: 'failed', error: { code: 'declined', message: DECLINED } };
    }
    const words = lastWords(end, language);
    if (words !== undefined) {
      await store.end(words, undefined);
      return { kind: 'handled' };
    }
    const note = readWithout(end.why);
    const outcome = await options.plan(request, body, request.id, signal);
    switch (outcome.kind) {
      case 'planned':
        return { ...outcome, plan: { ...outcome.plan, notes: [...outcome.plan.notes, note] } };
      case 'replied':
        return { kind: 'replied', reply: `${outcome.reply}\n\n${note[language]}` };
      case 'failed':
        break;
    }
    const { code, message } = outcome.error;
    return {
      kind: 'failed',
      error: { code, message: { en: `${message.en} ${note.en}`, zh: `${message.zh}${note.zh}` } },
    };
  }

  return {
    /** @throws AppError `unavailable` when it was ended from outside or a part is away. */
    async run(claimed: ClaimedRequest, catalog: Catalog, signal: AbortSignal): Promise<WordsOutcome> {
      const { body } = claimed.request;
      if (body.kind !== 'words') throw new AppError('internal', 'only words are worked on in a session');
      return work(claimed, body, catalog, signal);
    },
    /** The work on a message is over for now: the next message of the conversation has its turn. Never rejects. */
    async settled({ id, body, place }: RequestRecord): Promise<void> {
      // What is said again holds a turn, too.
      if (body.kind !== 'words' && body.kind !== 'rerun') return;
      try {
        const next = await nextInSession(db, place);
        if (next !== undefined && next !== id) options.ring(next);
      } catch (error) {
        options.log.debug({ err: error }, 'the next message could not be looked for; the sweep finds it');
      }
    },
  };
}

const DECLINED: LocalText = {
  en: 'The language model declined this; say it differently, or use the settings of /imagine.',
  zh: '语言模型拒绝了此请求；请换一种说法，或使用 /imagine 的设置。',
};

function readWithout(why: LocalText): LocalText {
  return {
    en: `${why.en}; your words were read by simple rules and the prompt was not translated.`,
    zh: `${why.zh}，已按简单规则理解你的话，提示词未翻译。`,
  };
}

/** What is told of a run that the model left; undefined where the words are better read by rules. */
function lastWords(
  { said, why, soFar, reason }: Extract<RunEnd, { kind: 'cannot' }>,
  language: Language,
): string | undefined {
  const goesOn = { en: `${why.en}; what was queued goes on.`, zh: `${why.zh}；已排队的任务会继续。` };
  const join = (last: string): string => [said, last].filter((part) => part !== '').join('\n\n');
  switch (soFar) {
    case 'open':
      return join(goesOn[language]);
    case 'succeeded':
      return said;
    case 'failed':
      // The error has words of its own.
      return '';
    case 'replies':
      return reason === 'budget' ? join(`${why[language]}${language === 'zh' ? '。' : '.'}`) : undefined;
    case 'nothing':
      break;
  }
  return undefined;
}
