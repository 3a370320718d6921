import { invalidInput } from '@atelier/shared/errors/app-error';
import type { CommandValue } from './command-spec.ts';
import {
  type ChosenOptions,
  readAspect,
  readCfg,
  readCount,
  readDuration,
  readLora,
  readModel,
  readNegative,
  readOperation,
  type ReadOption,
  readRecipe,
  readSampler,
  readScheduler,
  readSeed,
  readSize,
  readSteps,
  readStrength,
  readStyle,
} from './option-values.ts';

const readers: Readonly<Record<string, ReadOption>> = {
  aspect: readAspect,
  size: readSize,
  count: readCount,
  seed: readSeed,
  negative: readNegative,
  steps: readSteps,
  cfg: readCfg,
  strength: readStrength,
  model: readModel,
  style: readStyle,
  sampler: readSampler,
  scheduler: readScheduler,
  recipe: readRecipe,
  lora: readLora,
  duration: readDuration,
  operation: readOperation,
};

export function isDrawingOption(name: string): boolean {
  return Object.hasOwn(readers, name);
}

export const drawingOptionNames = Object.keys(readers);

/**
 * Values of options that say how to draw, from whatever form or line they come; other values are left out.
 *
 * @throws AppError `invalid_input` with one sentence and an example.
 */
export function readDrawingOptions(values: Readonly<Record<string, CommandValue>>): ChosenOptions {
  const chosen: ChosenOptions = {};
  for (const [name, value] of Object.entries(values)) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read !== undefined) Object.assign(chosen, read(String(value).trim()));
  }
  if (chosen.aspect !== undefined && chosen.width !== undefined) {
    throw invalidInput(
      'Give either an aspect or a size, for example: --ar 3:4',
      '画面比例和尺寸只能选一个，例如：--ar 3:4',
    );
  }
  return chosen;
}

/** `second` over `first`; an aspect takes the place of a size, and the other way round. */
export function mergeOptions(first: ChosenOptions, second: ChosenOptions): ChosenOptions {
  const base = { ...first };
  if (second.aspect !== undefined) {
    delete base.width;
    delete base.height;
  }
  if (second.width !== undefined) delete base.aspect;
  return { ...base, ...second };
}
