import { describe, expect, it } from 'vitest';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import { AppError } from '@atelier/shared/errors/app-error';
import type { SendOutcome } from '../../../ports.ts';
import type { TelegramCalls } from '../api/telegram-calls.ts';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { uploadLimits } from '../api/upload-limits.ts';
import { createChatPacer } from './chat-pacer.ts';
import { createPostSender } from './send-post.ts';

const notice: ClaimedPost = {
  id: '55555555-5555-4555-8555-555555555555',
  door: 'telegram',
  place: { door: 'telegram', id: '-5' },
  kind: 'notice',
  requestId: null,
  picture: null,
  text: { en: 'the disk is full', zh: '磁盘已满' },
  epoch: 1,
  attempts: 1,
  triedBefore: false,
  sendingAt: new Date(),
};

async function post(what: ClaimedPost, refusal?: Error): Promise<{ outcome: SendOutcome; asked: string[] }> {
  const asked: string[] = [];
  const calls: Partial<TelegramCalls> = {
    sendText({ chatId }, { html }) {
      asked.push(`${chatId} ${html}`);
      return refusal === undefined ? Promise.resolve('7') : Promise.reject(refusal);
    },
  };
  const sendPost = createPostSender({
    calls: calls as TelegramCalls,
    pacer: createChatPacer(() => 0),
    chat: {
      files: { get: () => Promise.reject(new Error('none')), head: () => Promise.resolve(undefined) },
      channelSettings: () => ({}),
    },
    limits: uploadLimits(false),
    pause: () => Promise.resolve(),
  });
  const outcome = await sendPost(what, () => Promise.reject(refusal ?? new Error('no facts')));
  return { outcome, asked };
}

describe('createPostSender', () => {
  it('says a notice once; a try that may have arrived counts as arrived', async () => {
    expect(await post(notice)).toMatchObject({ outcome: { outcome: 'sent' }, asked: ['-5 the disk is full'] });
    expect(await post({ ...notice, triedBefore: true })).toMatchObject({ outcome: { outcome: 'sent' }, asked: [] });
  });

  it.each([
    ['away before a connection came about', new TelegramFailure('unreachable', 'x', 'x', { neverReached: true }), true],
    ['silent after the message was sent', new TelegramFailure('unreachable', 'x', 'x'), false],
    ['refusing the token', new TelegramFailure('unauthorized', 'x', 'x'), true],
  ])('tries again where Telegram is %s', async (_name, refusal, certainlyNotSent) => {
    expect((await post(notice, refusal)).outcome).toMatchObject({ outcome: 'postponed', certainlyNotSent });
  });

  it('loses no share while its pictures cannot be read, and gives up one whose request has expired', async () => {
    const share: ClaimedPost = { ...notice, kind: 'share', requestId: notice.id, text: null };
    const away = await post(share, new AppError('unavailable', 'the store is away'));
    expect(away.outcome).toMatchObject({ outcome: 'postponed', certainlyNotSent: true });
    expect((await post(share, new AppError('not_found', 'no request'))).outcome.outcome).toBe('failed');
  });
});
