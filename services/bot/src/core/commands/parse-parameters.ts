import { invalidInput } from '@atelier/shared/errors/app-error';

export type ParameterValues = Record<string, string | number | boolean>;

/**
 * Values of a workflow's parameters: `steps=30; prompt=a fox, in snow; tiling=true`, with `；`, `＝` and line breaks too.
 * What reads as a number or as true or false is one, unless quotes say it is text; a number that a JSON number cannot
 * hold, such as a large seed, stays text.
 *
 * @throws AppError `invalid_input` with an example.
 */
export function parseParameters(text: string): ParameterValues {
  const values: ParameterValues = {};
  for (const part of text.split(/[;；\n]/)) {
    if (part.trim() === '') continue;
    const [, name, value] = /^\s*([\p{L}\p{N}_][\p{L}\p{N}_. -]{0,39}?)\s*[=＝]\s*(.*?)\s*$/su.exec(part) ?? [];
    if (name === undefined || value === undefined || Object.hasOwn(values, name) || name === '__proto__') {
      throw invalidInput(
        'Give each parameter once as name=value, between semicolons, for example: steps=30; prompt=a fox',
        '每个参数写一次，格式为 名称=值，用分号隔开，例如：steps=30；prompt=狐狸',
      );
    }
    values[name] = valueOf(value);
  }
  if (Object.keys(values).length === 0) {
    throw invalidInput(
      'Name at least one parameter, for example: steps=30; prompt=a fox',
      '请至少写一个参数，例如：steps=30；prompt=狐狸',
    );
  }
  return values;
}

function valueOf(text: string): string | number | boolean {
  const quoted = /^"(.*)"$/s.exec(text)?.[1];
  if (quoted !== undefined) return quoted;
  if (text === 'true' || text === 'false') return text === 'true';
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number;
}
