import type {
  CommandChoice,
  CommandName,
  CommandOption,
  CommandSpec,
  LocalText,
  SubcommandSpec,
} from './command-spec.ts';

/* The repeated shapes of the command table: each says what a line of it may leave out. */

export function local(en: string, zh: string): LocalText {
  return { en, zh };
}

/** What an option may have beside its names and its description. */
type OptionRest<Key extends keyof CommandOption> = Pick<CommandOption, Key | 'aliases' | 'required'>;

function option<Key extends keyof CommandOption>(type: CommandOption['type']) {
  return (name: string, zhName: string, description: LocalText, rest?: OptionRest<Key>): CommandOption => ({
    name,
    zhName,
    type,
    description,
    ...rest,
  });
}

export const textOption = option<'maxLength' | 'choices' | 'suggest'>('text');
export const wholeOption = option<'min' | 'max'>('whole');
export const numberOption = option<'min' | 'max'>('number');
export const switchOption = option<never>('switch');
export const imageOption = option<never>('image');
export const fileOption = option<never>('file');
export const personOption = option<never>('person');
export const channelOption = option<never>('channel');

/** One of a few values, each with what people read. */
export function choiceOption(
  name: string,
  zhName: string,
  description: LocalText,
  choices: readonly CommandChoice[],
): CommandOption {
  return textOption(name, zhName, description, { choices });
}

export function choice(value: string, en: string, zh: string): CommandChoice {
  return { value, label: { en, zh } };
}

export function required(of: CommandOption): CommandOption {
  return { ...of, required: true };
}

export function optional(of: CommandOption): CommandOption {
  const { required: _required, ...rest } = of;
  return rest;
}

/** The same option where it means something of its own. */
export function described(of: CommandOption, en: string, zh: string): CommandOption {
  return { ...of, description: { en, zh } };
}

export function subcommand(
  name: string,
  zhName: string,
  description: LocalText,
  options: readonly CommandOption[] = [],
  textOption?: string,
): SubcommandSpec {
  return { name, zhName, description, options, ...(textOption === undefined ? {} : { textOption }) };
}

interface CommandRest {
  aliases?: readonly string[];
  options?: readonly CommandOption[];
  subcommands?: readonly SubcommandSpec[];
  textOption?: string;
  adminOnly?: true;
}

function command(makesRequest: boolean) {
  return (
    name: CommandName,
    zhName: string,
    description: LocalText,
    example: LocalText,
    rest: CommandRest = {},
  ): CommandSpec => ({ name, zhName, aliases: [], description, example, options: [], makesRequest, ...rest });
}

/** A command whose answer is a request, with a card of its own. */
export const requestCommand = command(true);
/** A command that answers its person alone. */
export const answerCommand = command(false);
