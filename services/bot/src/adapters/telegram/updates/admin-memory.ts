import type { Logger } from 'pino';
import type { TelegramCalls } from '../api/telegram-calls.ts';

const keepMs = 5 * 60_000;
const maxKept = 5_000;

/**
 * Who runs which group, asked once in 5 minutes. Where Telegram does not say, nobody does: what needs it is refused, and
 * nothing else waits for it.
 */
export function createAdminMemory(
  calls: Pick<TelegramCalls, 'isChatAdmin'>,
  { now, log }: { now: () => number; log: Logger },
): (chatId: string, userId: string) => Promise<boolean> {
  const known = new Map<string, { isAdmin: boolean; until: number }>();

  return async function isChatAdmin(chatId, userId) {
    const key = `${chatId}:${userId}`;
    const kept = known.get(key);
    if (kept !== undefined && kept.until > now()) return kept.isAdmin;
    try {
      const isAdmin = await calls.isChatAdmin(chatId, userId);
      known.delete(key);
      known.set(key, { isAdmin, until: now() + keepMs });
      const [oldest] = known.keys();
      if (known.size > maxKept && oldest !== undefined) known.delete(oldest);
      return isAdmin;
    } catch (error) {
      log.debug({ err: error }, 'who runs the group is not known');
      return false;
    }
  };
}
