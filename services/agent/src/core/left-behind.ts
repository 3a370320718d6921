import type { Recipe } from '@atelier/comfyui/recipes/recipe';

/*
 * A person's strength says how far an input picture is left behind: 0 keeps it, 1 ignores it. Recipes that redraw a picture
 * call that `denoise`; those that draw with a reference have a `strength` that counts the other way.
 */

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** The recipe's parameter for a strength, with its value. */
export function strengthFor(
  recipe: Pick<Recipe, 'parameters' | 'ignores'>,
  strength: number | undefined,
): Record<string, number> {
  if (strength === undefined) return {};
  const has = (name: string): boolean => recipe.parameters.some((parameter) => parameter.name === name);
  if (has('denoise')) {
    const least = recipe.parameters.find(({ name }) => name === 'denoise');
    return { denoise: least?.kind === 'number' ? Math.max(least.min, strength) : strength };
  }
  if (has('strength')) return { strength: rounded(1 - strength) };
  return { [recipe.ignores.includes('denoise') ? 'denoise' : 'strength']: strength };
}

/** The strength that a recipe's values stand for; undefined where it has none. */
export function leftBehind(values: Readonly<Record<string, unknown>>): number | undefined {
  const { denoise, strength } = values;
  if (typeof denoise === 'number') return denoise;
  return typeof strength === 'number' ? Math.max(0, rounded(1 - strength)) : undefined;
}
