import { GrammyError, HttpError } from 'grammy';
import { describe, expect, it } from 'vitest';
import { toTelegramFailure } from './telegram-failure.ts';

function refusal(status: number, description: string, parameters: object = {}): GrammyError {
  const answer = { ok: false as const, error_code: status, description, parameters };
  return new GrammyError('Call failed', answer, 'sendMessage', {});
}

describe('toTelegramFailure', () => {
  it.each([
    [400, 'Bad Request: message is not modified: specified new message content …', 'not_modified'],
    [400, 'Bad Request: message to edit not found', 'message_gone'],
    [400, 'Bad Request: there is no text in the message to edit', 'message_gone'],
    [400, 'Bad Request: chat not found', 'place_closed'],
    [400, 'Bad Request: TOPIC_CLOSED', 'place_closed'],
    [400, 'Bad Request: PHOTO_INVALID_DIMENSIONS', 'photo_refused'],
    [400, 'Bad Request: query is too old and response timeout expired or query ID is invalid', 'query_expired'],
    [400, 'Bad Request: message text is empty', 'refused'],
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Forbidden: bot was blocked by the user', 'place_closed'],
    [409, 'Conflict: terminated by other getUpdates request', 'conflict'],
    [413, 'Request Entity Too Large', 'too_large'],
    [502, 'Bad Gateway', 'unreachable'],
  ])('tells %i %s as %s', (status, description, kind) => {
    expect(toTelegramFailure('sendMessage', refusal(status, description)).kind).toBe(kind);
  });

  it('carries how long to wait, and where a group went', () => {
    const limited = toTelegramFailure('sendMessage', refusal(429, 'Too Many Requests', { retry_after: 7 }));
    expect(limited).toMatchObject({ kind: 'rate_limited', code: 'rate_limited', afterMs: 7_000 });
    const moved = toTelegramFailure('sendMessage', refusal(400, 'Bad Request', { migrate_to_chat_id: -100_9 }));
    expect(moved).toMatchObject({ kind: 'migrated', newChatId: '-1009' });
  });

  it('says nothing of the address, which holds the token', () => {
    const cause = Object.assign(new Error('request to https://api.telegram.org/bot1:SECRET/sendMessage failed'), {
      code: 'ECONNREFUSED',
    });
    const failure = toTelegramFailure('sendMessage', new HttpError("Network request for 'sendMessage' failed!", cause));
    expect(failure.kind).toBe('unreachable');
    expect(failure.message).toBe('Telegram: ECONNREFUSED');
    expect(JSON.stringify([failure.stack, failure.details, failure.cause])).not.toContain('SECRET');
  });
});
