import {
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandOptionChoice,
  type APIApplicationCommandSubcommandOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  PermissionFlagsBits,
  type RESTPostAPIApplicationCommandsJSONBody,
} from 'discord.js';
import type { CommandChoice, CommandOption, CommandSpec, LocalText } from '../../../core/commands/command-spec.ts';
import { commandTable } from '../../../core/commands/command-table.ts';
import { menuCommands } from './menu-commands.ts';

/** For both of Discord's Chinese locales. */
function chinese(text: string) {
  return { 'zh-CN': text, 'zh-TW': text };
}

/** What holds for each of our commands: in servers and in direct messages. */
const common = {
  integration_types: [ApplicationIntegrationType.GuildInstall],
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
};
/** Discord's limits for an option of type text, and for the text of a choice. */
const maxTextChars = 6_000;

/** The commands as Discord knows them, with what Chinese readers see instead. Interactions always carry the English names. */
export const commandDefinitions: readonly RESTPostAPIApplicationCommandsJSONBody[] = [
  ...commandTable.map(defineCommand),
  ...menuCommands.map(({ name, zhName }) => ({
    ...common,
    type: ApplicationCommandType.Message as const,
    name,
    name_localizations: chinese(zhName),
  })),
];

function defineCommand(spec: CommandSpec): RESTPostAPIApplicationCommandsJSONBody {
  const options =
    spec.subcommands?.map((sub): APIApplicationCommandSubcommandOption => ({
      ...named(sub),
      type: ApplicationCommandOptionType.Subcommand,
      ...(sub.options.length === 0 ? {} : { options: sub.options.map(defineOption) }),
    })) ?? requiredFirst(spec.options).map(defineOption);
  return {
    ...common,
    ...named(spec),
    type: ApplicationCommandType.ChatInput,
    // Who manages the server decides who else sees it; the core decides again.
    ...(spec.adminOnly === true ? { default_member_permissions: String(PermissionFlagsBits.ManageGuild) } : {}),
    ...(options.length === 0 ? {} : { options }),
  };
}

function requiredFirst(options: readonly CommandOption[]): CommandOption[] {
  return [...options].sort((a, b) => Number(b.required ?? false) - Number(a.required ?? false));
}

function named(one: { name: string; zhName: string; description: LocalText }) {
  return {
    name: one.name,
    name_localizations: chinese(one.zhName),
    description: one.description.en,
    description_localizations: chinese(one.description.zh),
  };
}

function defineOption(option: CommandOption): APIApplicationCommandBasicOption {
  const { min, max, maxLength, choices, suggest } = option;
  const base = { ...named(option), ...(option.required === true ? { required: true } : {}) };
  const range = { ...(min === undefined ? {} : { min_value: min }), ...(max === undefined ? {} : { max_value: max }) };
  switch (option.type) {
    case 'text': {
      const text = {
        ...base,
        type: ApplicationCommandOptionType.String as const,
        ...(maxLength === undefined ? {} : { max_length: Math.min(maxLength, maxTextChars) }),
      };
      if (choices !== undefined) return { ...text, choices: choices.map(defineChoice) };
      return suggest === undefined ? text : { ...text, autocomplete: true };
    }
    case 'whole':
      return { ...base, ...range, type: ApplicationCommandOptionType.Integer };
    case 'number':
      return { ...base, ...range, type: ApplicationCommandOptionType.Number };
    case 'switch':
      return { ...base, type: ApplicationCommandOptionType.Boolean };
    case 'image':
    case 'file':
      return { ...base, type: ApplicationCommandOptionType.Attachment };
    case 'person':
      return { ...base, type: ApplicationCommandOptionType.User };
    case 'channel':
      return { ...base, type: ApplicationCommandOptionType.Channel };
    default:
      return option.type satisfies never;
  }
}

function defineChoice({ value, label }: CommandChoice): APIApplicationCommandOptionChoice<string> {
  return { name: label.en, name_localizations: chinese(label.zh), value };
}
