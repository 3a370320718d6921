import type { BaseInteraction, RepliableInteraction } from 'discord.js';
import type { Logger } from 'pino';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import { parseButtonId, type PressedButton } from '../../../core/cards/card-buttons.ts';
import { findCommand } from '../../../core/commands/command-table.ts';
import type { Asker } from '../../../core/access/asker.ts';
import type { ChatCore, ChatOutcome } from '../../../ports.ts';
import { drawText } from '../cards/draw-texts.ts';
import { findMenuAction } from '../commands/menu-commands.ts';
import { type FilledCommand, readCommand } from '../commands/read-command.ts';
import type { AttachmentFetcher } from '../conversation/fetch-attachment.ts';
import { languageOfLocale } from '../discord-language.ts';
import { askerOf } from './asker-of.ts';
import { answersInPlace, deferralOfButton, deferralOfForm } from './button-manners.ts';
import { parseMessageForm } from './custom-ids.ts';
import { drawOutcome } from './draw-outcome.ts';
import type { Answer, Deferral, InteractionAnswers } from './interaction-answers.ts';
import type { MessageMenus } from './message-menus.ts';
import { takeInOptions } from './take-in-options.ts';

export interface InteractionDeps {
  chat: ChatCore;
  answers: InteractionAnswers;
  menus: MessageMenus;
  fetchAttachment: AttachmentFetcher;
  log: Logger;
}

/** What is to be done, and what is said meanwhile. */
interface Task {
  deferral: Deferral;
  inPlace?: boolean;
  work: (asker: Asker) => Promise<ChatOutcome | Answer>;
}

/** Handles a command, a button, a menu or a form; never throws. What else Discord may send one day is told to be gone. */
export async function handleInteraction(deps: InteractionDeps, interaction: RepliableInteraction): Promise<void> {
  const { chat, answers } = deps;
  const language = languageOfLocale(interaction.locale);
  const { deferral, inPlace, work } = taskOf(deps, interaction);
  const asks = requestIdOf('discord', interaction.id);
  await answers.answer(interaction, { deferral, asks }, async () => {
    try {
      const done = await work(askerOf(interaction));
      if ('kind' in done) return done;
      const maxFileBytes = interaction.attachmentSizeLimit;
      return await drawOutcome(done, { chat, language, maxFileBytes, ...(inPlace === true ? { inPlace } : {}) });
    } catch (error) {
      if (!(error instanceof AppError)) deps.log.error({ err: error }, 'an interaction failed');
      return { kind: 'message', body: drawText(toPublicError(error).message[language]), ephemeral: true };
    }
  });
}

function taskOf(deps: InteractionDeps, interaction: RepliableInteraction): Task {
  if (interaction.isChatInputCommand()) {
    return taskOfCommand(deps, readCommand(interaction.commandName, interaction.options.data), interaction);
  }
  if (interaction.isMessageContextMenuCommand()) {
    const action = findMenuAction(interaction.commandName);
    if (action === undefined) return gone();
    return {
      // A form cannot follow a deferral, and the other answers are cards.
      deferral: action === 'edit' || action === 'reference' ? tooLate(interaction) : 'public',
      work: (asker) => deps.menus.open(action, interaction, asker),
    };
  }
  if (interaction.isButton()) {
    const isEphemeral = interaction.message.flags.has('Ephemeral');
    return taskOfButton(deps, parseButtonId(interaction.customId), interaction, isEphemeral);
  }
  if (interaction.isStringSelectMenu()) {
    const [chosen = ''] = interaction.values;
    const isEphemeral = interaction.message.flags.has('Ephemeral');
    return taskOfButton(deps, parseButtonId(chosen), interaction, isEphemeral);
  }
  if (interaction.isModalSubmit()) {
    const values = Object.fromEntries(
      [...interaction.fields.fields.values()].map((field) => [field.customId, valueOf(field)]),
    );
    const ofMessage = parseMessageForm(interaction.customId);
    if (ofMessage !== undefined) {
      return { deferral: 'public', work: (asker) => deps.menus.submit(ofMessage, values, asker) };
    }
    const form = parseButtonId(interaction.customId);
    if (form === undefined) return gone();
    return { deferral: deferralOfForm(form), work: (asker) => deps.chat.submitForm(form, values, asker) };
  }
  return gone();
}

function taskOfCommand(deps: InteractionDeps, filled: FilledCommand | undefined, of: BaseInteraction): Task {
  if (filled === undefined) return gone();
  const { command, subcommand, values } = filled;
  const makesRequest = findCommand(command)?.makesRequest === true || (command === 'workflow' && subcommand === 'run');
  return {
    deferral: makesRequest && values['private'] !== true ? 'public' : 'private',
    async work(asker) {
      const attachments = await takeInOptions(filled.attachments, deps);
      const call = { command, values, ...(subcommand === undefined ? {} : { subcommand }), attachments };
      deps.log.debug({ command, subcommand, interaction_id: of.id }, 'a command');
      return deps.chat.run(call, asker);
    },
  };
}

function taskOfButton(
  deps: InteractionDeps,
  button: PressedButton | undefined,
  of: BaseInteraction,
  isEphemeral: boolean,
): Task {
  if (button === undefined) return gone();
  return {
    deferral: deferralOfButton(button, tooLate(of)),
    inPlace: answersInPlace(button, isEphemeral),
    work: (asker) => deps.chat.press(button, asker),
  };
}

function tooLate(interaction: BaseInteraction): Extract<Deferral, object> {
  const { message } = toPublicError(new AppError('unavailable', 'a form came too late'));
  return { instead: drawText(message[languageOfLocale(interaction.locale)]) };
}

/** A button, a command or a form of a version that is no more. */
function gone(): Task {
  return { deferral: 'private', work: () => Promise.reject(new AppError('not_found', 'nothing of ours')) };
}

function valueOf(field: object): string {
  if ('value' in field && typeof field.value === 'string') return field.value;
  const [first] = 'values' in field && Array.isArray(field.values) ? (field.values as unknown[]) : [];
  return typeof first === 'string' ? first : '';
}
