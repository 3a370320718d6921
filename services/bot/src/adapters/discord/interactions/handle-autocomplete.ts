import type { AutocompleteInteraction } from 'discord.js';
import type { Logger } from 'pino';
import { shorten } from '@atelier/shared/text/shorten';
import { findCommand, optionsOf } from '../../../core/commands/command-table.ts';
import type { ChatCore, Suggestion } from '../../../ports.ts';
import { withDeadline } from '../../../with-deadline.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import { askerOf } from './asker-of.ts';

export interface AutocompleteDeps {
  chat: Pick<ChatCore, 'suggest'>;
  messages: Pick<DiscordMessages, 'complete'>;
  log: Logger;
}

/** Discord waits 3 s; whoever types does not. */
const deadlineMs = 900;
const maxChoices = 25;
const maxChoiceChars = 100;

/** Offers what fits to what somebody has typed so far. Never throws. */
export async function handleAutocomplete(deps: AutocompleteDeps, interaction: AutocompleteInteraction): Promise<void> {
  const { id: interactionId, applicationId, token } = interaction;
  try {
    const choices = await suggest(deps, interaction);
    await deps.messages.complete(
      { interactionId, applicationId, token },
      choices
        .filter(({ value }) => value !== '' && value.length <= maxChoiceChars)
        .slice(0, maxChoices)
        .map(({ value, label }) => ({ name: shorten(label === '' ? value : label, maxChoiceChars), value })),
    );
  } catch (error) {
    deps.log.debug({ err: error, interaction_id: interactionId }, 'nothing could be offered');
  }
}

async function suggest(deps: AutocompleteDeps, interaction: AutocompleteInteraction): Promise<Suggestion[]> {
  const spec = findCommand(interaction.commandName);
  const focused = interaction.options.getFocused(true);
  const subcommand = interaction.options.getSubcommand(false) ?? undefined;
  const option = spec === undefined ? undefined : optionsOf(spec, subcommand).find((one) => one.name === focused.name);
  if (option?.suggest === undefined) return [];
  const suggesting = deps.chat.suggest(option.suggest, focused.value, askerOf(interaction), spec?.name);
  return withDeadline(suggesting, deadlineMs).catch(() => []);
}
