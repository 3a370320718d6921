import { z } from 'zod';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import type { NodeClass, NodeInput } from '@atelier/comfyui/registry/registry';
import type { Recipe, RecipeParameter } from '@atelier/comfyui/recipes/recipe';
import type { Catalog } from '../core/catalog.ts';
import { isLinkType } from './search.ts';
import { defineTool } from './tool.ts';
import { asData } from './untrusted-text.ts';

const MAX_OPTIONS = 12;

/** How a node class or a recipe is used. */
export const describeTool = defineTool({
  name: 'describe',
  description: 'Inputs, outputs and allowed values of node classes, or the parameters of recipes, by name.',
  input: z.object({ names: z.array(z.string().max(120)).min(1).max(8) }),
  readOnly: true,
  forDoors: true,
  timeoutMs: 10_000,
  execute({ names }, { catalog }) {
    return Promise.resolve({
      kind: 'result',
      content: asData(names.map((name) => describeName(name, catalog)).join('\n\n')),
    });
  },
});

function describeName(name: string, catalog: Catalog): string {
  const recipe = catalog.recipes.find(({ id }) => id === name);
  if (recipe !== undefined) return describeRecipe(recipe, catalog);
  for (const registry of catalog.registries) {
    const nodeClass = registry.classes.get(name);
    if (nodeClass !== undefined) return describeClass(nodeClass);
  }
  const near = nearestNames(name, [
    ...catalog.registries.flatMap(({ classes }) => [...classes.keys()]),
    ...catalog.recipes.map(({ id }) => id),
  ]);
  return `${name}: not here.${near.length > 0 ? ` Nearest: ${near.join(', ')}.` : ''}`;
}

/** As link notation would write it: `KSampler(model: MODEL, seed: INT = 0 [0..], …) -> LATENT`. */
function describeClass(nodeClass: NodeClass): string {
  const inputs = nodeClass.inputs.map(
    (input) => `  ${input.name}${input.group === 'optional' ? '?' : ''}: ${describeInput(input)}`,
  );
  const outputs = nodeClass.outputs.map(({ name, type }) => (name === type ? name : `${name}:${type}`));
  const about = nodeClass.description.replaceAll(/\s+/g, ' ').slice(0, 300);
  const marks = [
    nodeClass.isOutputNode ? 'output node' : '',
    nodeClass.deprecated ? 'deprecated' : '',
    nodeClass.isApiNode ? 'paid service' : '',
  ].filter((mark) => mark !== '');
  return [
    `${nodeClass.name}${marks.length > 0 ? ` [${marks.join(', ')}]` : ''}${about === '' ? '' : ` — ${about}`}`,
    ...inputs,
    `  -> ${outputs.join(', ') || 'nothing'}`,
  ].join('\n');
}

function describeInput(input: NodeInput): string {
  if (input.options !== undefined) {
    const shown = input.options
      .slice(0, MAX_OPTIONS)
      .map((option) => (typeof option === 'string' ? option : JSON.stringify(option)));
    const more = input.options.length - shown.length;
    return `one of ${shown.join(' | ')}${more > 0 ? ` … ${more} more` : ''}`;
  }
  const bounds = input.min === undefined && input.max === undefined ? '' : ` [${input.min ?? ''}..${input.max ?? ''}]`;
  const standard =
    input.default === undefined || isLinkType(input.type)
      ? ''
      : ` = ${JSON.stringify(input.default, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`;
  return `${input.type}${standard}${bounds}`;
}

function describeRecipe(recipe: Recipe, catalog: Catalog): string {
  const offer = catalog.offers.find((candidate) => candidate.recipe === recipe);
  const reasons = catalog.reasons.get(recipe.id)?.map(({ en }) => en);
  return [
    `${recipe.id} (${recipe.kind}) — ${recipe.description.en}`,
    ...recipe.parameters.map((parameter) => `  ${parameter.name}: ${describeParameter(parameter)}`),
    recipe.ignores.length > 0 ? `  ignores ${recipe.ignores.join(', ')}` : '',
    reasons === undefined
      ? `  runs here${offer?.model === undefined ? '' : ` with ${offer.model}`}`
      : `  cannot run here: ${reasons.join(' ')}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function describeParameter(parameter: RecipeParameter): string {
  switch (parameter.kind) {
    case 'integer':
    case 'number':
      return `${parameter.min}..${parameter.max} = ${parameter.default}`;
    case 'choice':
      return `choice = ${parameter.default}${parameter.options === undefined ? '' : ` of ${parameter.options.slice(0, MAX_OPTIONS).join(' | ')}`}`;
    case 'model':
      return `file of ${parameter.folder}${parameter.families === undefined ? '' : ` (${parameter.families.join(', ')})`}`;
    case 'numbers':
      return `${parameter.min}..${parameter.max} for each of ${parameter.of}`;
    case 'boolean':
      return `true or false = ${parameter.default}`;
    case 'images':
      return `${parameter.min} to ${parameter.max} pictures`;
    case 'text':
    case 'seed':
    case 'image':
    case 'loras':
      break;
  }
  return parameter.kind;
}
