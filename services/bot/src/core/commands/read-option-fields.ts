import { invalidInput } from '@atelier/shared/errors/app-error';
import {
  readAspect,
  readCfg,
  readCount,
  readModel,
  readNegative,
  readRecipe,
  readSampler,
  readSeed,
  readSize,
  readSteps,
  readStrength,
  readStyle,
  type ChosenOptions,
  type ReadOption,
} from './option-values.ts';

const readers: Record<string, ReadOption> = {
  aspect: readAspect,
  count: readCount,
  seed: readSeed,
  negative: readNegative,
  steps: readSteps,
  cfg: readCfg,
  strength: readStrength,
  model: readModel,
  style: readStyle,
  sampler: readSampler,
  recipe: readRecipe,
};

/**
 * Options as fields of a form or a program, read by the same rules as those of a line, so that the same sentence says
 * what to change.
 *
 * @throws AppError `invalid_input`.
 */
export function readOptionFields(fields: Readonly<Record<string, string | number>>): ChosenOptions {
  // A form sends what was left empty.
  const { width, height, ...others } = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
  const chosen: ChosenOptions =
    width === undefined && height === undefined ? {} : readSize(`${width ?? ''}x${height ?? ''}`);
  for (const [name, value] of Object.entries(others)) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      const known = [...Object.keys(readers), 'width', 'height'].join(', ');
      throw invalidInput(
        `There is no option ${name.slice(0, 40)}. There are: ${known}.`,
        `没有选项 ${name.slice(0, 40)}。可用的有：${known}。`,
      );
    }
    Object.assign(chosen, read(String(value).trim()));
  }
  return chosen;
}
