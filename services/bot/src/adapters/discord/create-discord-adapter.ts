import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, Events, GatewayDispatchEvents, GuildPremiumTier } from 'discord.js';
import type { Logger } from 'pino';
import { doorSchema } from '@atelier/shared/contracts/identity';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import type { ChatAdapter, ChatCore } from '../../ports.ts';
import { deployCommands } from './commands/deploy-commands.ts';
import { createAttachmentFetcher } from './conversation/fetch-attachment.ts';
import { type BotIdentity, handleMessage } from './conversation/handle-message.ts';
import { handleReaction, type ReactionChange } from './conversation/handle-reaction.ts';
import { createLiveCards } from './deliveries/live-cards.ts';
import { createNewMessagePlacer } from './deliveries/place-new-message.ts';
import { createQueueBoards } from './deliveries/queue-boards.ts';
import { createResultRemover } from './deliveries/remove-results.ts';
import { createCardEditor, createDeliverySender } from './deliveries/send-delivery.ts';
import { createPostSender } from './deliveries/send-post.ts';
import { connectGateway } from './gateway/connect-gateway.ts';
import { holdLeadership, type LeadershipDesk } from './gateway/hold-leadership.ts';
import { ownsGuild, type ShardChoice } from './gateway/shards.ts';
import { channelFacts } from './interactions/asker-of.ts';
import { handleAutocomplete } from './interactions/handle-autocomplete.ts';
import { handleInteraction } from './interactions/handle-interaction.ts';
import { createInteractionAnswers } from './interactions/interaction-answers.ts';
import { createMessageMenus } from './interactions/message-menus.ts';
import { createDiscordMessages } from './messages/discord-messages.ts';
import { createRequestGuard } from './messages/guard-requests.ts';
import { defaultMaxFileBytes, parseMessageRef } from './messages/message-ref.ts';

export interface DiscordAdapterDeps {
  token: string;
  /** Discord's own unless given. */
  apiUrl: string | undefined;
  /** Also see replies to the bot that do not mention it; needs a privileged intent. */
  messageContent: boolean;
  /** Servers that get the commands; all of them without it. */
  guildIds?: readonly string[];
  /** The part of all servers that this process answers for; all without it. */
  shards?: ShardChoice;
  chat: ChatCore;
  /** Where the request's messages stand, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  /** Where results of these requests were shared, newest first. */
  readShareRefs: (requestIds: readonly string[]) => Promise<Record<string, unknown>[]>;
  /** Who may connect, where several processes share a token; this one always without it. `name` tells what is led. */
  leadershipOf?: (name: string) => LeadershipDesk;
  log: Logger;
  now: () => number;
  /** Refused calls in ten minutes from which on nothing is sent for a while. */
  maxRefused?: number;
  /** Discord asked for a wait, in ms. */
  onStall?: (waitMs: number) => void;
  /** Divides the windows and spacings that are kept because of Discord's: a replay at 60× sets 60. */
  timeScale?: number;
}

const discordApiUrl = 'https://discord.com/api';
/** Discord being away must not keep the page from being ready. */
const longestStartMs = 10_000;
const commandRetryMs = 30_000;
/** How long after a crash the next process waits. */
const leadMs = 6_000;
const mebibyte = 1_024 * 1_024;
/** https://support.discord.com/hc/en-us/articles/25444343291031 (2025) */
const maxFileBytesOfTier: Partial<Record<GuildPremiumTier, number>> = {
  [GuildPremiumTier.Tier2]: 50 * mebibyte,
  [GuildPremiumTier.Tier3]: 100 * mebibyte,
};
const alwaysLead: LeadershipDesk = { claim: async () => true, release: async () => undefined };

/** Discord as a chat: commands, menus, mentions and direct messages in; one live card a request out. */
export function createDiscordAdapter(deps: DiscordAdapterDeps): ChatAdapter {
  const { chat } = deps;
  const log = deps.log.child({ adapter: 'discord' });
  const apiUrl = (deps.apiUrl ?? discordApiUrl).replace(/\/+$/, '');
  const timeScale = deps.timeScale ?? 1;
  const monotonic = (): number => performance.now();
  const guard = createRequestGuard({
    now: monotonic,
    windowMs: (10 * 60_000) / timeScale,
    ...(deps.maxRefused === undefined ? {} : { maxRefused: deps.maxRefused }),
  });
  const messages = createDiscordMessages({ token: deps.token, apiUrl, guard, onStall: deps.onStall });
  const answers = createInteractionAnswers({ messages, log, now: deps.now, rightMs: (14 * 60_000) / timeScale });
  const edit = createCardEditor(messages, answers);
  const cards = createLiveCards({
    chat,
    edit,
    log,
    now: deps.now,
    spacingMs: 3_000 / timeScale,
    refreshMs: 10_000 / timeScale,
    oldMs: (55 * 60_000) / timeScale,
    readCardRef: async (requestId) => parseMessageRef((await deps.readMessageRefs(requestId)).card),
  });
  const owns = (guildId: string | undefined): boolean => deps.shards === undefined || ownsGuild(deps.shards, guildId);
  const boards = createQueueBoards({ chat, messages, owns, log, spacingMs: 5_000 / timeScale });
  const fetchAttachment = createAttachmentFetcher(apiUrl);
  const stopping = new AbortController();
  const underway = new Set<Promise<void>>();
  const ready = Promise.withResolvers<void>();
  let client: Client<true> | undefined;
  let leads = false;
  let leading: Promise<void> | undefined;

  const applicationId = (): string | undefined => client?.application.id;
  const menus = createMessageMenus({ chat, messages, fetchAttachment, applicationId, now: monotonic });
  const maxFileBytes = (guildId: string | undefined): number => {
    const tier = guildId === undefined ? undefined : client?.guilds.cache.get(guildId)?.premiumTier;
    return (tier === undefined ? undefined : maxFileBytesOfTier[tier]) ?? defaultMaxFileBytes;
  };
  const isAdultChannel = (channelId: string): boolean =>
    channelFacts(channelId, client?.channels.cache.get(channelId) ?? null).isAdultPlace;
  const placeNew = createNewMessagePlacer({ messages, applicationId, maxFileBytes, log });
  const { readMessageRefs } = deps;
  const send = createDeliverySender({ answers, cards, edit, placeNew, chat, log, isAdultChannel, readMessageRefs });
  const remover = createResultRemover({ ...deps, edit, messages, log });
  const post = createPostSender({
    chat,
    placeNew,
    messages,
    isAdultChannel,
    log,
    async findProjectThread(requestIds) {
      const refs = await deps.readShareRefs(requestIds);
      return refs.map((ref) => ref['threadId']).find((id) => typeof id === 'string');
    },
  });

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => log.error({ err: error }, 'an event could not be handled'))
      .finally(() => underway.delete(tracked));
    underway.add(tracked);
  }

  function listen(to: Client): void {
    const identity = (): BotIdentity | undefined =>
      to.user === null || to.application === null
        ? undefined
        : { userId: to.user.id, applicationId: to.application.id };
    to.on(Events.InteractionCreate, (interaction) => {
      if (interaction.isAutocomplete()) track(handleAutocomplete({ chat, messages, log }, interaction));
      else if (interaction.isRepliable()) {
        track(handleInteraction({ chat, answers, menus, fetchAttachment, log }, interaction));
      }
    });
    to.on(Events.MessageCreate, (message) => {
      const bot = identity();
      if (bot !== undefined) track(handleMessage({ chat, messages, fetchAttachment, log }, message, bot));
    });
    // Of messages that the library does not keep it tells no reactions.
    const react = (isAdded: boolean) => (reaction: ReactionChange['reaction']) => {
      const bot = identity();
      const nameOf = (userId: string): string | undefined => to.users.cache.get(userId)?.displayName;
      if (bot !== undefined) track(handleReaction({ chat, messages, nameOf, log }, { reaction, isAdded }, bot));
    };
    to.ws.on(GatewayDispatchEvents.MessageReactionAdd, react(true));
    to.ws.on(GatewayDispatchEvents.MessageReactionRemove, react(false));
  }

  async function serve(term: AbortSignal): Promise<void> {
    const { token, messageContent, shards } = deps;
    leads = true;
    // What was asked elsewhere may have been shared here.
    const watching = doorSchema.options.map((door) =>
      chat.watch(door, (facts) => {
        if (!owns(facts.request.place.guildId)) return;
        if (door === 'discord') cards.offer(facts);
        remover.show(facts);
      }),
    );
    try {
      const connected = await connectGateway({
        token,
        apiUrl,
        messageContent,
        guard,
        log,
        signal: term,
        prepare: listen,
        ...(shards === undefined ? {} : { shards }),
      });
      client = connected;
      ready.resolve();
      log.info({ user: connected.user.username, servers: connected.guilds.cache.size }, 'connected to Discord');
      boards.start();
      track(deploy(connected.application.id, term));
      if (!term.aborted) await new Promise((end) => term.addEventListener('abort', end, { once: true }));
      await connected.destroy();
    } catch (error) {
      if (!term.aborted) throw error;
    } finally {
      leads = false;
      for (const unwatch of watching) unwatch();
      cards.forget();
      boards.pause();
    }
  }

  async function deploy(application: string, term: AbortSignal): Promise<void> {
    while (!term.aborted) {
      try {
        await deployCommands({ messages, applicationId: application, log, guildIds: deps.guildIds ?? [] });
        return;
      } catch (error) {
        log.warn({ err: error }, 'the commands could not be registered; again soon');
        await delay(commandRetryMs, undefined, { signal: term }).catch(() => undefined);
      }
    }
  }

  return {
    name: 'discord',
    /** None while another process leads: it knows which answers it gave, and sends. */
    get doors() {
      return leads ? (['discord'] as const) : [];
    },
    /** Any process could send, but one alone knows which edit of a card is under way, and what it answered there. */
    part: deps.shards === undefined ? undefined : { door: 'discord', ...deps.shards },
    send,
    post,
    takeBack: (facts) => remover.again(facts),
    async start() {
      cards.start();
      const name = leadershipName(deps.token, deps.shards);
      const desk = deps.leadershipOf?.(name) ?? alwaysLead;
      leading = holdLeadership({ desk, log, signal: stopping.signal, lead: serve, leaseMs: leadMs / timeScale });
      const waited = new AbortController();
      const late = delay(longestStartMs, undefined, { signal: waited.signal }).catch(() => undefined);
      try {
        await Promise.race([ready.promise, leading, late]);
      } finally {
        waited.abort();
        leading.catch((error: unknown) => {
          if (!stopping.signal.aborted) log.error({ err: error }, 'Discord stays switched off until the next start');
        });
      }
    },
    async stop() {
      stopping.abort();
      await leading?.catch(() => undefined);
      await Promise.allSettled(underway);
      await remover.stop();
      await boards.stop();
      await cards.stop();
    },
  };
}

/** The token itself is told to nobody. */
function leadershipName(token: string, shards: ShardChoice | undefined): string {
  const digest = createHash('sha256').update(token).digest('hex').slice(0, 32);
  return shards === undefined ? `discord:${digest}` : `discord:${digest}:${shards.ids.join(',')}/${shards.count}`;
}
