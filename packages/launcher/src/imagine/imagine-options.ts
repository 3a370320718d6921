import { z } from 'zod';
import { UsageError, type CommandCall, type CommandLine } from '@atelier/shared/config/command-line';

const usage = `npm run imagine -- "a red fox in snow, portrait, 2 images" [options]

  --count NUMBER      pictures
  --aspect W:H        such as 3:4
  --size WxH          pixels, such as 768x1024
  --seed NUMBER       the same seed makes the same picture again
  --negative TEXT     what must not be in it
  --model NAME        a model of the server
  --recipe NAME       a recipe of the server
  --steps NUMBER
  --cfg NUMBER
  --out DIR           where the files go (out)
  --lang en|zh        language of the messages (en)
  --help              this text

Exit code: 0 pictures were made, 1 none were, 2 the call is wrong, 3 Atelier cannot be reached, 130 cancelled by Ctrl-C.`;

/** What `npm run imagine` was asked for. `options` is the body's field of the same name: see the bot's `api-routes.ts`. */
export interface ImagineCall {
  words: string;
  options: Record<string, string | number>;
  outDir: string;
  language: 'en' | 'zh';
}

const text = z.string().optional();
const number = z
  .string()
  .trim()
  .min(1, 'must be a number')
  .pipe(z.coerce.number({ error: 'must be a number' }))
  .optional();
const options = {
  count: number,
  aspect: text,
  size: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/i, 'must be width x height in pixels, for example 768x1024')
    .optional(),
  // As text: a number would lose its last digits.
  seed: text,
  negative: text,
  model: text,
  recipe: text,
  steps: number,
  cfg: number,
  out: z.string().default('out'),
  lang: z.enum(['en', 'zh'], { error: 'must be en or zh' }).default('en'),
};

export const imagineCommand: CommandLine<typeof options> = { usage, options, takesWords: true };

/** @throws UsageError where there are no words. */
export function imagineCallOf({ values, words }: CommandCall<typeof options>): ImagineCall {
  const chosen: ImagineCall['options'] = {};
  for (const name of ['count', 'aspect', 'seed', 'negative', 'model', 'recipe', 'steps', 'cfg'] as const) {
    if (values[name] !== undefined) chosen[name] = values[name];
  }
  const [width, height] = values.size?.split(/x/i).map(Number) ?? [];
  if (width !== undefined && height !== undefined) Object.assign(chosen, { width, height });
  const prompt = words.join(' ').trim();
  if (prompt === '') throw new UsageError('Say what you want to see');
  return { words: prompt, options: chosen, outDir: values.out, language: values.lang };
}
