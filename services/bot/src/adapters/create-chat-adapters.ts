import type { Logger } from 'pino';
import type { Database } from '@atelier/shared/db/connect-database';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import type { BotConfig } from '../config.ts';
import type { ChatAdapter, ChatCore } from '../ports.ts';

export interface ChatAdapterDeps {
  chat: ChatCore;
  db: Database;
  /** Where the request's messages stand on their platform, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  log: Logger;
  now: () => number;
}

/** Builds the adapters of the chats that are switched on. A platform's library is loaded only for its own adapter. */
export async function createChatAdapters(
  config: Pick<BotConfig, 'discord' | 'telegram'>,
  deps: ChatAdapterDeps,
): Promise<ChatAdapter[]> {
  const adapters: ChatAdapter[] = [];
  if (config.discord.enabled) {
    const { createDiscordAdapter } = await import('./discord/create-discord-adapter.ts');
    adapters.push(createDiscordAdapter({ ...deps, ...config.discord }));
  }
  if (config.telegram.enabled) {
    const { createTelegramAdapter } = await import('./telegram/create-telegram-adapter.ts');
    adapters.push(createTelegramAdapter({ ...deps, ...config.telegram }));
  }
  return adapters;
}
