import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { answerQuestion, hasAnswered } from '@atelier/shared/db/requests/ask-question';
import type { SourceRef } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import { commandOfBody } from '@atelier/shared/access/command-of-body';
import { validatePrompt } from '../core/commands/validate-prompt.ts';
import type { ChatOutcome } from '../ports.ts';
import type { ChatContext, KnownAsker } from './chat-context.ts';

/** Hands the author's answer to the agent. The first answer counts; the same again is as good. */
export async function answerPendingQuestion(
  context: ChatContext,
  by: KnownAsker,
  answer: { requestId: string; questionId: string; choice?: string; text?: string; event?: string },
): Promise<ChatOutcome> {
  const { db, relay, feed, reader } = context.deps;
  if (answer.choice !== 'cancel') {
    // Who was refused meanwhile lets nothing run.
    const [asked] = await reader.readFacts([answer.requestId]);
    if (asked !== undefined) await context.access.check(by, commandOfBody(asked.request.body));
  }
  const result = await answerQuestion(db, { ...answer, personId: by.personId });
  if (result.outcome === 'answered') {
    relay.nudge(result.outbox);
    feed.ring(answer.requestId);
    return { outcome: 'answered', requestId: answer.requestId, text: by.m.chat.answered };
  }
  if (result.outcome === 'expired') throw questionExpired();
  const [facts] = await reader.readFacts([answer.requestId]);
  if (facts !== undefined && facts.request.personId !== by.personId) {
    throw new AppError('forbidden', 'only its author answers', {
      publicMessage: { en: 'Only the author of the request can answer this.', zh: '只有请求的作者可以回答。' },
    });
  }
  throw questionGone();
}

/** Words that reply to a card of one's own that asks for them are the answer; undefined for any other words. */
export async function answerByReply(
  context: ChatContext,
  by: KnownAsker,
  { about, text }: { about: readonly SourceRef[] | undefined; text: string },
): Promise<ChatOutcome | undefined> {
  const [source, ...others] = about ?? [];
  if (source === undefined || others.length > 0 || text.trim() === '') return undefined;
  const [facts] = await context.deps.reader.readFacts([source.requestId]);
  if (facts === undefined || facts.request.finishedAt !== null || facts.request.personId !== by.personId)
    return undefined;
  const { state, question, id } = facts.request;
  // The platform may tell of the same message twice: what it did the first time is all that it does.
  const { user, eventId } = by;
  const event = `${user.door}:${eventId}`;
  if (await hasAnswered(context.deps.db, event))
    return { outcome: 'answered', requestId: id, text: by.m.chat.answered };
  if (state !== 'asking' || question === null || !question.allowText) return undefined;
  const [made] = await context.deps.reader.readFacts([requestIdOf(user.door, eventId)]);
  if (made !== undefined) return undefined;
  context.checkWords(by, text);
  return answerPendingQuestion(context, by, {
    requestId: id,
    questionId: question.id,
    text: validatePrompt(text),
    event,
  });
}

export function questionGone(): AppError {
  return new AppError('not_found', 'the question is gone', {
    publicMessage: {
      en: 'This question was answered already, or the request has ended.',
      zh: '这个问题已经回答过，或请求已结束。',
    },
  });
}

/** The answer came too late: see `expireQuestions`. */
export function questionExpired(): AppError {
  return new AppError('not_found', 'the question has expired', {
    publicMessage: {
      en: 'This question expired: press Try again on its request, or just say it anew.',
      zh: '这个问题已过期：请在该请求上点“再试一次”，或直接重新说一遍。',
    },
  });
}
