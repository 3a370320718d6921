import type { Message } from 'discord.js';
import type { Logger } from 'pino';
import type { PlatformUser } from '@atelier/shared/contracts/identity';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import type { ChatCore, ChatOutcome } from '../../../ports.ts';
import { drawQueueCard, drawText } from '../cards/draw-texts.ts';
import { languageOfMessage } from '../discord-language.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import type { AttachmentFetcher } from './fetch-attachment.ts';

export interface MessageDeps {
  chat: ChatCore;
  messages: Pick<DiscordMessages, 'send'>;
  fetchAttachment: AttachmentFetcher;
  log: Logger;
}

const maxImages = 5;

/**
 * Handles what somebody says to the bot: in a direct message, by a mention or, where Discord shows us other messages, by a
 * reply. What it accepts is answered by the request's own deliveries; everything else by a reply. Never throws.
 */
export async function handleMessage(deps: MessageDeps, message: Message, botUserId: string): Promise<void> {
  if (message.author.bot || message.system || !isForUs(message, botUserId)) return;
  const text = message.content.replaceAll(new RegExp(`<@!?${botUserId}>`, 'g'), '').trim();
  const user = userOf(message, text);
  const body = await converse(deps, message, text, user);
  if (body === undefined) return;
  try {
    await deps.messages.send(message.channelId, body, { marker: markerOf(message.id, 'said'), replyTo: message.id });
  } catch (error) {
    deps.log.warn({ err: error, channel_id: message.channelId }, 'a message could not be answered');
  }
}

function isForUs(message: Message, botUserId: string): boolean {
  if (message.guildId === null) return true;
  if (message.mentions.repliedUser?.id === botUserId) return true;
  return message.content.includes(`<@${botUserId}>`) || message.content.includes(`<@!${botUserId}>`);
}

/** @returns what to reply; undefined where a card says it. */
async function converse(
  deps: MessageDeps,
  message: Message,
  text: string,
  user: PlatformUser,
): Promise<MessageBody | undefined> {
  try {
    const images = await takeInImages(deps, message);
    const outcome = await deps.chat.submit({
      eventId: message.id,
      user,
      place: {
        door: 'discord',
        id: message.channelId,
        replyTo: message.id,
        userId: message.author.id,
        ...(message.guildId === null ? {} : { guildId: message.guildId }),
      },
      text,
      ...(images.length === 0 ? {} : { images }),
    });
    return drawOutcome(outcome, user, message.guildId === null);
  } catch (error) {
    if (!(error instanceof AppError)) deps.log.error({ err: error }, 'a message failed');
    return drawText(toPublicError(error).message[user.language]);
  }
}

function drawOutcome(outcome: ChatOutcome, user: PlatformUser, isPrivate: boolean): MessageBody | undefined {
  if (outcome.outcome === 'said') return drawText(outcome.text);
  if (outcome.outcome !== 'queue') return undefined;
  // In a channel others read along.
  const readerId = isPrivate ? outcome.personId : undefined;
  return drawQueueCard(renderQueueCard(outcome.facts, user.language, readerId));
}

/** Copied at once, because the links expire. */
async function takeInImages({ chat, fetchAttachment }: MessageDeps, message: Message): Promise<AssetRef[]> {
  const images: AssetRef[] = [];
  for (const { url, name } of [...message.attachments.values()].slice(0, maxImages)) {
    images.push(await chat.takeInImage(await fetchAttachment(url), name));
  }
  return images;
}

function userOf(message: Message, text: string): PlatformUser {
  return {
    door: 'discord',
    id: message.author.id,
    displayName: (message.member?.displayName ?? message.author.displayName).slice(0, 100),
    language: languageOfMessage(text, message.guild?.preferredLocale),
  };
}
