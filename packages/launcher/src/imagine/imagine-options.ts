import { parseArgs } from 'node:util';
import { StartupError } from '../errors/startup-error.ts';

export const imagineUsage = `npm run imagine -- "a red fox in snow, portrait, 2 images" [options]

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
  help: boolean;
}

/** @throws StartupError that names what is wrong. */
export function parseImagineCall(args: readonly string[]): ImagineCall {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        count: { type: 'string' },
        aspect: { type: 'string' },
        size: { type: 'string' },
        seed: { type: 'string' },
        negative: { type: 'string' },
        model: { type: 'string' },
        recipe: { type: 'string' },
        steps: { type: 'string' },
        cfg: { type: 'string' },
        out: { type: 'string', default: 'out' },
        lang: { type: 'string', default: 'en' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new StartupError(`${error instanceof Error ? error.message : String(error)}\n\n${imagineUsage}`);
  }
  const { values, positionals } = parsed;
  const options: ImagineCall['options'] = {};
  for (const name of ['aspect', 'seed', 'negative', 'model', 'recipe'] as const) {
    if (values[name] !== undefined) options[name] = values[name];
  }
  for (const name of ['count', 'steps', 'cfg'] as const) {
    if (values[name] !== undefined) options[name] = parseNumber(name, values[name]);
  }
  if (values.size !== undefined) {
    const [, width, height] = /^(\d{1,5})x(\d{1,5})$/i.exec(values.size) ?? [];
    if (width === undefined || height === undefined) {
      throw new StartupError('--size is width x height in pixels, for example --size 768x1024');
    }
    options['width'] = Number(width);
    options['height'] = Number(height);
  }
  if (values.lang !== 'en' && values.lang !== 'zh') throw new StartupError('--lang is en or zh');
  const words = positionals.join(' ').trim();
  if (words === '' && !values.help) throw new StartupError(`Say what you want to see.\n\n${imagineUsage}`);
  return { words, options, outDir: values.out, language: values.lang, help: values.help };
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new StartupError(`--${name} takes a number, not ${text}`);
  return value;
}
