import { readNotation, type NotationText } from '../notation/notation-syntax.ts';
import { declaredInput } from '../notation/parse-notation.ts';
import type { Registry } from '../registry/registry.ts';
import { recipeNotation } from './instantiate-recipe.ts';
import { comboOptions, fittingModels } from './pick-model.ts';
import type { LocalText, Recipe, RecipeValues } from './recipe.ts';

export type RecipeFit =
  | {
      ok: true;
      /** The file that would be used, by model parameter. */
      models: Record<string, string>;
    }
  | {
      ok: false;
      /** In words, each with what is missing. */
      reasons: LocalText[];
    };

/** Values that stand in for whatever a person would give, to see which lines a recipe writes. */
function sampleValues(recipe: Recipe): RecipeValues {
  return Object.fromEntries(
    recipe.parameters.map((parameter) => {
      switch (parameter.kind) {
        case 'integer':
        case 'number':
        case 'boolean':
        case 'choice':
          return [parameter.name, parameter.default] as const;
        case 'seed':
          return [parameter.name, 0] as const;
        case 'images':
          return [parameter.name, Array.from({ length: parameter.min }, () => 'image.png')] as const;
        case 'loras':
          return [
            parameter.name,
            Array.from({ length: Math.max(1, parameter.min) }, () => ({ name: 'lora', strength: 1 })),
          ] as const;
        case 'numbers':
          return [parameter.name, []] as const;
        case 'text':
          return [parameter.name, parameter.default ?? 'text'] as const;
        case 'model':
        case 'image':
          break;
      }
      return [parameter.name, 'file'] as const;
    }),
  );
}

function sampleNotation(recipe: Recipe): NotationText {
  return readNotation(recipeNotation(recipe, sampleValues(recipe)));
}

/** The node classes that a recipe uses. */
export function requiredClasses(recipe: Recipe): string[] {
  return [...new Set(sampleNotation(recipe).nodes.map((node) => node.classType))];
}

/** The model families that a recipe is made for; empty when any model or none will do. */
export function modelFamilies(recipe: Recipe): string[] {
  return [
    ...new Set(
      recipe.parameters.flatMap((parameter) => (parameter.kind === 'model' ? (parameter.families ?? []) : [])),
    ),
  ];
}

/** What the lines name that this server does not have: classes, inputs, fixed choices. */
function missingParts(recipe: Recipe, registry: Registry): LocalText[] {
  const reasons: LocalText[] = [];
  const missing = new Set<string>();
  for (const node of sampleNotation(recipe).nodes) {
    const nodeClass = registry.classes.get(node.classType);
    if (nodeClass === undefined) {
      if (!missing.has(node.classType)) {
        reasons.push({
          en: `This ComfyUI has no node class ${node.classType}.`,
          zh: `此 ComfyUI 没有节点 ${node.classType}。`,
        });
      }
      missing.add(node.classType);
      continue;
    }
    for (const input of node.inputs) {
      const declared = declaredInput(nodeClass, input.name);
      if (declared === undefined) {
        reasons.push({
          en: `Its ${node.classType} has no input ${input.name}; another version of ComfyUI or of that node is needed.`,
          zh: `${node.classType} 没有输入 ${input.name}，需要其他版本的 ComfyUI 或该节点。`,
        });
        continue;
      }
      const value = input.value.kind === 'literal' ? input.value.value : undefined;
      if (
        typeof value === 'string' &&
        declared.options !== undefined &&
        declared.dynamic === undefined &&
        !declared.options.includes(value)
      ) {
        reasons.push({
          en: `Its ${node.classType} does not offer "${value}" as ${input.name}; a newer ComfyUI may.`,
          zh: `${node.classType} 的 ${input.name} 没有“${value}”选项，可能需要更新 ComfyUI。`,
        });
      }
    }
  }
  return reasons;
}

function shownFiles(files: readonly string[]): string {
  if (files.length === 0) return '';
  return files.length > 5 ? `${files.slice(0, 5).join(', ')}, …` : files.join(', ');
}

/** Says whether a server can run a recipe, with which model files, or why not. */
export function fitRecipe(recipe: Recipe, registry: Registry): RecipeFit {
  const reasons = missingParts(recipe, registry);
  const models: [string, string][] = [];
  for (const parameter of recipe.parameters) {
    if (parameter.kind !== 'model' && parameter.kind !== 'loras') continue;
    const options = comboOptions(registry, parameter.from);
    // A missing class has been named above.
    if (options === undefined) continue;
    if (parameter.kind === 'loras') {
      if (parameter.min > 0 && options.length === 0) {
        reasons.push({ en: 'There is no LoRA in models/loras.', zh: 'models/loras 中没有 LoRA。' });
      }
      continue;
    }
    const best = fittingModels(parameter, registry, models.find(([name]) => name === 'model')?.[1])[0];
    if (best !== undefined) {
      models.push([parameter.name, best]);
      continue;
    }
    const shown = shownFiles(options);
    reasons.push({
      en: `It needs ${parameter.needs.en} in models/${parameter.folder}; ${shown === '' ? 'there is no file yet' : `found only ${shown}`}.`,
      zh: `需要在 models/${parameter.folder} 中放入${parameter.needs.zh}；${shown === '' ? '目前没有文件' : `目前只有 ${shown}`}。`,
    });
  }
  return reasons.length > 0 ? { ok: false, reasons } : { ok: true, models: Object.fromEntries(models) };
}
