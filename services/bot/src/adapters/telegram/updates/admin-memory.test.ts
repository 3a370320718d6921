import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createAdminMemory } from './admin-memory.ts';

const log = pino({ level: 'silent' });

it('asks once in five minutes', async () => {
  const clock = { now: 0 };
  let asked = 0;
  const isChatAdmin = createAdminMemory(
    {
      isChatAdmin: (_chat, user) => {
        asked += 1;
        return Promise.resolve(user === 'mei');
      },
    },
    { now: () => clock.now, log },
  );
  expect(await isChatAdmin('-1', 'mei')).toBe(true);
  expect(await isChatAdmin('-1', 'mei')).toBe(true);
  expect(await isChatAdmin('-1', 'ana')).toBe(false);
  expect(asked).toBe(2);
  clock.now += 5 * 60_000;
  expect(await isChatAdmin('-1', 'mei')).toBe(true);
  expect(asked).toBe(3);
});

it('gives nobody a right that Telegram did not tell of', async () => {
  const away = { isChatAdmin: () => Promise.reject(new Error('away')) };
  expect(await createAdminMemory(away, { now: () => 0, log })('-1', 'mei')).toBe(false);
});
