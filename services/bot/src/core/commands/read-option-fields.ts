import { invalidInput } from '@atelier/shared/errors/app-error';
import { type ChosenOptions, readSize } from './option-values.ts';
import { drawingOptionNames, isDrawingOption, mergeOptions, readDrawingOptions } from './read-drawing-options.ts';

/**
 * Options as fields of a form or a program, read by the same rules as those of a line, so that the same sentence says
 * what to change.
 *
 * @throws AppError `invalid_input`.
 */
export function readOptionFields(fields: Readonly<Record<string, string | number>>): ChosenOptions {
  // A form sends what was left empty.
  const { width, height, ...others } = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
  const size = width === undefined && height === undefined ? {} : readSize(`${width ?? ''}x${height ?? ''}`);
  const unknown = Object.keys(others).find((name) => !isDrawingOption(name));
  if (unknown !== undefined) {
    const known = [...drawingOptionNames, 'width', 'height'].join(', ');
    throw invalidInput(
      `There is no option ${unknown.slice(0, 40)}. There are: ${known}.`,
      `没有选项 ${unknown.slice(0, 40)}。可用的有：${known}。`,
    );
  }
  return mergeOptions(size, readDrawingOptions(others));
}
