import { answerQuestion } from '@atelier/shared/db/requests/ask-question';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatOutcome } from '../ports.ts';
import type { ChatContext, KnownAsker } from './chat-context.ts';

/** Hands the author's answer to the agent. The first answer counts; the same again is as good. */
export async function answerPendingQuestion(
  context: ChatContext,
  by: KnownAsker,
  answer: { requestId: string; questionId: string; choice?: string; text?: string },
): Promise<ChatOutcome> {
  const { db, relay, feed, reader } = context.deps;
  const result = await answerQuestion(db, { ...answer, personId: by.personId });
  if (result.outcome === 'answered') {
    relay.nudge(result.outbox);
    feed.ring(answer.requestId);
    return { outcome: 'answered', requestId: answer.requestId, text: by.m.chat.answered };
  }
  const [facts] = await reader.readFacts([answer.requestId]);
  if (facts !== undefined && facts.request.personId !== by.personId) {
    throw new AppError('forbidden', 'only its author answers', {
      publicMessage: { en: 'Only the author of the request can answer this.', zh: '只有请求的作者可以回答。' },
    });
  }
  throw new AppError('not_found', 'the question is gone', {
    publicMessage: {
      en: 'This question was answered already, or the request has ended.',
      zh: '这个问题已经回答过，或请求已结束。',
    },
  });
}
