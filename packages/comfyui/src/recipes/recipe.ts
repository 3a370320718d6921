import type { Json } from '../json/json.ts';

/** A text that people read, in each language of the product. */
export interface LocalText {
  en: string;
  zh: string;
}

/** What a recipe does: the agent picks by it, then by what the server can run. */
export type RecipeKind =
  | 'text-to-image'
  | 'image-to-image'
  | 'upscale'
  | 'inpaint'
  | 'outpaint'
  | 'hires-fix'
  | 'lora'
  | 'controlnet'
  | 'reference'
  | 'blend'
  | 'background-removal'
  | 'image-edit'
  | 'text-to-video'
  | 'image-to-video'
  | 'contact-sheet'
  | 'custom';

/** A default that depends on the chosen model. The first that fits wins. */
export interface ConditionalDefault<T> {
  /** A family of the chosen model, as `guessModelFamily` names it. */
  family?: string;
  /** Lower-case part of the chosen model's file name. */
  match?: string;
  value: T;
}

interface ParameterBase {
  /** As in `$name` of the notation. Standard names: prompt, negative, seed, width, height, steps, cfg, sampler, scheduler, count, model, denoise, strength, image, mask. */
  name: string;
  title: LocalText;
}

export interface TextParameter extends ParameterBase {
  kind: 'text';
  /** Absent: the parameter must be given and not be blank. */
  default?: string;
  maxLength: number;
}

/** A whole or fractional number. */
export interface NumberParameter extends ParameterBase {
  kind: 'integer' | 'number';
  min: number;
  max: number;
  default: number;
  defaults?: readonly ConditionalDefault<number>[];
  /** Values are rounded to the nearest multiple, as sizes are to what a model can draw. */
  multipleOf?: number;
  /** Values are rounded to `multipleOf` × n + `offset`, as frame counts are. */
  offset?: number;
}

/** A seed: 0 to 2^64-1, as number or bigint; -1 means random. */
export interface SeedParameter extends ParameterBase {
  kind: 'seed';
}

/** One of the values that an input of a node class offers, or of a fixed list. */
export interface ChoiceParameter extends ParameterBase {
  kind: 'choice';
  /** A class and a combo input of it, whose values are the choices. */
  from?: { classType: string; input: string };
  options?: readonly string[];
  default: string;
  defaults?: readonly ConditionalDefault<string>[];
}

/** A model file, picked by preference when it is not given. */
export interface ModelParameter extends ParameterBase {
  kind: 'model';
  from: { classType: string; input: string };
  /** The folder under ComfyUI's `models` where such files lie, for the reason that one is missing. */
  folder: string;
  /** What kind of file is needed, for the same sentence, such as "an SDXL checkpoint". */
  needs: LocalText;
  /** Families that fit, best first; for files whose name tells no family, `unknown`. Absent: any. */
  families?: readonly string[];
  /** Lower-case parts of file names of which one must occur where a word begins, best first. Absent: any name. */
  match?: readonly string[];
  /** Lower-case parts of file names that must not occur. */
  exclude?: readonly string[];
  /** The file to take where the server has it. */
  preferred?: string;
  /** It must be of the family of the chosen `model`, as far as names tell, as a ControlNet must. */
  followsModel?: true;
}

/** A file of ComfyUI's input folder, by the name that the upload returned. */
export interface ImageParameter extends ParameterBase {
  kind: 'image';
  optional?: true;
}

/** Several files of ComfyUI's input folder. */
export interface ImagesParameter extends ParameterBase {
  kind: 'images';
  min: number;
  max: number;
}

/** LoRA files with strengths: `[{"name": "ink.safetensors", "strength": 0.8}]`. */
export interface LorasParameter extends ParameterBase {
  kind: 'loras';
  from: { classType: string; input: string };
  min: number;
  max: number;
  minStrength: number;
  maxStrength: number;
}

export interface BooleanParameter extends ParameterBase {
  kind: 'boolean';
  default: boolean;
}

export type RecipeParameter =
  | TextParameter
  | NumberParameter
  | SeedParameter
  | ChoiceParameter
  | ModelParameter
  | ImageParameter
  | ImagesParameter
  | LorasParameter
  | BooleanParameter;

/** Parameter values by name, as given or as resolved. */
export type RecipeValues = Readonly<Record<string, Json>>;

/**
 * A workflow with named parameters.
 *
 * Recipes are TypeScript modules around link notation: the compiler checks their fields, nothing is read from disk to
 * list them, and where the number of nodes follows a parameter, `notation` is a function that writes the lines.
 */
export interface Recipe {
  id: string;
  kind: RecipeKind;
  title: LocalText;
  description: LocalText;
  /** Languages, as BCP 47 tags, in which its models understand a prompt; empty where there is no prompt. */
  promptLanguages: readonly string[];
  parameters: readonly RecipeParameter[];
  /** Common parameters that its models have no use for: accepted, left out, and reported as ignored. */
  ignores: readonly string[];
  /**
   * The workflow in link notation with `$name` placeholders. The entries of a list are `$images_1`, `$images_2`, …; those of
   * LoRAs `$loras_1_name` and `$loras_1_strength`.
   */
  notation: string | ((values: RecipeValues) => string);
}

/** How many entries a list parameter has. */
export function countEntries(values: RecipeValues, name: string): number {
  const list = values[name];
  return Array.isArray(list) ? list.length : 0;
}
