import { ComfyError } from '../errors/comfy-error.ts';
import { hintNearest } from '../notation/nearest-names.ts';
import type { Registry } from '../registry/registry.ts';
import { guessModelFamily } from '../registry/model-family.ts';
import type { ModelParameter } from './recipe.ts';

/** The string values that a combo input offers; undefined when the class or the input does not exist. */
export function comboOptions(registry: Registry, from: { classType: string; input: string }): string[] | undefined {
  const input = registry.classes.get(from.classType)?.inputsByName.get(from.input);
  if (input === undefined) return undefined;
  return (input.options ?? []).filter((option) => typeof option === 'string');
}

/** Whether a part of a name occurs where a word begins: `ae.` is in `flux/ae.sft`, not in `qwen_image_vae.sft`. */
function containsWord(name: string, part: string): boolean {
  for (let at = name.indexOf(part); at !== -1; at = name.indexOf(part, at + 1)) {
    if (at === 0 || !/[a-z0-9]/.test(name[at - 1] ?? '')) return true;
  }
  return false;
}

/** How well a file fits: lower is better, undefined when it does not fit. */
function rank(parameter: ModelParameter, file: string): number | undefined {
  const name = file.toLowerCase();
  if (parameter.exclude?.some((part) => name.includes(part)) === true) return undefined;
  const family = parameter.families === undefined ? 0 : parameter.families.indexOf(guessModelFamily(file));
  const match = parameter.match === undefined ? 0 : parameter.match.findIndex((part) => containsWord(name, part));
  return family === -1 || match === -1 ? undefined : family * 1000 + match;
}

/** Official releases are better defaults than what is found beside them. */
function isBaseRelease(file: string): boolean {
  return /sd_?xl_base|v1-5-pruned|sd3\.?5?_(large|medium)|flux1-dev|qwen_image|z_image_turbo/.test(file.toLowerCase());
}

/** 0 for the family of the model that a file goes with, 1 where a name does not tell, undefined where they cannot work together. */
function familyRank(parameter: ModelParameter, file: string, model: string | undefined): number | undefined {
  if (parameter.followsModel !== true || model === undefined) return 0;
  const [own, other] = [baseFamily(guessModelFamily(file)), baseFamily(guessModelFamily(model))];
  if (own === 'unknown' || other === 'unknown') return 1;
  return own === other ? 0 : undefined;
}

/** Families that share their architecture, and so LoRAs and ControlNets. */
function baseFamily(family: string): string {
  return family === 'pony' || family === 'illustrious' ? 'sdxl' : family;
}

/**
 * The files of a server that fit a model parameter, best first.
 *
 * @param model the chosen `model`, for parameters that follow it.
 */
export function fittingModels(parameter: ModelParameter, registry: Registry, model?: string): string[] {
  const ranked = (comboOptions(registry, parameter.from) ?? []).flatMap((file) => {
    const score = rank(parameter, file);
    const family = familyRank(parameter, file, model);
    if (score === undefined || family === undefined) return [];
    return [{ file, score: (family * 1_000_000 + score) * 2 + (isBaseRelease(file) ? 0 : 1) }];
  });
  const files = ranked.sort((a, b) => a.score - b.score || (a.file < b.file ? -1 : 1)).map((entry) => entry.file);
  const { preferred } = parameter;
  return preferred !== undefined && files.includes(preferred)
    ? [preferred, ...files.filter((file) => file !== preferred)]
    : files;
}

/**
 * Finds the file that a person means: its name in full, without folder or ending, in any case.
 *
 * @throws ComfyError `unknown_name` with the nearest names, or `invalid_value` for a model of a family that cannot work here.
 */
export function findModel(parameter: ModelParameter, wanted: string, registry: Registry): string {
  const options = comboOptions(registry, parameter.from) ?? [];
  const folded = wanted.trim().toLowerCase().replaceAll('\\', '/');
  const stem = (file: string): string =>
    file
      .toLowerCase()
      .replaceAll('\\', '/')
      .replace(/\.(safetensors|ckpt|pth?|sft|gguf|bin)$/, '');
  const found =
    options.find((file) => file === wanted) ??
    options.find((file) => file.toLowerCase().replaceAll('\\', '/') === folded) ??
    options.find((file) => stem(file) === stem(folded)) ??
    options.find((file) => stem(file).split('/').at(-1) === stem(folded));
  if (found === undefined) {
    const hint = hintNearest(wanted, options);
    throw new ComfyError(
      'unknown_name',
      `This ComfyUI has no ${parameter.folder} file "${wanted.slice(0, 200)}".`,
      hint === undefined ? {} : { hint },
    );
  }
  const family = guessModelFamily(found);
  if (parameter.families !== undefined && family !== 'unknown' && !parameter.families.includes(family)) {
    const fitting = fittingModels(parameter, registry).slice(0, 3);
    throw new ComfyError(
      'invalid_value',
      `${found} looks like a ${family} model; this recipe needs ${parameter.needs.en}.`,
      {
        hint: fitting.length > 0 ? `Fitting here: ${fitting.join(', ')}.` : 'Choose a recipe for that family.',
      },
    );
  }
  return found;
}
