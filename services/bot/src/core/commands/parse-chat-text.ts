import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import { invalidInput } from '@atelier/shared/errors/app-error';
import { commandSpec, findCommand, optionsOf } from './command-table.ts';
import type { CommandCall, CommandOption, CommandSpec, CommandValue, SubcommandSpec } from './command-spec.ts';
import type { ChosenOptions } from './option-values.ts';
import { parseOptions, toHalfWidth } from './parse-options.ts';
import { readDrawingOptions } from './read-drawing-options.ts';
import { checkText, validatePrompt } from './validate-prompt.ts';

/** What a line in a chat asks for. */
export type ChatText =
  | { kind: 'call'; call: CommandCall }
  /** For the agent, with the options that stood beside the words. */
  | { kind: 'words'; text: string; options: ChosenOptions; isPrivate?: boolean };

/** `/name`, `/name@bot` as Telegram writes it in groups, with half-width or full-width slash. */
const commandPattern = /^[/／]([\p{L}]{1,20})(?:@\w{1,64})?(?=\s|$)/u;

/** Where no subcommand is named. */
const defaultSubcommands: Partial<Record<CommandSpec['name'], string>> = {
  workflow: 'list',
  settings: 'mine',
  prefer: 'list',
  token: 'list',
  admin: 'status',
};

/**
 * Reads a line from a chat: a command with its values as typed, or words for the agent.
 *
 * @throws AppError `invalid_input` with one sentence that says what to change, in both languages.
 */
export function parseChatText(line: string): ChatText {
  const text = line.trim();
  // A list of shots is longer than a prompt; what each option may hold is looked at when it is read.
  checkText(text, 2 * MAX_PROMPT_CHARS);
  const match = commandPattern.exec(text);
  if (match === null) return parseWords(text);
  const name = match[1] ?? '';
  const spec = findCommand(name);
  if (spec === undefined) {
    throw invalidInput(
      `There is no command /${name}: /help lists them, for example: /imagine a red fox in snow`,
      `没有 /${name} 这个命令：发送 /帮助 查看列表，例如：/画图 雪地里的红狐狸`,
    );
  }
  return { kind: 'call', call: parseCall(spec, text.slice(match[0].length).trim()) };
}

function parseWords(text: string): ChatText {
  checkText(text);
  const { options, example } = commandSpec('imagine');
  const parsed = parseOptions(
    text,
    options.filter((option) => option.name !== 'prompt'),
    example,
  );
  return {
    kind: 'words',
    text: validatePrompt(parsed.text),
    options: readDrawingOptions(parsed.values),
    ...(parsed.values['private'] === undefined ? {} : { isPrivate: parsed.values['private'] === true }),
  };
}

function parseCall(spec: CommandSpec, text: string): CommandCall {
  if (spec.subcommands === undefined) {
    return { command: spec.name, values: parseValues(text, spec, spec.options, spec.textOption) };
  }
  const word = /^\S*/u.exec(text)?.[0] ?? '';
  const sub = spec.subcommands.find((one) => one.name === word.toLowerCase() || one.zhName === word);
  if (sub !== undefined) {
    const values = parseValues(text.slice(word.length).trim(), spec, sub.options, sub.textOption);
    return { command: spec.name, subcommand: sub.name, values };
  }
  const fallback = defaultSubcommands[spec.name];
  if (fallback === undefined || !(word === '' || /^(--|－－|—|–)/u.test(word)))
    throw unknownSubcommand(spec, spec.subcommands);
  return { command: spec.name, subcommand: fallback, values: parseValues(text, spec, optionsOf(spec, fallback)) };
}

/**
 * Named options first; of the other words, each required option takes one in their order, and the last one, or the
 * command's text, all that is left.
 */
function parseValues(
  text: string,
  spec: CommandSpec,
  options: readonly CommandOption[],
  textOption?: string,
): Record<string, CommandValue> {
  const positional = positionalOptions(options, textOption);
  // Words that are kept for later keep their options.
  const isRaw = positional.at(-1)?.name === 'words';
  const parsed = isRaw ? { text, values: {} } : parseOptions(text, options, spec.example);
  const values: Record<string, CommandValue> = { ...parsed.values };
  let rest = parsed.text;
  const open = positional.filter((option) => values[option.name] === undefined);
  for (const [index, option] of open.entries()) {
    if (rest === '') break;
    const word = index === open.length - 1 ? rest : (/^\S+/u.exec(rest)?.[0] ?? '');
    rest = rest.slice(word.length).trim();
    const isText = option.type === 'text' && (option.maxLength ?? 0) > 100;
    values[option.name] = isText ? word : toHalfWidth(word.replace(/[,，:：]$/u, ''));
  }
  if (rest !== '' && positional.length === 0) {
    throw invalidInput(
      `/${spec.name} takes no words here, for example: ${spec.example.en}`,
      `/${spec.zhName} 在这里不需要文字，例如：${spec.example.zh}`,
    );
  }
  return values;
}

function positionalOptions(options: readonly CommandOption[], textOption?: string): CommandOption[] {
  const typed = options.filter((option) => option.type !== 'image' && option.type !== 'file');
  const required = typed.filter((option) => option.required === true);
  const text = typed.find((option) => option.name === textOption);
  return text === undefined || required.includes(text) ? required : [...required, text];
}

function unknownSubcommand(spec: CommandSpec, subcommands: readonly SubcommandSpec[]): Error {
  return invalidInput(
    `After /${spec.name} say ${subcommands.map((one) => one.name).join(', ')}, for example: ${spec.example.en}`,
    `/${spec.zhName} 后面请写 ${subcommands.map((one) => one.zhName).join('、')}，例如：${spec.example.zh}`,
  );
}
