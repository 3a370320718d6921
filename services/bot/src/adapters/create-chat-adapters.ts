import type { Logger } from 'pino';
import { AppError } from '@atelier/shared/errors/app-error';
import type { BotConfig } from '../config.ts';
import type { ChatAdapter, ChatCore } from '../ports.ts';

/** Builds the adapters of the chats that are switched on. A platform's library is loaded only for its own adapter. */
export async function createChatAdapters(
  config: Pick<BotConfig, 'discord' | 'telegram'>,
  _chat: ChatCore,
  _log: Logger,
): Promise<ChatAdapter[]> {
  if (config.discord.enabled) throw new AppError('config', 'DISCORD_TOKEN: this version has no Discord adapter');
  if (config.telegram.enabled) throw new AppError('config', 'TELEGRAM_TOKEN: this version has no Telegram adapter');
  return [];
}
