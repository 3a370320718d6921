import type { AssetRef, ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import { invalidInput } from '@atelier/shared/errors/app-error';
import type { ChosenOptions } from './option-values.ts';
import { parseOptions } from './parse-options.ts';
import { checkText, validatePrompt } from './validate-prompt.ts';

export type CommandName = 'imagine' | 'queue' | 'cancel' | 'help';

/** What a line in a chat asks for. */
export type ChatCommand =
  | { kind: 'request'; body: RequestBody }
  | { kind: 'queue' }
  /** The person's latest open request. */
  | { kind: 'cancel' }
  | { kind: 'help' };

const commandNames: Record<string, CommandName> = {
  imagine: 'imagine',
  draw: 'imagine',
  画: 'imagine',
  画图: 'imagine',
  想象: 'imagine',
  queue: 'queue',
  队列: 'queue',
  排队: 'queue',
  cancel: 'cancel',
  stop: 'cancel',
  取消: 'cancel',
  停止: 'cancel',
  help: 'help',
  start: 'help',
  帮助: 'help',
};

/** `/name`, `/name@bot` as Telegram writes it in groups, with half-width or full-width slash. */
const commandPattern = /^[/／]([\p{L}]{1,20})(?:@\w{1,64})?(?=\s|$)/u;

export interface ChatText {
  text: string;
  images?: readonly AssetRef[];
  /** From a form beside the text; what the text says by `--name` wins over it. */
  options?: ChosenOptions;
}

/**
 * Reads a line from a chat: a command, or words for the agent.
 *
 * @throws AppError `invalid_input` with one sentence that says what to change, in both languages.
 */
export function parseChatText(input: ChatText): ChatCommand {
  const text = input.text.trim();
  const match = commandPattern.exec(text);
  if (match === null) return { kind: 'request', body: parseWords(text, input) };
  const name = (match[1] ?? '').toLowerCase();
  const command = Object.hasOwn(commandNames, name) ? commandNames[name] : undefined;
  if (command === undefined) {
    throw invalidInput(
      `There is no command /${name}: use /imagine, /queue, /cancel or /help, for example: /imagine a red fox in snow`,
      `没有 /${name} 这个命令：可用 /imagine、/queue、/cancel、/help，例如：/imagine 雪地里的红狐狸`,
    );
  }
  if (command !== 'imagine') return { kind: command };
  return { kind: 'request', body: parseImagine(text.slice(match[0].length), input) };
}

/** The text behind `/imagine`. */
export function parseImagine(text: string, input: Pick<ChatText, 'images' | 'options'> = {}): RequestBody {
  checkText(text);
  const parsed = parseOptions(text);
  const options: ImagineOptions = {
    prompt: validatePrompt(parsed.text),
    ...merge(input.options ?? {}, parsed.options),
    ...(input.images === undefined || input.images.length === 0 ? {} : { images: [...input.images] }),
  };
  return { kind: 'imagine', options };
}

function parseWords(text: string, input: ChatText): RequestBody {
  checkText(text);
  const parsed = parseOptions(text);
  const options = merge(input.options ?? {}, parsed.options);
  return {
    kind: 'words',
    text: validatePrompt(parsed.text),
    ...(input.images === undefined || input.images.length === 0 ? {} : { images: [...input.images] }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

/** `second` over `first`; an aspect takes the place of a size, and the other way round. */
function merge(first: ChosenOptions, second: ChosenOptions): ChosenOptions {
  const base = { ...first };
  if (second.aspect !== undefined) {
    delete base.width;
    delete base.height;
  }
  if (second.width !== undefined) delete base.aspect;
  return { ...base, ...second };
}
