import { invalidInput } from '@atelier/shared/errors/app-error';
import {
  type ChosenOptions,
  readAspect,
  readCfg,
  readCount,
  readModel,
  readNegative,
  type ReadOption,
  readRecipe,
  readSampler,
  readSeed,
  readSize,
  readSteps,
  readStrength,
  readStyle,
} from './option-values.ts';

interface Option {
  names: readonly string[];
  read: ReadOption;
  /** Its value goes on to the next option; others take one word. */
  takesAll?: true;
}

const options: readonly Option[] = [
  { names: ['ar', 'aspect', 'ratio', '比例', '宽高比'], read: readAspect },
  { names: ['size', '尺寸', '大小'], read: readSize },
  { names: ['n', 'count', 'images', '数量', '张数'], read: readCount },
  { names: ['seed', '种子'], read: readSeed },
  { names: ['no', 'negative', '不要', '负面', '反向'], read: readNegative, takesAll: true },
  { names: ['steps', '步数'], read: readSteps },
  { names: ['cfg', '引导'], read: readCfg },
  { names: ['sampler', '采样器'], read: readSampler },
  { names: ['strength', '强度'], read: readStrength },
  { names: ['model', '模型'], read: readModel },
  { names: ['style', '风格'], read: readStyle },
  { names: ['recipe', '配方'], read: readRecipe },
];

const byName = new Map(options.flatMap((option) => option.names.map((name) => [name, option] as const)));

/**
 * `--name` at the start of a word. Phones turn `--` into a dash, and Chinese keyboards type full-width ones; those count
 * only in front of a known name, because a dash is also a punctuation mark.
 */
const marker = /(^|\s)(--|－－|—{1,2}|–)(\p{L}+)(?=[\s=:：＝]|\d|$)/gu;

export interface ParsedOptions {
  /** The text without its options. */
  text: string;
  options: ChosenOptions;
}

/**
 * Takes `--ar 3:4 --seed 7 --n 4 --no text, watermark` and its Chinese and full-width forms out of a text. Of an option
 * given twice the last counts.
 *
 * @throws AppError `invalid_input` with one sentence and an example.
 */
export function parseOptions(text: string): ParsedOptions {
  const found = [...text.matchAll(marker)].filter((match) => match[2] === '--' || byName.has(nameOf(match)));
  const kept: string[] = [text.slice(0, found[0]?.index ?? text.length)];
  let chosen: ChosenOptions = {};
  for (const [position, match] of found.entries()) {
    const name = nameOf(match);
    const option = byName.get(name);
    if (option === undefined) throw unknownOption(name);
    const end = found[position + 1]?.index ?? text.length;
    const rest = text.slice(match.index + match[0].length, end).replace(/^\s*[=:：＝]?\s*/u, '');
    const value = option.takesAll === true ? rest.trim() : (/^\S*/u.exec(rest)?.[0] ?? '');
    chosen = { ...chosen, ...option.read(option.takesAll === true ? value : toHalfWidth(value)) };
    if (option.takesAll !== true) kept.push(rest.slice(value.length));
  }
  if (chosen.aspect !== undefined && chosen.width !== undefined) {
    throw invalidInput(
      'Give either an aspect or a size, for example: --ar 3:4',
      '画面比例和尺寸只能选一个，例如：--ar 3:4',
    );
  }
  return {
    text: kept
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .join(' '),
    options: chosen,
  };
}

function nameOf(match: RegExpExecArray): string {
  return (match[3] ?? '').toLowerCase();
}

/** Full-width letters, digits and punctuation as their ASCII twins. */
function toHalfWidth(value: string): string {
  return value.replace(/[！-～]/gu, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0)).replace(/比/gu, ':');
}

function unknownOption(name: string): Error {
  const shown = name.slice(0, 30);
  return invalidInput(
    `There is no option --${shown}: use --ar, --size, --n, --seed, --no, --steps, --cfg, --model or --style, for example: a red fox --ar 3:4 --n 2`,
    `没有 --${shown} 这个选项：可用 --比例、--尺寸、--数量、--种子、--不要、--步数、--cfg、--模型、--风格，例如：红狐狸 --比例 3:4 --数量 2`,
    { option: shown },
  );
}
