import { ComfyError, type ComfyErrorCode, type TextPosition } from '../errors/comfy-error.ts';
import { toRecord } from '../graph/parse-workflow.ts';
import type { Workflow, WorkflowNode } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import { modelFolderOf } from '../registry/models.ts';
import type { NodeClass, NodeInput, Registry } from '../registry/registry.ts';
import { hintNearest } from './nearest-names.ts';
import { readNotation, type NotationInput, type NotationNode, type NotationValue } from './notation-syntax.ts';

export interface ParseNotationOptions {
  /** Values of `$name` placeholders. One that is undefined here is an error; `undefined` as value leaves the input out. */
  parameters?: ReadonlyMap<string, Json | undefined>;
  /**
   * What to do with a class, input or output that the registry does not know. `refuse` (the default) is for people and
   * models; `keep` is for workflows from elsewhere, whose links then carry an index, as in `node[0]`.
   */
  unknownNames?: 'refuse' | 'keep';
}

interface Scope {
  registry: Registry;
  nodes: ReadonlyMap<string, NotationNode>;
  parameters: ReadonlyMap<string, Json | undefined>;
  keep: boolean;
}

function fail(code: ComfyErrorCode, position: TextPosition, message: string, hint?: string): never {
  throw new ComfyError(code, `Line ${position.line}, column ${position.column}: ${message}`, {
    position,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The declared input of this name, or the dynamic input that it belongs to (`images.image0` to `images`). */
export function declaredInput(nodeClass: NodeClass, name: string): NodeInput | undefined {
  const exact = nodeClass.inputsByName.get(name);
  if (exact !== undefined) return exact;
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const parent = nodeClass.inputsByName.get(name.slice(0, dot));
    if (parent?.dynamic !== undefined) return parent;
  }
  return undefined;
}

/** Whether a link of one type may enter an input of another: equal parts, or a wildcard on either side. */
function typesMeet(output: string, input: NodeInput): boolean {
  if (output === '*' || input.types.includes('*') || input.dynamic !== undefined) return true;
  return output.split(',').some((part) => input.types.includes(part));
}

/** The output that a bare node name means: its only one, or the only one that fits the input. */
function impliedOutput(source: NodeClass, input: NodeInput | undefined): number | undefined {
  if (source.outputs.length === 1) return 0;
  if (input === undefined || input.dynamic !== undefined || input.types.includes('*')) return undefined;
  const fitting = source.outputs.flatMap((output, index) => (typesMeet(output.type, input) ? [index] : []));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Types of inputs that may hold a number; `*` takes everything. */
const NUMERIC_TYPES: ReadonlySet<string> = new Set(['INT', 'FLOAT', 'BOOLEAN', 'STRING', 'COMBO', '*']);

/**
 * Whether a whole number written as the value of an input means the node with that id: the input takes nothing but links,
 * and the node has an output that may enter.
 */
export function numberMeansNode(source: NodeClass | undefined, input: NodeInput | undefined): boolean {
  if (source === undefined || input === undefined || input.dynamic !== undefined) return false;
  if (input.types.some((type) => NUMERIC_TYPES.has(type))) return false;
  return source.outputs.some(({ type }) => typesMeet(type, input));
}

function outputNames(source: NodeClass): string[] {
  return source.outputs.map((output) => output.name);
}

/** Finds an output by name; without regard to case when that is unambiguous. */
function slotByName(source: NodeClass, name: string): number | undefined {
  const names = outputNames(source);
  const exact = names.indexOf(name);
  if (exact !== -1) return names.indexOf(name, exact + 1) === -1 ? exact : undefined;
  const folded = names.flatMap((candidate, index) => (candidate.toLowerCase() === name.toLowerCase() ? [index] : []));
  return folded.length === 1 ? folded[0] : undefined;
}

function resolveLink(scope: Scope, input: NotationInput, value: Extract<NotationValue, { kind: 'link' }>): Json {
  if (typeof value.output === 'number') {
    const source = scope.nodes.get(value.node);
    const outputs = source === undefined ? undefined : scope.registry.classes.get(source.classType)?.outputs;
    if (!scope.keep && source === undefined) return unknownNode(scope, input, value.node);
    if (!scope.keep && outputs !== undefined && value.output >= outputs.length) {
      fail(
        'unknown_name',
        input.valueAt,
        `${value.node} has no output ${value.output}.`,
        `It has ${outputs.length} outputs, counted from 0.`,
      );
    }
    return [value.node, value.output];
  }
  const source = scope.nodes.get(value.node);
  if (source === undefined) return unknownNode(scope, input, value.node);
  const sourceClass = scope.registry.classes.get(source.classType);
  const slot = sourceClass === undefined ? undefined : slotByName(sourceClass, value.output);
  if (slot !== undefined) return [value.node, slot];
  const names = sourceClass === undefined ? [] : outputNames(sourceClass);
  return fail(
    'unknown_name',
    input.valueAt,
    `${value.node} (${source.classType}) has no single output "${value.output}".`,
    hintNearest(value.output, names) ?? `Write the index of the output, as in ${value.node}[0].`,
  );
}

function unknownNode(scope: Scope, input: NotationInput, name: string): never {
  return fail(
    'unknown_name',
    input.valueAt,
    `there is no node "${name}".`,
    hintNearest(name, [...scope.nodes.keys()]) ?? 'Define it on a line of its own.',
  );
}

/** A bare word: a node, or a choice of a combo that somebody wrote without quotes. */
function resolveWord(scope: Scope, input: NotationInput, word: string, declared: NodeInput | undefined): Json {
  // A choice goes before a node of that name, so that naming a node never changes what other lines mean.
  if (declared?.options?.includes(word) === true) return word;
  const source = scope.nodes.get(word);
  if (source === undefined) {
    if (declared !== undefined && declared.options !== undefined) {
      const options = declared.options.filter((option) => typeof option === 'string');
      fail(
        'invalid_value',
        input.valueAt,
        `"${word}" is neither a node nor a choice of ${input.name}.`,
        hintNearest(word, options),
      );
    }
    if (declared?.type === 'STRING') {
      fail(
        'malformed',
        input.valueAt,
        `the text of ${input.name} stands without quotes.`,
        `Write ${input.name}="${word} …".`,
      );
    }
    return unknownNode(scope, input, word);
  }
  const sourceClass = scope.registry.classes.get(source.classType);
  if (sourceClass === undefined) {
    return fail(
      'unknown_name',
      input.valueAt,
      `the outputs of ${word} (${source.classType}) are not known.`,
      `Write the index, as in ${word}[0].`,
    );
  }
  if (sourceClass.outputs.length === 0) {
    return fail(
      'invalid_value',
      input.valueAt,
      `${word} (${source.classType}) has no outputs.`,
      'Link from a node that makes something.',
    );
  }
  const slot = impliedOutput(sourceClass, declared);
  if (slot !== undefined) return [word, slot];
  return fail(
    'malformed',
    input.valueAt,
    `${word} has several outputs: say which.`,
    `Write ${outputNames(sourceClass)
      .map((name) => `${word}.${name}`)
      .join(' or ')}.`,
  );
}

function resolveValue(scope: Scope, input: NotationInput, declared: NodeInput | undefined): Json | undefined {
  const value = input.value;
  switch (value.kind) {
    case 'literal':
      return value.value;
    case 'unset':
      return undefined;
    case 'link':
      return resolveLink(scope, input, value);
    case 'word':
      return resolveWord(scope, input, value.word, declared);
    case 'number': {
      const sourceClass = scope.registry.classes.get(scope.nodes.get(value.word)?.classType ?? '');
      return numberMeansNode(sourceClass, declared) ? resolveWord(scope, input, value.word, declared) : value.value;
    }
    case 'parameter':
      break;
  }
  if (!scope.parameters.has(value.name)) {
    const hint = hintNearest(value.name, [...scope.parameters.keys()]);
    fail('unknown_name', input.valueAt, `there is no parameter "$${value.name}".`, hint);
  }
  return scope.parameters.get(value.name);
}

function resolveNode(scope: Scope, node: NotationNode, defaultTitles: boolean): WorkflowNode {
  const nodeClass = scope.registry.classes.get(node.classType);
  if (nodeClass === undefined && !scope.keep) {
    fail(
      'unknown_name',
      node.classAt,
      `there is no node class "${node.classType}".`,
      hintNearest(node.classType, [...scope.registry.classes.keys()]),
    );
  }
  const inputs: [string, Json][] = [];
  const written = new Set<string>();
  for (const input of node.inputs) {
    const declared = nodeClass === undefined ? undefined : declaredInput(nodeClass, input.name);
    if (declared === undefined && nodeClass !== undefined && !scope.keep) {
      fail(
        'unknown_name',
        input.at,
        `${node.classType} has no input "${input.name}".`,
        hintNearest(input.name, [...nodeClass.inputsByName.keys()]),
      );
    }
    written.add(input.name);
    const value = resolveValue(scope, input, declared);
    if (value !== undefined) inputs.push([input.name, value]);
  }
  for (const declared of nodeClass?.inputs ?? []) {
    const value = nodeClass === undefined || written.has(declared.name) ? undefined : impliedValue(nodeClass, declared);
    if (value !== undefined) inputs.push([declared.name, value]);
  }
  const result: WorkflowNode = { class_type: node.classType, inputs: toRecord(inputs) };
  if (typeof node.title === 'string') result._meta = { title: node.title };
  else if (node.title?.kind === 'empty') result._meta = {};
  else if (node.title === undefined && defaultTitles)
    result._meta = { title: nodeClass?.displayName ?? node.classType };
  return result;
}

/**
 * What leaving an input out of the text means, as the front end fills a new node: for a required input its declared
 * default, else the first choice of a combo. Combos of files are never chosen for anybody.
 */
export function impliedValue(nodeClass: NodeClass, input: NodeInput): Json | undefined {
  if (input.group !== 'required' || input.dynamic !== undefined) return undefined;
  if (input.default !== undefined) return input.default;
  if (input.options === undefined || input.options.length === 0 || input.multiselect === true) return undefined;
  const listsFiles = input.upload !== undefined || modelFolderOf(nodeClass, input) !== undefined;
  return listsFiles ? undefined : input.options[0];
}

/**
 * Reads link notation: the text in which people and language models write workflows.
 *
 *     ckpt = CheckpointLoaderSimple(ckpt_name="sd.safetensors")
 *     pos = CLIPTextEncode(clip=ckpt.CLIP text="a red fox")   # a comment
 *     draw = KSampler(model=ckpt.MODEL positive=pos … seed=42 sampler_name=euler)
 *
 * One node a line: its id, its class, its inputs by name with blanks or commas between them. A link is
 * `node.OUTPUT_NAME`, `node[index]`, or `node` alone where only one output can be meant. Where ids are numbers, `model=8`
 * is node 8 in an input that takes only links ({@link numberMeansNode}); `+8` is the number there. A choice of a combo may
 * stand without quotes. A required input that is left out takes the default of its class ({@link impliedValue}); `unset` keeps
 * it out. After the node may stand its title in quotes. Ids and classes with other signs stand in quotes. Inside the
 * parentheses lines may break.
 *
 * @throws ComfyError with position and, where something like it exists, a hint: `malformed`, `unknown_name`, `invalid_value`.
 */
export function parseNotation(text: string, registry: Registry, options: ParseNotationOptions = {}): Workflow {
  const { nodes, defaultTitles } = readNotation(text);
  const scope: Scope = {
    registry,
    nodes: new Map(nodes.map((node) => [node.id, node])),
    parameters: options.parameters ?? new Map(),
    keep: options.unknownNames === 'keep',
  };
  return toRecord(nodes.map((node) => [node.id, resolveNode(scope, node, defaultTitles)] as const));
}
