import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { readShareRefs } from '@atelier/shared/db/chat/read-share-refs';
import type { Database } from '@atelier/shared/db/connect-database';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { countStall, type ServiceCounters } from '@atelier/shared/metrics/service-counters';
import { claimLeadership, releaseLeadership } from '@atelier/shared/db/leadership/leadership-store';
import type { BotConfig } from '../config.ts';
import type { ChatAdapter, ChatCore } from '../ports.ts';

export interface ChatAdapterDeps {
  chat: ChatCore;
  db: Database;
  /** Where the request's messages stand on their platform, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  counters: ServiceCounters;
  log: Logger;
  now: () => number;
}

/** Builds the adapters of the chats that are switched on. A platform's library is loaded only for its own adapter. */
export async function createChatAdapters(
  config: Pick<BotConfig, 'discord' | 'telegram' | 'timeScale'>,
  deps: ChatAdapterDeps,
): Promise<ChatAdapter[]> {
  const adapters: ChatAdapter[] = [];
  const { counters } = deps;
  if (config.discord.enabled) {
    const { createDiscordAdapter } = await import('./discord/create-discord-adapter.ts');
    const holder = randomUUID();
    adapters.push(
      createDiscordAdapter({
        ...deps,
        ...config.discord,
        timeScale: config.timeScale,
        onStall: (waitMs) => countStall(counters, 'discord', waitMs),
        readShareRefs: (requestIds) => readShareRefs(deps.db, { door: 'discord', requestIds }),
        leadershipOf: (name) => ({
          claim: (leaseMs) => claimLeadership(deps.db, { name, holder, leaseMs }),
          release: () => releaseLeadership(deps.db, { name, holder }),
        }),
      }),
    );
  }
  if (config.telegram.enabled) {
    const { createTelegramAdapter } = await import('./telegram/create-telegram-adapter.ts');
    const onStall = (waitMs: number): void => countStall(counters, 'telegram', waitMs);
    adapters.push(createTelegramAdapter({ ...deps, ...config.telegram, timeScale: config.timeScale, onStall }));
  }
  return adapters;
}
