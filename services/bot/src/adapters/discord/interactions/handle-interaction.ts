import type { ButtonInteraction, ChatInputCommandInteraction, RepliableInteraction } from 'discord.js';
import type { Logger } from 'pino';
import type { Language, Place, PlatformUser } from '@atelier/shared/contracts/identity';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import { parseButtonId } from '../../../core/cards/card-buttons.ts';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { messagesFor } from '../../../core/messages/messages-for.ts';
import type { ChatCore, ChatOutcome } from '../../../ports.ts';
import { attachPictures } from '../cards/attach-pictures.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawFiles, drawQueueCard, drawText } from '../cards/draw-texts.ts';
import { readImagine } from '../commands/read-imagine.ts';
import { languageOfLocale } from '../discord-language.ts';
import { markerOf } from '../messages/message-marker.ts';
import type { Answer, InteractionAnswers } from './interaction-answers.ts';

export interface InteractionDeps {
  chat: ChatCore;
  answers: InteractionAnswers;
  log: Logger;
}

/** Handles a command or a button; never throws. What else Discord may send one day is told to be gone. */
export async function handleInteraction(deps: InteractionDeps, interaction: RepliableInteraction): Promise<void> {
  const { chat, answers } = deps;
  const user = userOf(interaction);
  const asker = { eventId: interaction.id, user, place: placeOf(interaction) };
  const respond = (makesRequest: boolean, work: () => Promise<ChatOutcome>): Promise<void> =>
    answers.answer(
      interaction,
      { deferEphemeral: !makesRequest, ...(makesRequest ? { asks: requestIdOf('discord', interaction.id) } : {}) },
      async () => {
        try {
          return await drawOutcome(chat, await work(), user.language, interaction.attachmentSizeLimit);
        } catch (error) {
          if (!(error instanceof AppError)) deps.log.error({ err: error }, 'an interaction failed');
          return { body: drawText(toPublicError(error).message[user.language]), ephemeral: true };
        }
      },
    );

  if (interaction.isChatInputCommand()) {
    await respond(interaction.commandName === 'imagine', async () => chat.submit({ ...asker, ...lineOf(interaction) }));
    return;
  }
  const button = interaction.isButton() ? pressedButton(interaction) : undefined;
  await respond(button?.action === 'retry', async () => {
    if (button === undefined) throw new AppError('not_found', 'no button of ours');
    return chat.press(button, asker);
  });
}

function pressedButton(interaction: ButtonInteraction) {
  return parseButtonId(interaction.customId);
}

function lineOf({
  commandName,
  options,
}: ChatInputCommandInteraction): ReturnType<typeof readImagine> | { text: string } {
  return commandName === 'imagine' ? readImagine(options) : { text: `/${commandName}` };
}

async function drawOutcome(
  chat: ChatCore,
  outcome: ChatOutcome,
  language: Language,
  maxFileBytes: number,
): Promise<Answer> {
  if (outcome.outcome === 'said') return { body: drawText(outcome.text), ephemeral: true };
  if (outcome.outcome === 'queue') {
    return { body: drawQueueCard(renderQueueCard(outcome.facts, language, outcome.personId)), ephemeral: true };
  }
  if (outcome.outcome === 'originals') return drawOriginals(chat, outcome.facts, language, maxFileBytes);
  const [facts] = await chat.readFacts([outcome.requestId]);
  if (facts === undefined) throw new AppError('internal', 'an accepted request is not there');
  const card = renderJobCard(facts, chat.live(), language);
  return { body: drawJobCard(card, markerOf(card.requestId, 'card')), ephemeral: false, isCard: true };
}

async function drawOriginals(
  chat: ChatCore,
  facts: CardFacts,
  language: Language,
  maxFileBytes: number,
): Promise<Answer> {
  const images = renderJobCard(facts, chat.live(), language).tiles.flatMap(({ image }) => image ?? []);
  const { files, reencoded } = await attachPictures(images, { files: chat.files, maxFileBytes });
  if (files.length === 0) throw new AppError('not_found', 'no picture is kept');
  const remark = reencoded ? messagesFor(language).replies.reencoded : undefined;
  return { body: drawFiles(files, remark), ephemeral: true };
}

function userOf(interaction: RepliableInteraction): PlatformUser {
  const { user, member } = interaction;
  const nick = member !== null && 'displayName' in member ? member.displayName : member?.nick;
  return {
    door: 'discord',
    id: user.id,
    displayName: (nick ?? user.displayName).slice(0, 100),
    language: languageOfLocale(interaction.locale),
  };
}

function placeOf(interaction: RepliableInteraction): Place {
  if (interaction.channelId === null) throw new AppError('internal', 'an interaction outside of every channel');
  return {
    door: 'discord',
    id: interaction.channelId,
    userId: interaction.user.id,
    ...(interaction.guildId === null ? {} : { guildId: interaction.guildId }),
  };
}
