import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';

/** A text that people read, in each language of the product. */
const localText = z.strictObject({ en: z.string().max(2_000), zh: z.string().max(2_000) });

const recipeKind = z.enum([
  'text-to-image',
  'image-to-image',
  'upscale',
  'inpaint',
  'outpaint',
  'hires-fix',
  'lora',
  'controlnet',
  'reference',
  'blend',
  'background-removal',
  'image-edit',
  'text-to-video',
  'image-to-video',
  'contact-sheet',
  'custom',
]);

const comboInput = z.strictObject({ classType: z.string(), input: z.string() });

/** A default that depends on the chosen model; the first that fits wins. */
function conditionalDefault<Value extends z.ZodType>(value: Value) {
  return z.strictObject({
    /** A family of the chosen model, as `guessModelFamily` names it. */
    family: z.string().exactOptional(),
    /** Lower-case part of the chosen model's file name. */
    match: z.string().exactOptional(),
    value,
  });
}

const parameterBase = {
  /**
   * As in `$name` of the notation. Standard names: prompt, negative, seed, width, height, steps, cfg, sampler, scheduler, count, model,
   * denoise, strength, strengths, image, mask.
   */
  name: z.string().regex(/^[a-z][a-z0-9]{0,39}$/),
  title: localText,
};

const textParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('text'),
  /** Absent: the parameter must be given and not be blank. */
  default: z.string().exactOptional(),
  maxLength: z.int().positive(),
});

/** A whole or fractional number. */
const numberParameter = z.strictObject({
  ...parameterBase,
  kind: z.enum(['integer', 'number']),
  min: z.number(),
  max: z.number(),
  default: z.number(),
  defaults: z.array(conditionalDefault(z.number())).readonly().exactOptional(),
  /** Values are rounded to the nearest multiple, as sizes are to what a model can draw. */
  multipleOf: z.number().positive().exactOptional(),
  /** Values are rounded to `multipleOf` × n + `offset`, as frame counts are. */
  offset: z.number().exactOptional(),
});

/** Numbers that go with the entries of a list parameter, in its order; entries without one take what the recipe says. */
const numbersParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('numbers'),
  /** The list parameter. */
  of: z.string(),
  min: z.number(),
  max: z.number(),
});

/** A seed: 0 to 2^64-1, as number or bigint; -1 means random. */
const seedParameter = z.strictObject({ ...parameterBase, kind: z.literal('seed') });

/** One of the values that an input of a node class offers, or of a fixed list. */
const choiceParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('choice'),
  /** A class and a combo input of it, whose values are the choices. */
  from: comboInput.exactOptional(),
  options: z.array(z.string()).readonly().exactOptional(),
  default: z.string(),
  defaults: z.array(conditionalDefault(z.string())).readonly().exactOptional(),
});

/** A model file, picked by preference when it is not given. */
const modelParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('model'),
  from: comboInput,
  /** The folder under ComfyUI's `models` where such files lie, for the reason that one is missing. */
  folder: z.string(),
  /** What kind of file is needed, for the same sentence, such as "an SDXL checkpoint". */
  needs: localText,
  /** Families that fit, best first; for files whose name tells no family, `unknown`. Absent: any. */
  families: z.array(z.string()).readonly().exactOptional(),
  /** Lower-case parts of file names of which one must occur where a word begins, best first. Absent: any name. */
  match: z.array(z.string()).readonly().exactOptional(),
  /** Lower-case parts of file names that must not occur. */
  exclude: z.array(z.string()).readonly().exactOptional(),
  /** The file to take where the server has it. */
  preferred: z.string().exactOptional(),
  /** It must be of the family of the chosen `model`, as far as names tell, as a ControlNet must. */
  followsModel: z.literal(true).exactOptional(),
});

/** A file of ComfyUI's input folder, by the name that the upload returned. */
const imageParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('image'),
  optional: z.literal(true).exactOptional(),
});

/** Several files of ComfyUI's input folder. */
const imagesParameter = z.strictObject({ ...parameterBase, kind: z.literal('images'), min: z.int(), max: z.int() });

/** LoRA files with strengths: `[{"name": "ink.safetensors", "strength": 0.8}]`. */
const lorasParameter = z.strictObject({
  ...parameterBase,
  kind: z.literal('loras'),
  from: comboInput,
  min: z.int(),
  max: z.int(),
  minStrength: z.number(),
  maxStrength: z.number(),
});

const booleanParameter = z.strictObject({ ...parameterBase, kind: z.literal('boolean'), default: z.boolean() });

const recipeParameter = z.discriminatedUnion('kind', [
  textParameter,
  numberParameter,
  numbersParameter,
  seedParameter,
  choiceParameter,
  modelParameter,
  imageParameter,
  imagesParameter,
  lorasParameter,
  booleanParameter,
]);

/** Most parameters of one recipe: more than anybody would read. */
export const maxParameters = 100;

const storedRecipe = z.strictObject({
  id: z.string().min(1).max(200),
  /** What it does: the agent picks by it, then by what the server can run. */
  kind: recipeKind,
  title: localText,
  description: localText,
  /** Languages, as BCP 47 tags, in which its models understand a prompt; empty where there is no prompt. */
  promptLanguages: z.array(z.string()).readonly(),
  parameters: z.array(recipeParameter).max(maxParameters).readonly(),
  /** Common parameters that its models have no use for: accepted, left out, and reported as ignored. */
  ignores: z.array(z.string()).readonly(),
  /** The workflow in link notation with `$name` placeholders. */
  notation: z.string().max(1_000_000),
});

export type LocalText = z.infer<typeof localText>;
export type RecipeKind = z.infer<typeof recipeKind>;
export type ConditionalDefault<Value> = z.infer<ReturnType<typeof conditionalDefault<z.ZodType<Value>>>>;
export type TextParameter = z.infer<typeof textParameter>;
export type NumberParameter = z.infer<typeof numberParameter>;
export type NumbersParameter = z.infer<typeof numbersParameter>;
export type SeedParameter = z.infer<typeof seedParameter>;
export type ChoiceParameter = z.infer<typeof choiceParameter>;
export type ModelParameter = z.infer<typeof modelParameter>;
export type ImageParameter = z.infer<typeof imageParameter>;
export type ImagesParameter = z.infer<typeof imagesParameter>;
export type LorasParameter = z.infer<typeof lorasParameter>;
export type RecipeParameter = z.infer<typeof recipeParameter>;

/** A recipe that can be kept as JSON, as those made of uploaded workflows are. */
export type StoredRecipe = z.infer<typeof storedRecipe>;

/** Parameter values by name, as given or as resolved. */
export type RecipeValues = Readonly<Record<string, Json>>;

/**
 * A workflow with named parameters.
 *
 * The recipes of this package are TypeScript modules around link notation: the compiler checks their fields, nothing is read
 * from disk to list them, and where the number of nodes follows a parameter, `notation` is a function that writes the
 * lines. The entries of a list are `$images_1`, `$images_2`, …; those of LoRAs `$loras_1_name` and `$loras_1_strength`.
 */
export interface Recipe extends Omit<StoredRecipe, 'notation'> {
  notation: string | ((values: RecipeValues) => string);
}

/**
 * Reads a recipe that was kept as JSON.
 *
 * @throws ComfyError `malformed` naming every field that is wrong.
 */
export function parseRecipe(value: unknown): StoredRecipe {
  const result = storedRecipe.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'recipe'}: ${issue.message}`);
  throw new ComfyError('malformed', `This is no recipe: ${problems.slice(0, 10).join('; ')}.`);
}

/** How many entries a list parameter has. */
export function countEntries(values: RecipeValues, name: string): number {
  const list = values[name];
  return Array.isArray(list) ? list.length : 0;
}
