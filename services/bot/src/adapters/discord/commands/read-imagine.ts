import type { ChatInputCommandInteraction } from 'discord.js';
import {
  type ChosenOptions,
  readAspect,
  readCount,
  readModel,
  readNegative,
  readSeed,
} from '../../../core/commands/option-values.ts';

/**
 * What somebody typed into /imagine: the text behind the command, and the options beside it.
 *
 * @throws AppError `invalid_input` with one sentence that says what to change.
 */
export function readImagine(options: Pick<ChatInputCommandInteraction['options'], 'getString' | 'getInteger'>): {
  text: string;
  options: ChosenOptions;
} {
  const aspect = options.getString('aspect');
  const count = options.getInteger('count');
  const seed = options.getString('seed');
  const negative = options.getString('negative');
  const model = options.getString('model');
  return {
    text: `/imagine ${options.getString('prompt') ?? ''}`,
    options: {
      ...(aspect === null ? {} : readAspect(aspect)),
      ...(count === null ? {} : readCount(String(count))),
      ...(seed === null ? {} : readSeed(seed.trim())),
      ...(negative === null ? {} : readNegative(negative.trim())),
      ...(model === null ? {} : readModel(model.trim())),
    },
  };
}
