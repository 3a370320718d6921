import { z } from 'zod';
import { invalidForm } from './discord-error.ts';
import { parsePayload } from './check-message.ts';

/* Rules: https://discord.com/developers/docs/interactions/application-commands */

const locales = [
  'id',
  'da',
  'de',
  'en-GB',
  'en-US',
  'es-ES',
  'es-419',
  'fr',
  'hr',
  'it',
  'lt',
  'hu',
  'nl',
  'no',
  'pl',
  'pt-BR',
  'ro',
  'fi',
  'sv-SE',
  'vi',
  'tr',
  'cs',
  'el',
  'bg',
  'ru',
  'uk',
  'hi',
  'th',
  'zh-CN',
  'ja',
  'zh-TW',
  'ko',
] as const;
const maxCommandChars = 8_000;
const maxSlashCommands = 100;
const maxMenuCommands = 5;
const name = z
  .string()
  .regex(/^[-_'\p{L}\p{N}\p{sc=Devanagari}\p{sc=Thai}]{1,32}$/u)
  .refine((text) => text === text.toLowerCase(), 'must be lowercase');
const menuName = z.string().min(1).max(32);
const localized = <T extends z.ZodType>(schema: T) => z.partialRecord(z.enum(locales), schema).optional();
const description = z.string().min(1).max(100);

const named = {
  name,
  name_localizations: localized(name),
  description,
  description_localizations: localized(description),
};
const valueOption = z
  .strictObject({
    ...named,
    type: z.int().min(3).max(11),
    required: z.boolean().optional(),
    choices: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(100),
          name_localizations: localized(z.string().min(1).max(100)),
          value: z.union([z.string().max(100), z.number()]),
        }),
      )
      .max(25)
      .optional(),
    min_value: z.number().optional(),
    max_value: z.number().optional(),
    min_length: z.int().min(0).max(6_000).optional(),
    max_length: z.int().min(1).max(6_000).optional(),
    autocomplete: z.boolean().optional(),
  })
  .refine((one) => one.autocomplete !== true || one.choices === undefined, 'autocomplete excludes choices')
  .refine((one) => one.autocomplete !== true || [3, 4, 10].includes(one.type), 'no autocomplete for this type');
const subcommand = z.strictObject({ ...named, type: z.literal(1), options: z.array(valueOption).max(25).optional() });
const subcommandGroup = z.strictObject({ ...named, type: z.literal(2), options: z.array(subcommand).min(1).max(25) });
const optionSchema = z.union([subcommand, subcommandGroup, valueOption]);
export type CommandOption = z.infer<typeof optionSchema>;
export type ValueOption = z.infer<typeof valueOption>;

const common = {
  integration_types: z.array(z.int().min(0).max(1)).optional(),
  contexts: z.array(z.int().min(0).max(2)).optional(),
  default_member_permissions: z.string().nullable().optional(),
  nsfw: z.boolean().optional(),
};
const commandSchema = z.union([
  z.strictObject({ ...named, ...common, type: z.literal(1), options: z.array(optionSchema).max(25).optional() }),
  z.strictObject({ ...common, type: z.literal([2, 3]), name: menuName, name_localizations: localized(menuName) }),
]);
export type Command = z.infer<typeof commandSchema>;

/** @throws DiscordError 50035, 30032 */
export function parseCommands(value: unknown): Command[] {
  const commands = parsePayload(z.array(commandSchema), value);
  for (const type of [1, 2, 3]) {
    const ofType = commands.filter((command) => command.type === type);
    if (ofType.length > (type === 1 ? maxSlashCommands : maxMenuCommands)) {
      throw invalidForm({ commands: `too many commands of type ${type}` });
    }
    uniqueNames(ofType, 'commands');
  }
  for (const command of commands) {
    checkOptions(optionsOf(command), command.name);
    if (countChars(command) > maxCommandChars) throw invalidForm({ [command.name]: 'more than 8000 characters' });
  }
  return commands;
}

function checkOptions(options: readonly CommandOption[], path: string): void {
  uniqueNames(options, `${path}.options`);
  const nested = options.filter((option) => option.type <= 2);
  if (nested.length > 0 && nested.length < options.length) {
    throw invalidForm({ [path]: 'Sub-command and sub-command group option types are mutually exclusive to all other' });
  }
  const required = options.map((option) => 'required' in option && option.required === true);
  const firstOptional = required.indexOf(false);
  if (firstOptional >= 0 && required.slice(firstOptional).includes(true)) {
    throw invalidForm({ [path]: 'Required options must be placed before non-required options' });
  }
  for (const option of options) checkOptions(optionsOf(option), `${path}.${option.name}`);
}

function optionsOf(of: Command | CommandOption): CommandOption[] {
  return 'options' in of ? (of.options ?? []) : [];
}

/** In every locale, where the name itself stands for a missing one. */
function uniqueNames(those: readonly Pick<Command, 'name' | 'name_localizations'>[], path: string): void {
  for (const locale of ['default', ...locales] as const) {
    const names = those.map((one) =>
      locale === 'default' ? one.name : (one.name_localizations?.[locale] ?? one.name),
    );
    if (new Set(names).size !== names.length) throw invalidForm({ [path]: `a name occurs twice in ${locale}` });
  }
}

/** Of each text its longest form counts. */
function countChars(of: Command | CommandOption): number {
  const longest = (text: string, others: Record<string, string> | undefined): number =>
    Math.max(text.length, ...Object.values(others ?? {}).map((other) => other.length));
  const own =
    longest(of.name, of.name_localizations) +
    ('description' in of ? longest(of.description, of.description_localizations) : 0);
  const choices = 'choices' in of ? (of.choices ?? []) : [];
  return (
    own +
    choices.reduce(
      (sum, choice) => sum + longest(choice.name, choice.name_localizations) + String(choice.value).length,
      0,
    ) +
    optionsOf(of).reduce((sum, option) => sum + countChars(option), 0)
  );
}

/** What a person may type or attach. */
export type TypedValue = string | number | boolean;

export interface ChosenOption {
  name: string;
  type: number;
  value?: TypedValue;
  focused?: true;
  options?: ChosenOption[];
}

/** The command or sub-command that these words name, with the way to it. @throws Error */
export function findCommand<C extends Command>(
  commands: readonly C[],
  words: string,
): { command: C; path: CommandOption[]; options: ValueOption[] } {
  const [first, ...rest] = words.split(' ');
  const command = commands.find((one) => one.type === 1 && one.name === first);
  if (command === undefined) throw new Error(`there is no command /${first}`);
  const path: CommandOption[] = [];
  let options = optionsOf(command);
  for (const word of rest) {
    const next = options.find((option) => option.name === word && option.type <= 2);
    if (next === undefined) throw new Error(`/${words}: there is no ${word}`);
    path.push(next);
    options = optionsOf(next);
  }
  if (options.some((option) => option.type <= 2)) throw new Error(`/${words} is no command by itself`);
  return { command, path, options };
}

/**
 * What a person's client lets through: the options of one command, checked as it checks them.
 *
 * @param focused the option that is being typed: required ones may be missing then.
 * @throws Error
 */
export function chooseOptions(
  title: string,
  options: readonly ValueOption[],
  values: Record<string, TypedValue>,
  focused?: string,
): ChosenOption[] {
  for (const option of options) {
    if (focused === undefined && option.required === true && values[option.name] === undefined) {
      throw new Error(`${option.name} is required`);
    }
  }
  return Object.entries(values).map(([key, value]) => {
    const option = options.find((candidate) => candidate.name === key);
    if (option === undefined) throw new Error(`/${title} has no option ${key}`);
    if (key === focused) {
      if (option.autocomplete !== true) throw new Error(`${key} has no autocomplete`);
      return { name: key, type: option.type, value: String(value), focused: true };
    }
    if (!fits(option, value)) throw new Error(`${key} does not take ${value}`);
    return { name: key, type: option.type, value };
  });
}

function fits(option: ValueOption, value: TypedValue): boolean {
  if (option.choices !== undefined && !option.choices.some((choice) => choice.value === value)) return false;
  if (typeof value === 'boolean') return option.type === 5;
  if (typeof value === 'string') {
    if (option.type === 4 || option.type === 10 || option.type === 5) return false;
    return (
      option.type !== 3 || (value.length >= (option.min_length ?? 0) && value.length <= (option.max_length ?? 6_000))
    );
  }
  if (option.type !== 4 && option.type !== 10) return false;
  if (option.type === 4 && !Number.isInteger(value)) return false;
  return value >= (option.min_value ?? -Infinity) && value <= (option.max_value ?? Infinity);
}

const choicesSchema = z.strictObject({
  choices: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100),
        name_localizations: localized(z.string().min(1).max(100)),
        value: z.union([z.string().min(1).max(100), z.number()]),
      }),
    )
    .max(25),
});
export type Choice = z.infer<typeof choicesSchema>['choices'][number];

/** @throws DiscordError 50035 */
export function parseChoices(value: unknown): Choice[] {
  return parsePayload(choicesSchema, value).choices;
}
