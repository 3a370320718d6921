import { pino } from 'pino';
import { expect, it } from 'vitest';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { DiscordFailure } from '../messages/discord-failure.ts';
import { createResultRemover } from './remove-results.ts';

it('takes every message of a deleted result out of Discord, although one of them resists', async () => {
  const done: string[] = [];
  const refuse = (kind: 'unreachable' | 'edited_too_often') => Promise.reject(new DiscordFailure(kind, 'no'));
  const remover = createResultRemover({
    chat: { languageFor: () => 'en' },
    edit: () => refuse('unreachable'),
    messages: {
      edit(channelId) {
        if (channelId === 'old') return refuse('edited_too_often');
        return Promise.resolve(void done.push(`edited ${channelId}`));
      },
      remove(channelId) {
        if (channelId === 'old') return refuse('unreachable');
        return Promise.resolve(void done.push(`removed ${channelId}`));
      },
    },
    readMessageRefs: () => Promise.resolve({ result: { channelId: 'here', messageId: '1' } }),
    readShareRefs: () =>
      Promise.resolve(['old', 'team'].map((channelId, index) => ({ channelId, messageId: String(index) }))),
    log: pino({ level: 'silent' }),
  });
  const request = requestRecord({ state: 'succeeded', finishedAt: new Date(), door: 'discord' });
  const marks = { isDeleted: true, isShared: true, isCovered: false };
  remover.show({ request, jobs: [], delivered: true, marks });
  await remover.stop();
  expect(done).toEqual(['edited team']);
});
