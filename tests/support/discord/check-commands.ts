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
const name = z
  .string()
  .regex(/^[-_'\p{L}\p{N}\p{sc=Devanagari}\p{sc=Thai}]{1,32}$/u)
  .refine((text) => text === text.toLowerCase(), 'must be lowercase');
const localized = <T extends z.ZodType>(schema: T) => z.partialRecord(z.enum(locales), schema).optional();
const description = z.string().min(1).max(100);

const optionSchema = z.strictObject({
  type: z.int().min(3).max(11),
  name,
  name_localizations: localized(name),
  description,
  description_localizations: localized(description),
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
});
export type CommandOption = z.infer<typeof optionSchema>;

const commandSchema = z.strictObject({
  type: z.literal(1),
  name,
  name_localizations: localized(name),
  description,
  description_localizations: localized(description),
  options: z.array(optionSchema).max(25).optional(),
  integration_types: z.array(z.int().min(0).max(1)).optional(),
  contexts: z.array(z.int().min(0).max(2)).optional(),
  default_member_permissions: z.string().nullable().optional(),
  nsfw: z.boolean().optional(),
});
export type Command = z.infer<typeof commandSchema>;

/** @throws DiscordError 50035 */
export function parseCommands(value: unknown): Command[] {
  const commands = parsePayload(z.array(commandSchema).max(100), value);
  uniqueNames(commands, 'commands');
  for (const command of commands) {
    const options = command.options ?? [];
    uniqueNames(options, `${command.name}.options`);
    const firstOptional = options.findIndex((option) => option.required !== true);
    if (firstOptional >= 0 && options.slice(firstOptional).some((option) => option.required === true)) {
      throw invalidForm({ [command.name]: 'Required options must be placed before non-required options' });
    }
    if (countChars(command) > maxCommandChars) throw invalidForm({ [command.name]: 'more than 8000 characters' });
  }
  return commands;
}

/** In every locale, where the name itself stands for a missing one. */
function uniqueNames(named: readonly Pick<Command, 'name' | 'name_localizations'>[], path: string): void {
  for (const locale of ['default', ...locales] as const) {
    const names = named.map((one) =>
      locale === 'default' ? one.name : (one.name_localizations?.[locale] ?? one.name),
    );
    if (new Set(names).size !== names.length) throw invalidForm({ [path]: `a name occurs twice in ${locale}` });
  }
}

/** Of each text its longest form counts. */
function countChars(command: Command): number {
  const longest = (text: string, others: Record<string, string> | undefined): number =>
    Math.max(text.length, ...Object.values(others ?? {}).map((other) => other.length));
  const own = (
    one: Pick<Command, 'name' | 'name_localizations' | 'description' | 'description_localizations'>,
  ): number => longest(one.name, one.name_localizations) + longest(one.description, one.description_localizations);
  return (command.options ?? []).reduce((sum, option) => {
    const choices = (option.choices ?? []).map(
      (choice) => longest(choice.name, choice.name_localizations) + String(choice.value).length,
    );
    return sum + own(option) + choices.reduce((total, chars) => total + chars, 0);
  }, own(command));
}

export interface ChosenOption {
  name: string;
  type: number;
  value: string | number;
}

/** What a person's client lets through: the options of one command, checked as it checks them. @throws Error */
export function chooseOptions(command: Command, values: Record<string, string | number>): ChosenOption[] {
  const options = command.options ?? [];
  for (const option of options) {
    if (option.required === true && values[option.name] === undefined) throw new Error(`${option.name} is required`);
  }
  return Object.entries(values).map(([key, value]) => {
    const option = options.find((candidate) => candidate.name === key);
    if (option === undefined) throw new Error(`/${command.name} has no option ${key}`);
    const fits =
      typeof value === 'number'
        ? value >= (option.min_value ?? -Infinity) && value <= (option.max_value ?? Infinity)
        : value.length <= (option.max_length ?? 6_000);
    const chosen = option.choices === undefined || option.choices.some((choice) => choice.value === value);
    if (!fits || !chosen) throw new Error(`${key} does not take ${value}`);
    if ((typeof value === 'number') !== (option.type === 4 || option.type === 10))
      throw new Error(`${key}: wrong type`);
    return { name: key, type: option.type, value };
  });
}
