import { invalidInput } from '@atelier/shared/errors/app-error';
import type { CommandOption, CommandValue } from './command-spec.ts';

/**
 * `--name` at the start of a word. Phones turn `--` into a dash, and Chinese keyboards type full-width ones; those count
 * only in front of a known name, because a dash is also a punctuation mark.
 */
const marker = /(^|\s)(--|－－|—{1,2}|–)([\p{L}_]+)(?=[\s=:：＝]|\d|$)/gu;
const quoted = /^["“](.*?)["”](?=\s|$)/su;
/** A text longer than any name goes on to the next option; others take one word, or what stands in quotes. */
const longText = 500;

export interface ParsedOptions {
  /** The text without its options. */
  text: string;
  /** As typed, by the name of the option; a switch without a word is on. */
  values: Record<string, CommandValue>;
}

/**
 * Takes `--ar 3:4 --seed 7 --n 4 --no text, watermark` and its Chinese and full-width forms out of a text. Of an option
 * given twice the last counts. What the values mean is read later.
 *
 * @throws AppError `invalid_input` for an option that there is not.
 */
export function parseOptions(
  text: string,
  options: readonly CommandOption[],
  example: { en: string; zh: string },
): ParsedOptions {
  const byName = new Map(
    options.flatMap((option) =>
      [option.name, option.zhName, ...(option.aliases ?? [])].map((name) => [name, option] as const),
    ),
  );
  const found = [...text.matchAll(marker)].filter((match) => match[2] === '--' || byName.has(nameOf(match)));
  const kept: string[] = [text.slice(0, found[0]?.index ?? text.length)];
  const values: Record<string, CommandValue> = {};
  for (const [position, match] of found.entries()) {
    const option = byName.get(nameOf(match));
    if (option === undefined) throw unknownOption(nameOf(match), options, example);
    const end = found[position + 1]?.index ?? text.length;
    const rest = text.slice(match.index + match[0].length, end).replace(/^\s*[=:：＝]?\s*/u, '');
    if (option.type === 'switch') {
      const word = /^\S*/u.exec(rest)?.[0] ?? '';
      const wish = readSwitch(word);
      values[option.name] = wish ?? true;
      kept.push(wish === undefined ? rest : rest.slice(word.length));
    } else if (option.type === 'text' && (option.maxLength ?? 0) >= longText) {
      values[option.name] = rest.trim();
    } else {
      const inQuotes = quoted.exec(rest);
      const word = inQuotes?.[0] ?? /^\S*/u.exec(rest)?.[0] ?? '';
      values[option.name] = inQuotes?.[1] ?? toHalfWidth(word);
      kept.push(rest.slice(word.length));
    }
  }
  return {
    text: kept
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .join(' '),
    values,
  };
}

function nameOf(match: RegExpExecArray): string {
  return (match[3] ?? '').toLowerCase();
}

const on = new Set(['on', 'yes', 'true', '1', '是', '开', '开启', '好']);
const off = new Set(['off', 'no', 'false', '0', '否', '关', '关闭', '不']);

/** `undefined` for what is neither. */
export function readSwitch(word: string): boolean | undefined {
  const plain = word.toLowerCase();
  if (on.has(plain)) return true;
  return off.has(plain) ? false : undefined;
}

/** Full-width letters, digits and punctuation as their ASCII twins. */
export function toHalfWidth(value: string): string {
  return value
    .replace(/[！-～]/gu, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replace(/(?<=\d)比(?=\d)/gu, ':');
}

function unknownOption(name: string, options: readonly CommandOption[], example: { en: string; zh: string }): Error {
  const shown = name.slice(0, 30);
  const typed = options.filter((option) => option.type !== 'image' && option.type !== 'file');
  if (typed.length === 0) {
    return invalidInput(
      `There is no option --${shown} here, for example: ${example.en}`,
      `这里没有 --${shown} 这个选项，例如：${example.zh}`,
      { option: shown },
    );
  }
  const en = typed.map(
    (option) =>
      `--${option.aliases?.[0] !== undefined && /^[a-z]+$/.test(option.aliases[0]) ? option.aliases[0] : option.name}`,
  );
  return invalidInput(
    `There is no option --${shown}: use ${listed(en, ', ', ' or ')}, for example: ${example.en}`,
    `没有 --${shown} 这个选项：可用 ${typed.map((option) => `--${option.zhName}`).join('、')}，例如：${example.zh}`,
    { option: shown },
  );
}

function listed(words: readonly string[], comma: string, or: string): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(comma)}${or}${words.at(-1)}`;
}
