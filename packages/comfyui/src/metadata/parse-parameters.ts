import { ComfyError } from '../errors/comfy-error.ts';
import { integerFromLiteral } from '../json/parse-json.ts';

/** A LoRA that a prompt names as `<lora:name:weight>`. */
export interface NamedLora {
  name: string;
  weight: number;
}

/** AUTOMATIC1111's "parameters" text, read. Forge, SD.Next, Fooocus and CivitAI write the same form. */
export interface GenerationParameters {
  /** The prompt without the LoRA marks. */
  prompt: string;
  negativePrompt: string;
  loras: NamedLora[];
  /** A seed reaches 2^64−1. */
  seed?: number | bigint;
  steps?: number;
  cfgScale?: number;
  sampler?: string;
  /** `Schedule type` of later versions; before, it was part of the sampler's name. */
  scheduler?: string;
  width?: number;
  height?: number;
  denoise?: number;
  model?: string;
  modelHash?: string;
  clipSkip?: number;
  /** Every setting as it stood, by its name in lower case. */
  settings: Record<string, string>;
}

/** More than any person writes; the text comes from a file that anyone can make. */
const maxChars = 1_000_000;
const maxSettings = 500;
const maxLoras = 100;

const negativeMark = 'Negative prompt:';

/**
 * Reads a "parameters" text: the prompt, then from a line `Negative prompt:` on the negative one, then a line `Steps: 20, Sampler: …`.
 *
 * A text without such a last line is all prompt.
 *
 * @throws ComfyError `too_large` beyond a million characters, 500 settings or 100 LoRAs.
 */
export function parseParameters(text: string): GenerationParameters {
  if (text.length > maxChars) {
    throw new ComfyError('too_large', `The parameters have ${text.length} characters; at most ${maxChars} are read.`);
  }
  const lines = text
    .replaceAll('\0', '')
    .trim()
    .split(/\r\n|\r|\n/);
  const settingsAt = findSettings(lines);
  const settings = settingsAt < 0 ? new Map<string, string>() : readSettings(lines.slice(settingsAt).join(' '));
  const words = settingsAt < 0 ? lines : lines.slice(0, settingsAt);
  const negativeAt = words.findIndex((line) => line.trimStart().startsWith(negativeMark));
  const positive = (negativeAt < 0 ? words : words.slice(0, negativeAt)).join('\n').trim();
  const negative =
    negativeAt < 0 ? '' : words.slice(negativeAt).join('\n').trimStart().slice(negativeMark.length).trim();
  const { prompt, loras } = takeLoras(positive);
  return { prompt, negativePrompt: negative, loras, ...known(settings), settings: Object.fromEntries(settings) };
}

/** The line from which on there are settings: the last one that begins with `Steps:` or holds three settings. */
function findSettings(lines: readonly string[]): number {
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const line = lines[at] ?? '';
    if (/^\s*Steps:\s*\d/.test(line)) return at;
  }
  const last = lines.length - 1;
  const line = lines[last] ?? '';
  return !line.trimStart().startsWith(negativeMark) && readSettings(line).size >= 3 ? last : -1;
}

/** Reads `Name: value, Name: "a, quoted value", …` in one pass. */
function readSettings(line: string): Map<string, string> {
  const settings = new Map<string, string>();
  let at = 0;
  while (at < line.length) {
    const colon = line.indexOf(':', at);
    if (colon < 0) break;
    const name = line
      .slice(at, colon)
      .replace(/^[\s,]+/, '')
      .trim()
      .toLowerCase();
    let valueAt = colon + 1;
    while (line[valueAt] === ' ') valueAt += 1;
    const end = line[valueAt] === '"' ? quoteEnd(line, valueAt) : valueEnd(line, valueAt);
    if (/^[a-z0-9][a-z0-9 _\-/()]{0,79}$/.test(name)) {
      settings.set(name, unquoted(line.slice(valueAt, end).trim()));
      if (settings.size > maxSettings) {
        throw new ComfyError('too_large', `The parameters hold more than ${maxSettings} settings.`);
      }
    }
    const comma = line.indexOf(',', end);
    at = comma < 0 ? line.length : comma + 1;
  }
  return settings;
}

function valueEnd(line: string, at: number): number {
  const comma = line.indexOf(',', at);
  return comma < 0 ? line.length : comma;
}

/** The place after the closing quote of a JSON string; the end of the line if it never closes. */
function quoteEnd(line: string, at: number): number {
  for (let index = at + 1; index < line.length; index += 1) {
    if (line[index] === '\\') index += 1;
    else if (line[index] === '"') return index + 1;
  }
  return line.length;
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'string' ? parsed : value;
  } catch {
    return value.replace(/^"|"$/g, '');
  }
}

/** Takes `<lora:name:weight>` (also `lyco`) out of a prompt; where there are two weights, the first is the model's. */
function takeLoras(text: string): { prompt: string; loras: NamedLora[] } {
  const loras: NamedLora[] = [];
  const prompt = text.replaceAll(
    /<(?:lora|lyco):([^:<>]{1,200})(?::([^<>]{0,80}))?>/gi,
    (_, name: string, rest?: string) => {
      const weight = Number.parseFloat(rest ?? '');
      loras.push({ name: name.trim(), weight: Number.isFinite(weight) ? weight : 1 });
      if (loras.length > maxLoras) throw new ComfyError('too_large', `The prompt names more than ${maxLoras} LoRAs.`);
      return '';
    },
  );
  return { prompt: loras.length === 0 ? prompt : tidied(prompt), loras };
}

/** Without the doubled commas and spaces that removed marks leave. */
function tidied(prompt: string): string {
  return prompt
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .map((part) => part.trim())
        .filter((part, index, parts) => part !== '' || (index === parts.length - 1 && parts.length > 1))
        .join(', ')
        .trim(),
    )
    .join('\n')
    .trim();
}

type KnownParameters = Omit<GenerationParameters, 'prompt' | 'negativePrompt' | 'loras' | 'settings'>;

function known(settings: ReadonlyMap<string, string>): KnownParameters {
  const found: KnownParameters = {};
  const seed = settings.get('seed');
  if (seed !== undefined && /^-?\d{1,20}$/.test(seed)) found.seed = integerFromLiteral(seed);
  const numbers = {
    steps: 'steps',
    cfgScale: 'cfg scale',
    denoise: 'denoising strength',
    clipSkip: 'clip skip',
  } as const;
  for (const [key, name] of Object.entries(numbers) as [keyof typeof numbers, string][]) {
    const value = numberOf(settings.get(name));
    if (value !== undefined) found[key] = value;
  }
  const texts = { sampler: 'sampler', scheduler: 'schedule type', model: 'model', modelHash: 'model hash' } as const;
  for (const [key, name] of Object.entries(texts) as [keyof typeof texts, string][]) {
    const value = settings.get(name);
    if (value !== undefined && value !== '') found[key] = value;
  }
  const size = /^(\d{1,6})\s*[x×]\s*(\d{1,6})$/i.exec(settings.get('size') ?? '');
  if (size !== null) {
    found.width = Number(size[1]);
    found.height = Number(size[2]);
  }
  return found;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : undefined;
}
