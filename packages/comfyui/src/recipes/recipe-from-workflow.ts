import { ComfyError } from '../errors/comfy-error.ts';
import { toRecord } from '../graph/parse-workflow.ts';
import { subWorkflow, topologicalOrder } from '../graph/topology.ts';
import type { NodeId, Workflow } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { formatNotation } from '../notation/format-notation.ts';
import { readNotation } from '../notation/notation-syntax.ts';
import { declaredInput } from '../notation/parse-notation.ts';
import { modelFolderOf } from '../registry/models.ts';
import type { NodeInput, Registry } from '../registry/registry.ts';
import { guessModelFamily } from '../registry/model-family.ts';
import { maxParameters, type LocalText, type RecipeParameter, type StoredRecipe } from './recipe.ts';
import { traceParameters, type ParameterRole, type TracedInput } from './trace-parameters.ts';

const ROLE_TITLES: Readonly<Record<ParameterRole, LocalText>> = {
  prompt: { en: 'Prompt', zh: '提示词' },
  negative: { en: 'Negative prompt', zh: '反向提示词' },
  seed: { en: 'Seed', zh: '种子' },
  width: { en: 'Width', zh: '宽度' },
  height: { en: 'Height', zh: '高度' },
  count: { en: 'Number of images', zh: '图片数量' },
  frames: { en: 'Frames', zh: '帧数' },
  steps: { en: 'Steps', zh: '步数' },
  cfg: { en: 'Prompt weight (CFG)', zh: '提示词权重（CFG）' },
  guidance: { en: 'Guidance', zh: '引导强度' },
  sampler: { en: 'Sampler', zh: '采样器' },
  scheduler: { en: 'Scheduler', zh: '调度器' },
  denoise: { en: 'How much to change (denoise)', zh: '改变程度（降噪）' },
  model: { en: 'Model', zh: '模型' },
  lora: { en: 'LoRA', zh: 'LoRA' },
  strength: { en: 'Strength', zh: '强度' },
  image: { en: 'Image', zh: '图片' },
  mask: { en: 'Mask', zh: '蒙版' },
};

/** What people may set is bounded closer than what ComfyUI would take; a workflow's own value is always allowed. */
const ROLE_MAXIMA: Partial<Record<ParameterRole, number>> = {
  width: 4096,
  height: 4096,
  count: 16,
  steps: 150,
  frames: 257,
  cfg: 30,
  guidance: 30,
};

export interface RecipeFromWorkflow {
  recipe: StoredRecipe;
  /** Where each parameter stands in the workflow. */
  inputs: { parameter: string; node: NodeId; input: string }[];
}

function toNumber(value: Json | undefined): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function numberParameter(
  base: { name: string; title: LocalText },
  traced: TracedInput,
  declared: NodeInput | undefined,
): RecipeParameter | undefined {
  const value = toNumber(traced.value);
  if (value === undefined) return undefined;
  const isInteger = Number.isInteger(value) && declared?.type !== 'FLOAT';
  const max = Math.min(
    toNumber(declared?.max) ?? Number.MAX_SAFE_INTEGER,
    ROLE_MAXIMA[traced.role] ?? Number.MAX_SAFE_INTEGER,
  );
  return {
    ...base,
    kind: isInteger ? 'integer' : 'number',
    min: Math.min(value, toNumber(declared?.min) ?? 0),
    max: Math.max(value, max),
    default: value,
    // A size that the workflow itself breaks is not held to steps.
    ...(traced.role === 'width' || traced.role === 'height' ? sizeStep(value, toNumber(declared?.step)) : {}),
  };
}

function sizeStep(value: number, step: number | undefined): { multipleOf?: number } {
  return step !== undefined && step > 1 && value % step === 0 ? { multipleOf: step } : {};
}

function modelParameter(
  base: { name: string; title: LocalText },
  traced: TracedInput,
  workflow: Workflow,
  registry: Registry,
): RecipeParameter | undefined {
  if (typeof traced.value !== 'string') return undefined;
  const classType = workflow[traced.node]?.class_type ?? '';
  const nodeClass = registry.classes.get(classType);
  const declared = nodeClass?.inputsByName.get(traced.input);
  const folder =
    (nodeClass !== undefined && declared !== undefined ? modelFolderOf(nodeClass, declared) : undefined) ??
    traced.input;
  const family = guessModelFamily(traced.value);
  const shown = traced.value.slice(0, 200);
  return {
    ...base,
    kind: 'model',
    from: { classType, input: traced.input },
    folder,
    needs: { en: `a file such as ${shown}`, zh: `类似 ${shown} 的文件` },
    preferred: traced.value,
    ...(family === 'unknown' ? {} : { families: [family] }),
  };
}

function toParameter(
  name: string,
  traced: TracedInput,
  workflow: Workflow,
  registry: Registry,
): RecipeParameter | undefined {
  const number = Number(/\d+$/.exec(name)?.[0] ?? 1);
  const title = ROLE_TITLES[traced.role];
  const base = { name, title: number > 1 ? { en: `${title.en} ${number}`, zh: `${title.zh} ${number}` } : title };
  const node = workflow[traced.node];
  const nodeClass = node === undefined ? undefined : registry.classes.get(node.class_type);
  const declared = nodeClass?.inputsByName.get(traced.input);
  switch (traced.role) {
    case 'prompt':
    case 'negative':
      return typeof traced.value === 'string'
        ? { ...base, kind: 'text', default: traced.value, maxLength: Math.max(10_000, traced.value.length) }
        : undefined;
    case 'seed':
      return toNumber(traced.value) === undefined ? undefined : { ...base, kind: 'seed' };
    case 'sampler':
    case 'scheduler':
      return typeof traced.value === 'string' && node !== undefined
        ? { ...base, kind: 'choice', from: { classType: node.class_type, input: traced.input }, default: traced.value }
        : undefined;
    case 'model':
    case 'lora':
      return modelParameter(base, traced, workflow, registry);
    case 'image':
    case 'mask':
      return { ...base, kind: 'image' };
    case 'width':
    case 'height':
    case 'count':
    case 'frames':
    case 'steps':
    case 'cfg':
    case 'guidance':
    case 'denoise':
    case 'strength':
      break;
  }
  return numberParameter(base, traced, declared);
}

/** Inputs that a class does not declare do nothing in ComfyUI, and a strict reader would stumble over them. */
function withoutUnknownInputs(workflow: Workflow, registry: Registry): Workflow {
  return toRecord(
    Object.entries(workflow).map(([id, node]) => {
      const nodeClass = registry.classes.get(node.class_type);
      if (nodeClass === undefined) return [id, node] as const;
      const inputs = toRecord(
        Object.entries(node.inputs).filter(([name]) => declaredInput(nodeClass, name) !== undefined),
      );
      return [id, { ...node, inputs }] as const;
    }),
  );
}

/**
 * Makes a recipe of a workflow that somebody brought: what a person would set becomes a parameter, found by following
 * links from samplers and outputs; everything else stays as it is, and so does what is found beyond 100 parameters.
 * Later samplers with values of their own get numbered parameters (`steps2`); equal values of one role share a parameter.
 *
 * @throws ComfyError `malformed` when no output node of the registry is in it, `invalid_value` for a cycle.
 */
export function recipeFromWorkflow(
  workflow: Workflow,
  registry: Registry,
  about: Pick<StoredRecipe, 'id' | 'title' | 'description'> & Partial<Pick<StoredRecipe, 'promptLanguages'>>,
): RecipeFromWorkflow {
  const outputs = Object.keys(workflow).filter(
    (id) => registry.classes.get(workflow[id]?.class_type ?? '')?.isOutputNode === true,
  );
  if (outputs.length === 0) {
    throw new ComfyError('malformed', 'The workflow has no output node that this ComfyUI knows.', {
      hint: 'Add a SaveImage node.',
    });
  }
  const needed = withoutUnknownInputs(subWorkflow(workflow, outputs), registry);
  const { parameters, inputs } = nameParameters(needed, registry);
  const placeholders = new Map<NodeId, Map<string, string>>();
  for (const { parameter, node, input } of inputs) {
    const ofNode = placeholders.get(node) ?? new Map<string, string>();
    placeholders.set(node, ofNode.set(input, `$${parameter}`));
  }
  const recipe: StoredRecipe = {
    promptLanguages: ['en'],
    ...about,
    kind: 'custom',
    parameters,
    ignores: COMMON_PARAMETERS.filter((name) => !parameters.some((parameter) => parameter.name === name)),
    notation: formatNotation(needed, registry, { placeholders }),
  };
  return { recipe, inputs };
}

/** What people set of any workflow: without a place in this one it is accepted and left out. */
const COMMON_PARAMETERS = [
  'prompt',
  'negative',
  'seed',
  'width',
  'height',
  'count',
  'steps',
  'cfg',
  'sampler',
  'scheduler',
  'denoise',
];

/** Roles whose equal values mean different things: two pictures may be the same file for now. */
const NEVER_SHARED: ReadonlySet<ParameterRole> = new Set(['image', 'mask', 'strength']);

/** Gives each traced input its parameter: the one of its role with the same value, else a new one with the next number. */
function nameParameters(
  workflow: Workflow,
  registry: Registry,
): { parameters: RecipeParameter[]; inputs: RecipeFromWorkflow['inputs'] } {
  const parameters: RecipeParameter[] = [];
  const inputs: RecipeFromWorkflow['inputs'] = [];
  const named = new Map<string, string>();
  const counts = new Map<ParameterRole, number>();

  function add(traced: TracedInput, sameValue: string): string | undefined {
    if (parameters.length === maxParameters) return undefined;
    const count = (counts.get(traced.role) ?? 0) + 1;
    const name = count === 1 ? traced.role : `${traced.role}${count}`;
    const parameter = toParameter(name, traced, workflow, registry);
    if (parameter === undefined) return undefined;
    counts.set(traced.role, count);
    named.set(sameValue, name);
    parameters.push(parameter);
    return name;
  }

  for (const traced of traceParameters(workflow, registry, topologicalOrder(workflow))) {
    const sameValue = `${traced.role} ${stringifyJson(traced.value, { nonFinite: 'literal' })}`;
    const known = NEVER_SHARED.has(traced.role) ? undefined : named.get(sameValue);
    const parameter = known ?? add(traced, sameValue);
    if (parameter !== undefined) inputs.push({ parameter, node: traced.node, input: traced.input });
  }
  return { parameters, inputs };
}

/**
 * Gives a parameter of a recipe another name, in its list and in its lines.
 *
 * @throws ComfyError `unknown_name` when there is none, `invalid_value` when the new name is taken or is no name.
 */
export function renameParameter(recipe: StoredRecipe, from: string, to: string): StoredRecipe {
  if (!recipe.parameters.some((parameter) => parameter.name === from)) {
    throw new ComfyError('unknown_name', `The recipe ${recipe.id} has no parameter "${from}".`);
  }
  if (!/^[a-z][a-z0-9]{0,39}$/.test(to) || recipe.parameters.some((parameter) => parameter.name === to)) {
    throw new ComfyError('invalid_value', `"${to.slice(0, 60)}" cannot be its name.`, {
      hint: 'Names are lower-case letters and digits, and differ from each other.',
    });
  }
  const lines = recipe.notation.split('\n');
  const inputs = readNotation(recipe.notation).nodes.flatMap((node) => node.inputs);
  // From the end, so that earlier positions stay true.
  for (const { value, valueAt } of inputs.toReversed()) {
    if (value.kind !== 'parameter' || value.name !== from) continue;
    const line = lines[valueAt.line - 1] ?? '';
    const start = valueAt.column - 1;
    lines[valueAt.line - 1] = `${line.slice(0, start)}$${to}${line.slice(start + 1 + from.length)}`;
  }
  return {
    ...recipe,
    parameters: recipe.parameters.map((parameter) =>
      parameter.name === from ? { ...parameter, name: to } : parameter,
    ),
    notation: lines.join('\n'),
  };
}
