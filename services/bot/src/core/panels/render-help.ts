import type { Language } from '@atelier/shared/contracts/identity';
import { commandTable, findCommand } from '../commands/command-table.ts';
import { messagesFor } from '../messages/messages-for.ts';
import type { Panel } from './panel.ts';

/** How to ask, with every command in a line; or one command with its options and an example. */
export function renderHelp(language: Language, about: { command?: string | undefined; isAdmin: boolean }): Panel {
  const m = messagesFor(language);
  const { help } = m.chat;
  const nameOf = (spec: { name: string; zhName: string }): string => (language === 'zh' ? spec.zhName : spec.name);
  const spec = about.command === undefined ? undefined : findCommand(about.command.replace(/^[/／]/u, ''));
  if (spec !== undefined) {
    const parts = spec.subcommands?.map((sub) => `${nameOf(spec)} ${nameOf(sub)}: ${sub.description[language]}`) ?? [];
    const options = spec.options.map((option) => `--${nameOf(option)}: ${option.description[language]}`);
    return {
      title: `/${nameOf(spec)}`,
      text: [spec.description[language], ...parts, ...options, help.example].join('\n'),
      code: spec.example[language],
      rows: [],
      links: [],
    };
  }
  const commands = commandTable
    .filter((one) => about.isAdmin || one.adminOnly !== true)
    .map((one) => `/${nameOf(one)}: ${one.description[language]}`);
  return { title: help.title, text: [m.replies.help, '', help.more, ...commands].join('\n'), rows: [], links: [] };
}
