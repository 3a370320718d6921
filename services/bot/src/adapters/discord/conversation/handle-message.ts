import { type APIMessage, type Message, PermissionFlagsBits } from 'discord.js';
import type { Logger } from 'pino';
import type { PlatformUser } from '@atelier/shared/contracts/identity';
import { type AssetRef, MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import { shorten } from '@atelier/shared/text/shorten';
import type { Standing } from '../../../core/access/asker.ts';
import type { ChatCore, ChatLine, ChatOutcome, TakenFile } from '../../../ports.ts';
import { drawQueueCard, drawText } from '../cards/draw-texts.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import { languageOfMessage } from '../discord-language.ts';
import { channelFacts, rolesOf } from '../interactions/asker-of.ts';
import { drawOutcome } from '../interactions/draw-outcome.ts';
import { isFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import { defaultMaxFileBytes } from '../messages/message-ref.ts';
import type { AttachmentFetcher } from './fetch-attachment.ts';
import { mayRead, type MessageTarget, takeOutMessageLink } from './message-links.ts';
import { type MessageSource, readMessageSource, shownApiMessage } from './message-source.ts';

export interface MessageDeps {
  chat: ChatCore;
  messages: Pick<DiscordMessages, 'send' | 'read' | 'openDirectChannel'>;
  fetchAttachment: AttachmentFetcher;
  log: Logger;
}

/** Who the bot is. */
export interface BotIdentity {
  userId: string;
  applicationId: string;
}

const maxImages = 5;

/**
 * Handles what somebody says to the bot: in a direct message, in a thread that the bot began, by a mention or, where
 * Discord shows us other messages, by a reply. What it accepts is answered by the request's own deliveries; everything
 * else by a reply. Never throws.
 */
export async function handleMessage(deps: MessageDeps, message: Message, bot: BotIdentity): Promise<void> {
  if (message.author.bot || message.system || !isForUs(message, bot.userId)) return;
  const text = message.content.replaceAll(new RegExp(`<@!?${bot.userId}>`, 'g'), '').trim();
  const isEmpty = text === '' && message.attachments.size === 0;
  // Discord hides what does not concern us: an empty message in a thread is somebody else's.
  if (isEmpty && !mentions(message, bot.userId)) return;
  const reply = await converse(deps, message, text, bot);
  if (reply === undefined) return;
  try {
    await (reply.isPersonal && message.guildId !== null
      ? replyAlone(deps, message, reply.body)
      : say(deps, message, reply.body));
  } catch (error) {
    deps.log.warn({ err: error, channel_id: message.channelId }, 'a message could not be answered');
  }
}

async function say({ messages }: MessageDeps, message: Message, body: MessageBody): Promise<void> {
  await messages.send(message.channelId, body, { marker: markerOf(message.id, 'said'), replyTo: message.id });
}

/** What concerns one person is no business of the channel: a history, settings, a code. */
async function replyAlone(deps: MessageDeps, message: Message, body: MessageBody): Promise<void> {
  try {
    const channelId = await deps.messages.openDirectChannel(message.author.id);
    await deps.messages.send(channelId, body, { marker: markerOf(message.id, 'said') });
  } catch (error) {
    if (!isFailure(error, 'place_closed')) throw error;
    const { language } = userOf(message, message.content);
    await say(deps, message, drawText(closedToUs[language]));
  }
}

const closedToUs = {
  en: 'The answer is for you alone, and you accept no direct messages from this server: allow them, or use the command from the menu behind /.',
  zh: '回答仅供你本人查看，但你未开启来自本服务器的私信：请开启私信，或通过 / 菜单使用命令。',
};

interface Reply {
  body: MessageBody;
  isPersonal: boolean;
}

function isForUs(message: Message, botUserId: string): boolean {
  if (message.guildId === null) return true;
  if (message.channel.isThread() && message.channel.ownerId === botUserId) return true;
  return message.mentions.repliedUser?.id === botUserId || mentions(message, botUserId);
}

function mentions({ content }: Message, botUserId: string): boolean {
  return content.includes(`<@${botUserId}>`) || content.includes(`<@!${botUserId}>`);
}

/** @returns what to reply; undefined where a card says it. */
async function converse(
  deps: MessageDeps,
  message: Message,
  text: string,
  bot: BotIdentity,
): Promise<Reply | undefined> {
  const user = userOf(message, text);
  try {
    const line = await lineOf(deps, message, text, user, bot);
    return await drawReply(deps.chat, await deps.chat.submit(line), user, message.guildId === null);
  } catch (error) {
    if (!(error instanceof AppError)) deps.log.error({ err: error }, 'a message failed');
    return { body: drawText(toPublicError(error).message[user.language]), isPersonal: false };
  }
}

async function lineOf(
  deps: MessageDeps,
  message: Message,
  text: string,
  user: PlatformUser,
  bot: BotIdentity,
): Promise<ChatLine> {
  const { text: words, target } = takeOutMessageLink(text);
  const answered = await readAnswered(deps, message, target, bot);
  const { images, file } = await takeIn(deps, message);
  if (answered !== undefined && answered.requestId === undefined) {
    images.push(...(await takeInAnswered(deps, answered, maxImages - images.length)));
  }
  const quoted = answered?.requestId === undefined ? answered?.text.trim() : undefined;
  return {
    eventId: message.id,
    user,
    place: {
      door: 'discord',
      id: message.channelId,
      replyTo: message.id,
      userId: message.author.id,
      ...(message.guildId === null ? {} : { guildId: message.guildId }),
    },
    standing: standingOf(message),
    text: answered === undefined ? text : words,
    ...(images.length === 0 ? {} : { images }),
    ...(file === undefined ? {} : { file }),
    ...(answered?.requestId === undefined ? {} : { about: [{ requestId: answered.requestId }] }),
    ...(quoted === undefined || quoted === '' ? {} : { quoted: shorten(quoted, MAX_PROMPT_CHARS) }),
  };
}

/** The message that this one replies to or links to; undefined where there is none, or where it cannot be read. */
async function readAnswered(
  { messages, log }: MessageDeps,
  message: Message,
  linked: MessageTarget | undefined,
  bot: BotIdentity,
): Promise<MessageSource | undefined> {
  const { reference } = message;
  const target =
    reference?.messageId === undefined ? linked : { channelId: reference.channelId, messageId: reference.messageId };
  if (target === undefined || (target === linked && !mayRead(message, target.channelId))) return undefined;
  try {
    const read: APIMessage = await messages.read(target.channelId, target.messageId);
    return readMessageSource(shownApiMessage(read), bot.applicationId);
  } catch (error) {
    log.debug({ err: error }, 'the message that is meant could not be read');
    return undefined;
  }
}

/** Copied at once, because the links expire. */
async function takeIn(
  { chat, fetchAttachment }: MessageDeps,
  message: Message,
): Promise<{ images: AssetRef[]; file: TakenFile | undefined }> {
  const images: AssetRef[] = [];
  let file: TakenFile | undefined;
  for (const { url, name, contentType } of [...message.attachments.values()].slice(0, maxImages)) {
    const bytes = await fetchAttachment(url);
    if (isText(name, contentType)) file ??= await chat.takeInFile(bytes, name);
    else images.push(await chat.takeInImage(bytes, name));
  }
  return { images, file };
}

function isText(name: string, contentType: string | null): boolean {
  return /\.(json|txt|md|csv)$/i.test(name) || /^(text\/|application\/json)/.test(contentType ?? '');
}

/** Somebody else's pictures, which are talked about. What cannot be taken in is left out: nobody asked for all of it. */
async function takeInAnswered(
  { chat, fetchAttachment, log }: MessageDeps,
  { attachments }: MessageSource,
  max: number,
): Promise<AssetRef[]> {
  const images: AssetRef[] = [];
  for (const { url, filename, contentType } of attachments) {
    if (images.length >= max || !contentType.startsWith('image/')) continue;
    try {
      images.push(await chat.takeInImage(await fetchAttachment(url), filename));
    } catch (error) {
      log.debug({ err: error }, 'a picture of the message that is replied to is left out');
    }
  }
  return images;
}

async function drawReply(
  chat: ChatCore,
  outcome: ChatOutcome,
  user: PlatformUser,
  isPrivate: boolean,
): Promise<Reply | undefined> {
  if (outcome.outcome === 'accepted') return undefined;
  if (outcome.outcome === 'queue') {
    // In a channel others read along.
    const card = renderQueueCard(outcome.facts, user.language, isPrivate ? outcome.personId : undefined);
    return { body: drawQueueCard(card), isPersonal: false };
  }
  const answer = await drawOutcome(outcome, { chat, language: user.language, maxFileBytes: defaultMaxFileBytes });
  // A form needs a button to open it; words do what it does.
  if (answer.kind === 'modal') return undefined;
  return { body: answer.body, isPersonal: outcome.outcome !== 'said' && outcome.outcome !== 'answered' };
}

function standingOf(message: Message): Standing {
  const { channel, member } = message;
  const isDirect = message.guildId === null;
  return {
    roles: member === null ? [] : rolesOf(member),
    ...channelFacts(message.channelId, channel),
    isChatAdmin: isDirect || member?.permissions.has(PermissionFlagsBits.ManageGuild) === true,
    isDirect,
  };
}

function userOf(message: Message, text: string): PlatformUser {
  return {
    door: 'discord',
    id: message.author.id,
    displayName: (message.member?.displayName ?? message.author.displayName).slice(0, 100),
    language: languageOfMessage(text, message.guild?.preferredLocale),
  };
}
