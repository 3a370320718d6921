import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { hintNearest } from '../notation/nearest-names.ts';
import type { Registry } from '../registry/registry.ts';
import { guessModelFamily } from '../registry/model-family.ts';
import { comboOptions, findModel, fittingModels } from './pick-model.ts';
import type {
  ChoiceParameter,
  ConditionalDefault,
  ImagesParameter,
  LorasParameter,
  ModelParameter,
  NumberParameter,
  NumbersParameter,
  Recipe,
  RecipeParameter,
  RecipeValues,
  TextParameter,
} from './recipe.ts';
import { understandSampler, understandScheduler } from './sampler-aliases.ts';

const MAX_SEED = 2n ** 64n - 1n;
/** Random seeds stay short enough to be read out and typed again. */
const RANDOM_SEED_RANGE = 2 ** 32;
/** More than any list parameter has entries. */
const maxNumbers = 100;

interface Scope {
  recipe: Recipe;
  registry: Registry;
  random: () => number;
  /** The resolved `model`, which other defaults depend on. */
  model: string | undefined;
}

function refuse(parameter: RecipeParameter, message: string, hint?: string): never {
  throw new ComfyError('invalid_value', `${parameter.name}: ${message}`, hint === undefined ? {} : { hint });
}

function conditional<T>(
  fallback: T,
  defaults: readonly ConditionalDefault<T>[] | undefined,
  model: string | undefined,
): T {
  if (model === undefined || defaults === undefined) return fallback;
  const name = model.toLowerCase();
  const family = guessModelFamily(model);
  const found = defaults.find(
    (entry) =>
      (entry.family === undefined || entry.family === family) &&
      (entry.match === undefined || name.includes(entry.match)),
  );
  return found === undefined ? fallback : found.value;
}

/** A number from what people and models write: 512, "512", 512.0. */
function toNumber(value: Json): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value)) return Number(value);
  return undefined;
}

function resolveNumber(parameter: NumberParameter, given: Json | undefined, model: string | undefined): number {
  const value = given === undefined ? conditional(parameter.default, parameter.defaults, model) : toNumber(given);
  const range = `${parameter.min} to ${parameter.max}`;
  if (value === undefined) return refuse(parameter, 'is not a number.', `Allowed: ${range}.`);
  if (parameter.kind === 'integer' && parameter.multipleOf === undefined && !Number.isInteger(value)) {
    return refuse(
      parameter,
      `${value} is not a whole number.`,
      `Nearest allowed value: ${Math.min(parameter.max, Math.max(parameter.min, Math.round(value)))}.`,
    );
  }
  if (value < parameter.min || value > parameter.max) {
    return refuse(
      parameter,
      `${value} is out of range; allowed are ${range}.`,
      `Nearest allowed value: ${value < parameter.min ? parameter.min : parameter.max}.`,
    );
  }
  if (parameter.multipleOf === undefined) return value;
  const offset = parameter.offset ?? 0;
  return Math.round((value - offset) / parameter.multipleOf) * parameter.multipleOf + offset;
}

function resolveSeed(parameter: RecipeParameter, given: Json | undefined, random: () => number): number | bigint {
  const value = typeof given === 'string' && /^-?\d{1,20}$/.test(given.trim()) ? BigInt(given.trim()) : given;
  if (value === undefined || value === null || value === -1 || value === -1n)
    return Math.floor(random() * RANDOM_SEED_RANGE);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value === 'bigint' && value >= 0n && value <= MAX_SEED)
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  return refuse(parameter, `a seed is a whole number from 0 to ${MAX_SEED}, or -1 for a random one.`);
}

/** Names only: what may be read is the policy's to decide, but no name can leave the input folder. */
function isFileName(value: Json | undefined): value is string {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= 500 &&
    !/(^|[/\\])\.\.([/\\]|$)|^[/\\]|\0|:/.test(value)
  );
}

function resolveText(parameter: TextParameter, given: Json | undefined): string {
  const value = given ?? parameter.default;
  if (typeof value !== 'string' || (parameter.default === undefined && value.trim() === '')) {
    return refuse(parameter, 'a text is needed.', 'Say in a few words what the picture shows.');
  }
  if (value.length > parameter.maxLength) {
    return refuse(parameter, `${value.length} characters are too many.`, `Shorten it to ${parameter.maxLength}.`);
  }
  return value;
}

/** Numbers as a list, as a text with commas, or one alone. Undefined where none was given. */
function resolveNumbers(parameter: NumbersParameter, given: Json | undefined): number[] | undefined {
  if (given === undefined || given === null || given === '') return undefined;
  const list = typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [given];
  if (list.length > maxNumbers) return refuse(parameter, `${list.length} numbers; at most ${maxNumbers} are read.`);
  return list.map((entry) => {
    const value = toNumber(entry);
    if (value !== undefined && value >= parameter.min && value <= parameter.max) return value;
    return refuse(
      parameter,
      `each is a number from ${parameter.min} to ${parameter.max}.`,
      `Write one for each of ${parameter.of}, such as [0.8, 0.3].`,
    );
  });
}

/** The file that was asked for, else the one that fits best. */
function resolveModel(scope: Scope, parameter: ModelParameter, given: Json | undefined): string {
  if (typeof given === 'string' && given.trim() !== '') return findModel(parameter, given, scope.registry);
  if (given !== undefined && given !== null && given !== '') return refuse(parameter, 'is a file name.');
  const best = fittingModels(parameter, scope.registry, scope.model)[0];
  if (best !== undefined) return best;
  throw new ComfyError(
    'unknown_name',
    `This ComfyUI has no file for ${parameter.name}: ${parameter.needs.en} in ${parameter.folder}.`,
    { hint: `Put ${parameter.needs.en} into models/${parameter.folder}, or choose another recipe.` },
  );
}

/** The value in the server's own spelling. */
function resolveChoice(scope: Scope, parameter: ChoiceParameter, given: Json | undefined): string {
  const options =
    parameter.from === undefined ? (parameter.options ?? []) : (comboOptions(scope.registry, parameter.from) ?? []);
  const value = given ?? conditional(parameter.default, parameter.defaults, scope.model);
  if (typeof value !== 'string') return refuse(parameter, 'is one of a list of words.', hintNearest('', options));
  if (options.includes(value)) return value;
  const understood =
    parameter.name === 'scheduler' ? understandScheduler(value, options) : understandSampler(value, options)?.sampler;
  if (understood !== undefined) return understood;
  // A default that this server does not offer gives way to what it does offer; a wish does not.
  if (given === undefined || given === null) return options[0] ?? value;
  return refuse(parameter, `"${value.slice(0, 100)}" is not offered here.`, hintNearest(value, options));
}

function resolveImages(parameter: ImagesParameter, given: Json | undefined): string[] {
  const list = Array.isArray(given) ? given : [];
  if (list.length < parameter.min || list.length > parameter.max) {
    return refuse(
      parameter,
      `${list.length} images; allowed are ${parameter.min} to ${parameter.max}.`,
      'Attach more or fewer pictures.',
    );
  }
  return list.every(isFileName) ? list : refuse(parameter, 'each image is the name of an uploaded file.');
}

function resolveLoras(parameter: LorasParameter, given: Json | undefined, registry: Registry): Json {
  const list = given === undefined || given === null ? [] : Array.isArray(given) ? given : [given];
  if (list.length < parameter.min || list.length > parameter.max) {
    return refuse(
      parameter,
      `${list.length} LoRAs; allowed are ${parameter.min} to ${parameter.max}.`,
      `This server has: ${(comboOptions(registry, parameter.from) ?? []).slice(0, 10).join(', ') || 'none'}.`,
    );
  }
  const needs = { en: 'a LoRA', zh: 'LoRA' };
  return list.map((entry) => {
    const isObject = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
    const name = isObject ? entry['name'] : entry;
    const strength = toNumber((isObject ? entry['strength'] : undefined) ?? 1);
    if (typeof name !== 'string') return refuse(parameter, 'each entry is a file name, or {"name": …, "strength": …}.');
    if (strength === undefined || strength < parameter.minStrength || strength > parameter.maxStrength) {
      return refuse(
        parameter,
        `the strength of ${name} must be from ${parameter.minStrength} to ${parameter.maxStrength}.`,
      );
    }
    const file = findModel(
      { kind: 'model', name: 'loras', title: needs, from: parameter.from, folder: 'loras', needs },
      name,
      registry,
    );
    return { name: file, strength };
  });
}

function resolveOne(scope: Scope, parameter: RecipeParameter, given: Json | undefined): Json | undefined {
  const isAbsent = given === undefined || given === null;
  switch (parameter.kind) {
    case 'text':
      return resolveText(parameter, given);
    case 'integer':
    case 'number':
      return resolveNumber(parameter, given ?? undefined, scope.model);
    case 'numbers':
      return resolveNumbers(parameter, given);
    case 'seed':
      return resolveSeed(parameter, given, scope.random);
    case 'boolean':
      if (isAbsent) return parameter.default;
      return typeof given === 'boolean' ? given : refuse(parameter, 'is yes or no.', 'Write true or false.');
    case 'model':
      return resolveModel(scope, parameter, given);
    case 'choice':
      return resolveChoice(scope, parameter, given);
    case 'image':
      if (isAbsent && parameter.optional === true) return undefined;
      if (isFileName(given)) return given;
      return refuse(parameter, 'an image is needed.', 'Attach a picture, or name one that was uploaded.');
    case 'images':
      return resolveImages(parameter, given);
    case 'loras':
      break;
  }
  return resolveLoras(parameter, given, scope.registry);
}

/** A sampler may bring its scheduler along: "dpm++ 2m karras". */
function splitSampler(recipe: Recipe, given: RecipeValues, registry: Registry): RecipeValues {
  const text = given['sampler'];
  const parameter = recipe.parameters.find((candidate) => candidate.name === 'sampler');
  if (typeof text !== 'string' || parameter?.kind !== 'choice' || parameter.from === undefined) return given;
  const meant = understandSampler(text, comboOptions(registry, parameter.from) ?? []);
  if (meant === undefined) return given;
  return {
    ...given,
    sampler: meant.sampler,
    ...(meant.scheduler === undefined || given['scheduler'] !== undefined ? {} : { scheduler: meant.scheduler }),
  };
}

/**
 * Checks and completes parameter values: defaults, random seed, model choice, aliases, rounding of sizes.
 *
 * @returns every parameter of the recipe with its value (optional images, and lists of numbers, that were not given are absent), and the given
 * names that the recipe's models have no use for.
 * @throws ComfyError `unknown_name` or `invalid_value` with the nearest allowed value as hint.
 */
export function resolveParameters(
  recipe: Recipe,
  given: RecipeValues,
  registry: Registry,
  random: () => number,
): { values: RecipeValues; ignored: string[] } {
  const names = recipe.parameters.map((parameter) => parameter.name);
  const ignored: string[] = [];
  for (const name of Object.keys(given)) {
    if (names.includes(name) || given[name] === null) continue;
    if (recipe.ignores.includes(name)) ignored.push(name);
    else {
      const hint = hintNearest(name, names);
      throw new ComfyError(
        'unknown_name',
        `The recipe ${recipe.id} has no parameter "${name.slice(0, 100)}".`,
        hint === undefined ? {} : { hint },
      );
    }
  }
  const wanted = splitSampler(recipe, given, registry);
  const own = (name: string): Json | undefined => (Object.hasOwn(wanted, name) ? wanted[name] : undefined);
  const scope: Scope = { recipe, registry, random, model: undefined };
  const modelParameter = recipe.parameters.find(
    (parameter) => parameter.kind === 'model' && parameter.name === 'model',
  );
  if (modelParameter !== undefined) {
    const model = resolveOne(scope, modelParameter, own('model'));
    if (typeof model === 'string') scope.model = model;
  }
  const values = recipe.parameters.flatMap((parameter) => {
    const value = parameter === modelParameter ? scope.model : resolveOne(scope, parameter, own(parameter.name));
    return value === undefined ? [] : [[parameter.name, value] as const];
  });
  return { values: Object.fromEntries(values), ignored };
}
