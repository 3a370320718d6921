import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import type { ChatCoreDeps } from './chat-context.ts';
import { createChatCore } from './create-chat-core.ts';

const mei: Asker = {
  eventId: 'e',
  user: { door: 'web', id: 'mei', displayName: 'Mei', language: 'en' },
  place: { door: 'web', id: 'mei' },
};

/** A core of which only this much is there. */
function coreOf(parts: { databaseReady: boolean; find: () => Promise<never> }) {
  const deps: Partial<ChatCoreDeps> = {
    people: {
      find: parts.find,
      settingsOf: () => Promise.resolve({}),
      save: () => Promise.resolve(),
      forget: () => undefined,
    },
    status: {
      notices: [],
      databaseReady: parts.databaseReady,
      takeWorkerStatus: () => undefined,
      workerStatus: () => undefined,
      setNatsConnected: () => undefined,
      setRefused: () => undefined,
      suspectDatabase: () => undefined,
      watch: () => () => undefined,
      start: () => Promise.resolve(),
      stop: () => undefined,
    },
    acceptDeadlineMs: 20,
    log: pino({ level: 'silent' }),
    now: () => 0,
  };
  return createChatCore(deps as ChatCoreDeps);
}

describe('createChatCore', () => {
  it.each([
    ['is known to be away', { databaseReady: false, find: () => Promise.reject(new Error('not asked')) }],
    [
      'turns out to be away',
      { databaseReady: true, find: () => Promise.reject(new AppError('unavailable', 'connection lost')) },
    ],
    ['says nothing', { databaseReady: true, find: () => new Promise<never>(() => undefined) }],
  ])('says that nothing was accepted where the database %s', async (_name, parts) => {
    const core = coreOf(parts);
    const message = { en: expect.stringMatching(/^Not accepted/), zh: expect.stringContaining('未被接受') };
    await expect(core.submit({ ...mei, text: 'a fox' })).rejects.toMatchObject({ publicMessage: message });
    const button = { action: 'cancel', requestId: '11111111-1111-4111-8111-111111111111' } as const;
    await expect(core.press(button, mei)).rejects.toMatchObject({ code: 'unavailable', publicMessage: message });
  });
});
