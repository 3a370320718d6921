import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Door } from '@atelier/shared/contracts/identity';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { createChatPacer } from './chat-pacer.ts';
import type { MessageRef } from './message-ref.ts';
import { createResultRemover } from './remove-results.ts';

const request = requestRecord({ state: 'succeeded', finishedAt: new Date() });
const marks = { isDeleted: true, isShared: true, isCovered: false };

async function removed(result: MessageRef, isDeleted = true, door: Door = 'telegram'): Promise<string[]> {
  const asked: string[] = [];
  const remover = createResultRemover({
    calls: {
      deleteMessage(chatId, messageId) {
        asked.push(`delete ${chatId}:${messageId}`);
        return Promise.reject(new TelegramFailure('refused', 'deleteMessage', "message can't be deleted"));
      },
      editText: (chatId, messageId) => Promise.resolve(void asked.push(`edit ${chatId}:${messageId}`)),
    },
    pacer: createChatPacer(() => 0),
    languageFor: () => 'en',
    findMessages: () => Promise.resolve({ result, shares: [{ chatId: '-9', messageId: '1' }] }),
    pause: () => Promise.resolve(),
    log: pino({ level: 'silent' }),
  });
  const facts = { request: { ...request, door }, jobs: [], delivered: true, marks: { ...marks, isDeleted } };
  remover.show(facts);
  remover.show(facts);
  await remover.stop();
  return asked;
}

describe('createResultRemover', () => {
  it('takes a picture, or an album with its words, and what was shared out of the chats, once', async () => {
    const single = await removed({ chatId: '-5', messageId: '70' });
    expect(single).toEqual(['delete -9:1', 'delete -5:70']);
    const album = await removed({ chatId: '-5', messageId: '70', albumIds: ['71', '72'] });
    expect(album).toEqual(['delete -9:1', 'delete -5:71', 'delete -5:72', 'edit -5:70']);
  });

  it('takes what was shared of another door out of the chats, whose own message stands elsewhere', async () => {
    expect(await removed({ chatId: '-5', messageId: '70' }, true, 'discord')).toEqual(['delete -9:1']);
  });

  it('leaves what nobody deleted', async () => {
    expect(await removed({ chatId: '-5', messageId: '70' }, false)).toEqual([]);
  });
});
