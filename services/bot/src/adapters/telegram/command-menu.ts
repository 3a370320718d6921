import { languageSchema } from '@atelier/shared/contracts/identity';
import { commandTable } from '../../core/commands/command-table.ts';
import type { CommandMenu } from './api/telegram-calls.ts';

/** https://core.telegram.org/bots/api#botcommand */
const maxDescriptionChars = 256;

/**
 * What people see behind the slash, in their language: everybody the commands, and who runs a group those for operators
 * as well. Chinese names work when they are typed; Telegram takes only Latin ones into its menus.
 */
export const commandMenus: readonly CommandMenu[] = [
  ...menus(undefined, false),
  ...menus('all_chat_administrators', true),
];

function menus(scope: CommandMenu['scope'], forAdmins: boolean): CommandMenu[] {
  const listed = commandTable.filter(({ adminOnly }) => forAdmins || adminOnly !== true);
  return [undefined, ...languageSchema.options.filter((language) => language !== 'en')].map((language) => ({
    language,
    ...(scope === undefined ? {} : { scope }),
    commands: listed.map(({ name, description }) => ({
      command: name,
      description: description[language ?? 'en'].slice(0, maxDescriptionChars),
    })),
  }));
}
