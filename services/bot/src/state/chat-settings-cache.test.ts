import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { ChatSettingsSnapshot } from '@atelier/shared/db/chat/chat-settings';
import { createChatSettingsCache } from './chat-settings-cache.ts';

const log = pino({ level: 'silent' });

it('keeps what a later look saw when an earlier one comes in after it', async () => {
  const looks: PromiseWithResolvers<ChatSettingsSnapshot>[] = [];
  const cache = createChatSettingsCache({
    read() {
      const look = Promise.withResolvers<ChatSettingsSnapshot>();
      looks.push(look);
      return look.promise;
    },
    log,
  });
  const [earlier, later] = [cache.refresh(), cache.refresh()];
  looks[1]?.resolve({ channels: [], rules: [], limits: { ratePerMinute: 3 } });
  await later;
  looks[0]?.resolve({ channels: [], rules: [], limits: { ratePerMinute: 20 } });
  await earlier;
  expect(cache.limits.ratePerMinute).toBe(3);
});
