import { type Attachment, ApplicationCommandOptionType, type CommandInteractionOption } from 'discord.js';
import type { CommandName, CommandOption, CommandValue } from '../../../core/commands/command-spec.ts';
import { findCommand, optionsOf } from '../../../core/commands/command-table.ts';

/** What somebody filled into a command. */
export interface FilledCommand {
  command: CommandName;
  subcommand?: string;
  values: Record<string, CommandValue>;
  /** What they attached, by option. */
  attachments: { option: CommandOption; attachment: Attachment }[];
}

/**
 * Reads a command's options as the table names them. What the table no longer has (Discord's copy may be older for some
 * minutes) is left out.
 *
 * @returns undefined for a command that the table does not have.
 */
export function readCommand(name: string, given: readonly CommandInteractionOption[]): FilledCommand | undefined {
  const spec = findCommand(name);
  if (spec === undefined) return undefined;
  const [first] = given;
  const subcommand = first?.type === ApplicationCommandOptionType.Subcommand ? first.name : undefined;
  const filled: FilledCommand = {
    command: spec.name,
    ...(subcommand === undefined ? {} : { subcommand }),
    values: {},
    attachments: [],
  };
  const specs = optionsOf(spec, subcommand);
  for (const option of subcommand === undefined ? given : (first?.options ?? [])) {
    const known = specs.find((one) => one.name === option.name);
    if (known === undefined) continue;
    if (option.attachment !== undefined) filled.attachments.push({ option: known, attachment: option.attachment });
    else if (option.value !== undefined) filled.values[option.name] = option.value;
  }
  return filled;
}
