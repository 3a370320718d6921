/** A text in each language of the product. */
export interface LocalText {
  en: string;
  zh: string;
}

export const commandNames = [
  'imagine',
  'edit',
  'describe',
  'blend',
  'upscale',
  'animate',
  'storyboard',
  'workflow',
  'queue',
  'jobs',
  'show',
  'cancel',
  'history',
  'gallery',
  'models',
  'recipes',
  'settings',
  'prefer',
  'link',
  'signin',
  'token',
  'usage',
  'help',
  'admin',
] as const;
export type CommandName = (typeof commandNames)[number];

/** What completion is made from; see `ChatCore.suggest`. */
export const suggestSources = [
  'model',
  'lora',
  'recipe',
  'style',
  'sampler',
  'scheduler',
  /** The person's own requests. */
  'job',
  /** Saved workflows that the person may run. */
  'workflow',
  /** Commands that a rule can be for. */
  'command',
  /** ComfyUI servers. */
  'instance',
  /** The person's own tokens. */
  'token',
  /** What a token may do, as it is typed. */
  'scopes',
  /** Node packs and classes that the servers have; for operators. */
  'pack',
  'class',
] as const;
export type SuggestSource = (typeof suggestSources)[number];

export interface CommandChoice {
  value: string;
  label: LocalText;
}

/**
 * One option. Types: `text`, `whole` and `number` within `min` and `max`, `switch`, `image` (a picture that is attached),
 * `file` (a text or a PNG with a workflow in it), `person` (somebody on the platform, as their id there), `channel`.
 */
export interface CommandOption {
  /** The name under which its value is handed to the core: lowercase letters and underscores. */
  name: string;
  /** As people read it; the English one is `name`. At most 32 characters. */
  zhName: string;
  /** Names that work in text behind `--`, besides `name` and `zhName`. */
  aliases?: readonly string[];
  type: 'text' | 'whole' | 'number' | 'switch' | 'image' | 'file' | 'person' | 'channel';
  /** At most 100 characters. */
  description: LocalText;
  required?: true;
  /** Of a number. */
  min?: number;
  max?: number;
  /** Of a text. */
  maxLength?: number;
  /** At most 25. */
  choices?: readonly CommandChoice[];
  suggest?: SuggestSource;
}

export interface SubcommandSpec {
  name: string;
  zhName: string;
  description: LocalText;
  /** Required ones first. */
  options: readonly CommandOption[];
  /** The option that plain text fills where commands are typed. */
  textOption?: string;
}

export interface CommandSpec {
  name: CommandName;
  zhName: string;
  /** What it is also called where commands are typed. */
  aliases: readonly string[];
  description: LocalText;
  /** A typed example of it. */
  example: LocalText;
  /** None where there are subcommands. */
  options: readonly CommandOption[];
  subcommands?: readonly SubcommandSpec[];
  textOption?: string;
  /** Its answer is a request with a card of its own; else an answer for the person alone. */
  makesRequest: boolean;
  /** For operators: hidden from others where a platform can hide it, refused in any case. */
  adminOnly?: true;
}

/** A value as an adapter hands it over: what people typed, or chose. `image`s and `file`s travel beside the values. */
export type CommandValue = string | number | boolean;

/** A command with its values, from a form of the platform or from a line of text. */
export interface CommandCall {
  command: CommandName;
  subcommand?: string;
  /** By `CommandOption.name`. */
  values: Readonly<Record<string, CommandValue>>;
}
