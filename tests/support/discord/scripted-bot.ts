import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { createDiscordAdapter, type DiscordAdapterDeps } from '@atelier/bot/adapters/discord/create-discord-adapter';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import { finishedJob, jobRecord, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { ChatAdapter, ChatOutcome } from '@atelier/bot/ports';
import type { ClaimedDelivery, DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { claimedDelivery } from './claimed-delivery.ts';
import { createFakeDiscord, type FakeDiscordOptions } from './fake-discord.ts';
import type { FakePerson } from './fake-person.ts';
import { createScriptedChat } from './scripted-chat.ts';

export interface FactsOptions {
  ended: boolean;
  pictures?: number;
  eventId?: string;
  replyTo?: string;
  isPrivate?: boolean;
  parentRequestId?: string;
}

/** The Discord adapter in this process, on a fake Discord and with a scripted core: for what a whole platform never shows. */
export async function startScriptedBot(
  options: { discord?: FakeDiscordOptions; adapter?: Partial<DiscordAdapterDeps> } = {},
) {
  const discord = createFakeDiscord(options.discord);
  const core = createScriptedChat();
  const log = pino({ level: 'silent' });
  const refs: Partial<Record<DeliveryKind, Record<string, unknown>>> = {};
  await discord.start();
  const mei: FakePerson = discord.addPerson('Mei');
  const make = (more: Partial<DiscordAdapterDeps> = {}): ChatAdapter =>
    createDiscordAdapter({
      token: discord.token,
      apiUrl: discord.apiUrl,
      messageContent: false,
      chat: core.chat,
      readMessageRefs: async () => refs,
      readShareRefs: async () => [],
      log,
      now: discord.now,
      ...options.adapter,
      ...more,
    });
  const adapter = make();
  await adapter.start();
  await discord.until('the commands', () => discord.commands.current.length > 0);

  function factsOf(facts: FactsOptions, channelId = discord.channel.id): CardFacts {
    const eventId = facts.eventId ?? randomUUID();
    const replyTo = facts.replyTo === undefined ? {} : { replyTo: facts.replyTo };
    const isDirect = discord.state.channels.get(channelId)?.guild_id === undefined;
    const request = requestRecord({
      id: requestIdOf('discord', eventId),
      door: 'discord',
      eventId,
      place: {
        door: 'discord',
        id: channelId,
        userId: mei.user.id,
        ...(isDirect ? {} : { guildId: discord.guild.id }),
        ...replyTo,
      },
      plan,
      createdAt: new Date(),
      isPrivate: facts.isPrivate ?? false,
      parentRequestId: facts.parentRequestId ?? null,
      state: facts.ended ? 'succeeded' : 'working',
      finishedAt: facts.ended ? new Date() : null,
    });
    const count = facts.pictures ?? 1;
    const jobs = Array.from({ length: count }, (_, index) => (facts.ended ? finishedJob(index) : jobRecord(index)));
    const made = { request, jobs, delivered: facts.ended };
    core.known.set(request.id, made);
    return made;
  }

  function accepted(eventId: string, more: { isPrivate?: boolean; channelId?: string } = {}): ChatOutcome {
    const { isPrivate = false, channelId } = more;
    const { request } = factsOf({ ended: false, eventId, isPrivate }, channelId);
    return { outcome: 'accepted', requestId: request.id, created: true, isPrivate };
  }

  function send(kind: DeliveryKind, facts: CardFacts, more: Partial<ClaimedDelivery> = {}, by = adapter) {
    return by.send(claimedDelivery(kind, facts, more), async () => facts);
  }

  async function sent(...args: Parameters<typeof send>): Promise<Record<string, unknown>> {
    const outcome = await send(...args);
    if (outcome.outcome !== 'sent') throw new Error(JSON.stringify(outcome));
    return outcome.messageRef;
  }

  /** A result as it stands in a channel, with everything that can be done with it. */
  async function postResult(facts: CardFacts) {
    const ref = await sent('result', facts);
    const message = discord.state.messages.get(String(ref['messageId']));
    if (message === undefined) throw new Error('the result is not there');
    return message;
  }

  return {
    discord,
    core,
    adapter,
    make,
    mei,
    refs,
    factsOf,
    accepted,
    send,
    sent,
    postResult,
    async stop(): Promise<void> {
      await adapter.stop();
      await discord.stop();
    },
  };
}
export type ScriptedBot = Awaited<ReturnType<typeof startScriptedBot>>;
