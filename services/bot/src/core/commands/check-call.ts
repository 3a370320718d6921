import { invalidInput } from '@atelier/shared/errors/app-error';
import { commandSpec, optionsOf } from './command-table.ts';
import type { CommandCall, CommandOption, CommandValue } from './command-spec.ts';
import { readSwitch } from './parse-options.ts';
import { isDrawingOption } from './read-drawing-options.ts';
import { checkText } from './validate-prompt.ts';

/** A call whose values fit the table: numbers are numbers within their limits, choices are one of those offered. */
export interface CheckedCall extends CommandCall {
  text: (name: string) => string | undefined;
  number: (name: string) => number | undefined;
  flag: (name: string) => boolean | undefined;
}

/**
 * Brings values, typed or filled in, to what the table says of their options. Those that say how to draw are left to
 * `readDrawingOptions`, whose sentences are more helpful.
 *
 * @throws AppError `invalid_input` with one sentence and an example.
 */
export function checkCall(call: CommandCall): CheckedCall {
  const spec = commandSpec(call.command);
  const values: Record<string, CommandValue> = {};
  for (const option of optionsOf(spec, call.subcommand)) {
    const value = call.values[option.name];
    // Left empty where it was named: its reader says what belongs there.
    if (value === undefined || (value === '' && !isDrawingOption(option.name))) {
      if (option.required !== true || option.type === 'image' || option.type === 'file' || option.name === 'prompt')
        continue;
      throw invalidInput(
        `/${spec.name} needs ${option.name} (${option.description.en}), for example: ${spec.example.en}`,
        `/${spec.zhName} 需要${option.zhName}（${option.description.zh}），例如：${spec.example.zh}`,
      );
    }
    values[option.name] = isDrawingOption(option.name) ? value : checkValue(option, value);
  }
  const pick = (name: string): CommandValue | undefined => values[name];
  return {
    command: call.command,
    ...(call.subcommand === undefined ? {} : { subcommand: call.subcommand }),
    values,
    text(name) {
      const value = pick(name);
      return value === undefined ? undefined : String(value).trim();
    },
    number(name) {
      const value = pick(name);
      return typeof value === 'number' ? value : undefined;
    },
    flag(name) {
      const value = pick(name);
      return typeof value === 'boolean' ? value : undefined;
    },
  };
}

function checkValue(option: CommandOption, value: CommandValue): CommandValue {
  if (option.type === 'switch') {
    const wish = typeof value === 'boolean' ? value : readSwitch(String(value));
    if (wish === undefined) {
      throw invalidInput(`--${option.name} is on or off.`, `--${option.zhName} 的值为“是”或“否”。`);
    }
    return wish;
  }
  if (option.type === 'whole' || option.type === 'number') return checkNumber(option, value);
  const text = String(value).trim();
  checkText(text, option.maxLength ?? 200);
  if (option.choices === undefined) return text;
  const plain = text.toLowerCase();
  const choice = option.choices.find(({ value: own, label }) =>
    [own, label.en, label.zh].some((name) => name.toLowerCase() === plain),
  );
  if (choice === undefined) {
    const offered = option.choices.map((one) => one.value).join(', ');
    throw invalidInput(`${option.name} is one of: ${offered}.`, `${option.zhName}可以是：${offered}。`);
  }
  return choice.value;
}

function checkNumber(option: CommandOption, value: CommandValue): number {
  const number = typeof value === 'number' ? value : Number(String(value).trim() || Number.NaN);
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = option;
  if (!(number >= min && number <= max) || (option.type === 'whole' && !Number.isInteger(number))) {
    throw invalidInput(
      `${option.name} is a ${option.type === 'whole' ? 'whole ' : ''}number from ${min} to ${max}.`,
      `${option.zhName}是 ${min} 到 ${max} 的${option.type === 'whole' ? '整数' : '数字'}。`,
    );
  }
  return number;
}
