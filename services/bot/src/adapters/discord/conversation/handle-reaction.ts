import type { GatewayMessageReactionAddDispatchData, GatewayMessageReactionRemoveDispatchData } from 'discord.js';
import type { Logger } from 'pino';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatCore } from '../../../ports.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { BotIdentity } from './handle-message.ts';
import { readMessageSource, shownApiMessage } from './message-source.ts';

export interface ReactionDeps {
  chat: Pick<ChatCore, 'press'>;
  messages: Pick<DiscordMessages, 'read'>;
  /** How somebody is called, as far as that is known. */
  nameOf: (userId: string) => string | undefined;
  log: Logger;
}

type Reaction = GatewayMessageReactionAddDispatchData | GatewayMessageReactionRemoveDispatchData;

export interface ReactionChange {
  reaction: Reaction;
  isAdded: boolean;
}

/** What people react with to what they like. */
const favouriteEmojis: ReadonlySet<string> = new Set(['⭐', '🌟', '❤️', '❤', '💖', '😍']);

/** Keeps a result as a favourite of whoever reacts to its card, until they take that back. Never throws. */
export async function handleReaction(
  deps: ReactionDeps,
  { reaction, isAdded }: ReactionChange,
  bot: BotIdentity,
): Promise<void> {
  if (reaction.user_id === bot.userId || !favouriteEmojis.has(reaction.emoji.name ?? '')) return;
  // Of a removal the author is not named, so that message is read in any case.
  if ('message_author_id' in reaction && reaction.message_author_id !== bot.userId) return;
  try {
    const read = await deps.messages.read(reaction.channel_id, reaction.message_id);
    if (read.author.id !== bot.userId) return;
    const { requestId } = readMessageSource(shownApiMessage(read), bot.applicationId);
    if (requestId === undefined) return;
    await deps.chat.press(
      { action: 'favourite', requestId, picture: 0, arg: isAdded ? 'on' : 'off' },
      askerOf(reaction, deps.nameOf),
    );
  } catch (error) {
    // Nobody waits for an answer to a reaction.
    if (error instanceof AppError) deps.log.debug({ err: error }, 'a reaction has no effect');
    else deps.log.error({ err: error }, 'a reaction failed');
  }
}

function askerOf(reaction: Reaction, nameOf: ReactionDeps['nameOf']) {
  const { user_id: userId, channel_id: channelId, message_id: messageId, guild_id: guildId } = reaction;
  const member = 'member' in reaction ? reaction.member : undefined;
  const name = member?.nick ?? member?.user.global_name ?? nameOf(userId) ?? userId;
  return {
    eventId: `${messageId}:${userId}:favourite`,
    user: { door: 'discord' as const, id: userId, displayName: name.slice(0, 100), language: 'en' as const },
    place: {
      door: 'discord' as const,
      id: channelId,
      userId,
      ...(guildId === undefined ? {} : { guildId }),
    },
    standing: { roles: member?.roles ?? [], channelIds: [channelId], isDirect: guildId === undefined },
  };
}
