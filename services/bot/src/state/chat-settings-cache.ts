import type { Logger } from 'pino';
import { z } from 'zod';
import type { AccessRule, ChatChannel, ChatSettingsSnapshot } from '@atelier/shared/db/chat/chat-settings';
import { languageSchema, type Door, type Place } from '@atelier/shared/contracts/identity';
import type { ChannelSettings, QueueBoard } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';

const readDeadlineMs = 5_000;

const channelSettingsSchema = z.object({
  language: languageSchema.optional().catch(undefined),
  recipe: z.string().optional().catch(undefined),
  style: z.string().optional().catch(undefined),
  showsAdult: z.boolean().optional().catch(undefined),
  hasBoard: z.boolean().optional().catch(undefined),
  role: z.enum(['team', 'admin']).optional().catch(undefined),
});

const limitsSchema = z.object({
  /** Requests a person a minute. */
  ratePerMinute: z.number().int().min(1).catch(20).default(20),
  blockedWords: z.array(z.string()).catch([]).default([]),
  /** Words that are only for places for adults. */
  adultWords: z.array(z.string()).catch([]).default([]),
});
export type ChatLimits = z.infer<typeof limitsSchema>;

/**
 * What operators and channels have set, in memory, so that nobody who asks waits for it. Looked up again every few
 * seconds, because other processes set things too, and at once after a change of our own.
 */
export interface ChatSettingsCache {
  readonly rules: readonly AccessRule[];
  readonly limits: ChatLimits;
  channel(door: Door, placeIds: readonly string[]): ChannelSettings;
  /** Channels that are for this. */
  placesFor(role: 'team' | 'admin'): readonly Place[];
  boards(door: Door): readonly QueueBoard[];
  refresh(): Promise<void>;
  watch(listener: () => void): () => void;
}

export function createChatSettingsCache({
  read,
  log,
}: {
  read: () => Promise<ChatSettingsSnapshot>;
  log: Logger;
}): ChatSettingsCache {
  let channels: readonly (Omit<ChatChannel, 'settings'> & { settings: ChannelSettings })[] = [];
  let rules: readonly AccessRule[] = [];
  let limits: ChatLimits = limitsSchema.parse({});
  let seen = '';
  /** Looks may overtake each other: what one that began earlier saw is not put over what a later one did. */
  let looks = 0;
  let lastShown = 0;
  const listeners = new Set<() => void>();

  return {
    get rules() {
      return rules;
    },
    get limits() {
      return limits;
    },
    channel(door, placeIds) {
      for (const id of placeIds) {
        const found = channels.find(({ place }) => place.door === door && place.id === id);
        if (found !== undefined) return found.settings;
      }
      return {};
    },
    placesFor: (role) => channels.filter(({ settings }) => settings.role === role).map(({ place }) => place),
    boards: (door) =>
      channels
        .filter(({ place, settings }) => place.door === door && settings.hasBoard === true)
        .map(({ place, settings, boardRef }) => ({
          place,
          language: settings.language ?? 'en',
          ...(boardRef === null ? {} : { messageRef: boardRef }),
        })),
    async refresh() {
      const look = ++looks;
      try {
        const snapshot = await withDeadline(read(), readDeadlineMs);
        if (look < lastShown) return;
        lastShown = look;
        const text = JSON.stringify(snapshot);
        if (text === seen) return;
        seen = text;
        channels = snapshot.channels.map((channel) => ({
          ...channel,
          settings: definedOnly(channelSettingsSchema.parse(channel.settings)),
        }));
        rules = snapshot.rules;
        limits = limitsSchema.parse(snapshot.limits);
        for (const listener of listeners) listener();
      } catch (error) {
        log.debug({ err: error }, 'settings could not be read; the last ones hold');
      }
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>;
}
