import { setTimeout as delay } from 'node:timers/promises';
import { type Client, Events, GuildPremiumTier } from 'discord.js';
import type { Logger } from 'pino';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import type { ChatAdapter, ChatCore } from '../../ports.ts';
import { deployCommands } from './commands/deploy-commands.ts';
import { connectGateway } from './connect-gateway.ts';
import { createAttachmentFetcher } from './conversation/fetch-attachment.ts';
import { handleMessage } from './conversation/handle-message.ts';
import { createLiveCards } from './deliveries/live-cards.ts';
import { createCardEditor, createDeliverySender } from './deliveries/send-delivery.ts';
import { handleInteraction } from './interactions/handle-interaction.ts';
import { createInteractionAnswers } from './interactions/interaction-answers.ts';
import { createDiscordMessages } from './messages/discord-messages.ts';
import { defaultMaxFileBytes, parseMessageRef } from './messages/message-ref.ts';

export interface DiscordAdapterDeps {
  token: string;
  /** Discord's own unless given. */
  apiUrl: string | undefined;
  /** Also see replies to the bot that do not mention it; needs a privileged intent. */
  messageContent: boolean;
  chat: ChatCore;
  /** Where the request's messages stand, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  log: Logger;
  now: () => number;
}

const discordApiUrl = 'https://discord.com/api';
/** Discord being away must not keep the page from being ready. */
const longestStartMs = 10_000;
const commandRetryMs = 30_000;
const mebibyte = 1_024 * 1_024;
/** https://support.discord.com/hc/en-us/articles/25444343291031 (2025) */
const maxFileBytesOfTier: Partial<Record<GuildPremiumTier, number>> = {
  [GuildPremiumTier.Tier2]: 50 * mebibyte,
  [GuildPremiumTier.Tier3]: 100 * mebibyte,
};

/** Discord as a chat: commands, mentions and direct messages in; one live card a request out. */
export function createDiscordAdapter(deps: DiscordAdapterDeps): ChatAdapter {
  const { chat } = deps;
  const log = deps.log.child({ adapter: 'discord' });
  const apiUrl = (deps.apiUrl ?? discordApiUrl).replace(/\/+$/, '');
  const messages = createDiscordMessages({ token: deps.token, apiUrl });
  const answers = createInteractionAnswers({ messages, log, now: deps.now });
  const edit = createCardEditor(messages, answers);
  const cards = createLiveCards({
    chat,
    edit,
    log,
    readCardRef: async (requestId) => parseMessageRef((await deps.readMessageRefs(requestId)).card),
  });
  const fetchAttachment = createAttachmentFetcher(apiUrl);
  const stopping = new AbortController();
  const underway = new Set<Promise<void>>();
  let client: Client<true> | undefined;
  let connecting: Promise<void> | undefined;
  let unwatch: (() => void) | undefined;

  const send = createDeliverySender({
    messages,
    answers,
    cards,
    edit,
    chat,
    log,
    readMessageRefs: deps.readMessageRefs,
    applicationId: () => client?.application.id,
    maxFileBytes(guildId) {
      const tier = guildId === undefined ? undefined : client?.guilds.cache.get(guildId)?.premiumTier;
      return (tier === undefined ? undefined : maxFileBytesOfTier[tier]) ?? defaultMaxFileBytes;
    },
  });

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => log.error({ err: error }, 'an event could not be handled'))
      .finally(() => underway.delete(tracked));
    underway.add(tracked);
  }

  function listen(to: Client): void {
    to.on(Events.InteractionCreate, (interaction) => {
      if (interaction.isRepliable()) track(handleInteraction({ chat, answers, log }, interaction));
    });
    to.on(Events.MessageCreate, (message) => {
      const botUserId = to.user?.id;
      if (botUserId !== undefined) {
        track(handleMessage({ chat, messages, fetchAttachment, log }, message, botUserId));
      }
    });
  }

  async function connect(): Promise<void> {
    const { token, messageContent } = deps;
    const connected = await connectGateway({
      token,
      apiUrl,
      messageContent,
      log,
      signal: stopping.signal,
      prepare: listen,
    });
    client = connected;
    log.info({ user: connected.user.username, servers: connected.guilds.cache.size }, 'connected to Discord');
    track(deploy(connected.application.id));
  }

  async function deploy(applicationId: string): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await deployCommands(messages, applicationId, log);
        return;
      } catch (error) {
        log.warn({ err: error }, 'the commands could not be registered; again soon');
        await delay(commandRetryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  return {
    name: 'discord',
    doors: ['discord'],
    send,
    async start() {
      unwatch = chat.watch('discord', (facts) => cards.offer(facts));
      cards.start();
      connecting = connect();
      const waited = new AbortController();
      const late = delay(longestStartMs, undefined, { signal: waited.signal }).catch(() => undefined);
      try {
        await Promise.race([connecting, late]);
      } finally {
        waited.abort();
        connecting.catch((error: unknown) => {
          if (!stopping.signal.aborted) log.error({ err: error }, 'Discord stays switched off until the next start');
        });
      }
    },
    async stop() {
      stopping.abort();
      unwatch?.();
      await connecting?.catch(() => undefined);
      await client?.destroy();
      await Promise.allSettled(underway);
      await cards.stop();
    },
  };
}
