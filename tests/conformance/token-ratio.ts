import { convertToApi } from '@atelier/comfyui/convert/to-api';
import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { customClasses, installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { recipeWorkflows } from '@atelier/comfyui/recipes/testing/recipe-workflows';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

/** Tokens of one form of all recipes, as link notation and as JSON. */
export interface TokenCount {
  /** What the two texts are. */
  form: string;
  notation: number;
  json: number;
}

export const tokenizerName = 'o200k_base (gpt-tokenizer)';

/** Counts the tokens of every recipe's workflow, in link notation and in forms of API JSON. */
export function countRecipeTokens(): TokenCount[] {
  const registry = recordedRegistry('0.8.0', installedModels, customClasses);
  const posted = recipeWorkflows(registry).map(({ workflow }) => workflow);
  const exported = posted.map(
    (workflow) => convertToApi(convertToFrontend(workflow, registry).workflow, registry).workflow,
  );
  const count = (form: string, workflows: readonly Workflow[], indent: number): TokenCount => ({
    form,
    notation: sum(workflows, (workflow) => formatNotation(workflow, registry)),
    json: sum(workflows, (workflow) => stringifyJson(workflow, indent)),
  });
  return [
    count("the front end's API export: indented, with titles and every widget", exported, 2),
    count('the same export, minified', exported, 0),
    count('the recipe as it is posted, indented', posted, 2),
    count('the recipe as it is posted, minified', posted, 0),
  ];
}

function sum(workflows: readonly Workflow[], textOf: (workflow: Workflow) => string): number {
  return workflows.reduce((total, workflow) => total + countTokens(textOf(workflow)), 0);
}
