import type { Json } from '../json/json.ts';
import { jsonFromPython } from '../json/python-json.ts';
import type { PyValue } from '../json/python-json.ts';
import { pythonStr } from '../json/python-text.ts';
import { nearestNames } from '../notation/nearest-names.ts';
import type { NodeClass, NodeInput } from '../registry/registry.ts';
import { fitsInput } from './check-link-type.ts';
import { customCheckOf, isServerLink } from './custom-checks.ts';
import { expandInputs } from './expand-inputs.ts';
import type { NodeHint, ServerError, ServerNodeError } from './prompt-verdict.ts';
import { describeCycle } from './validate-node.ts';
import type { ValidationRun } from './validation-run.ts';

const maxShown = 5;
/** Past these, errors get the server's own words: a prompt with thousands of errors is not mended by reading. */
const maxAdvised = 100;

type Advice = Pick<NodeHint, 'hint' | 'nearest' | 'fittingOutputs' | 'inputName'>;

/** Says for every error of a verdict what to do about it. */
export function explainErrors(
  run: ValidationRun,
  nodeErrors: Iterable<readonly [string, ServerNodeError]>,
): NodeHint[] {
  const hints: NodeHint[] = [];
  for (const [nodeId, { errors, class_type: classType }] of nodeErrors) {
    for (const error of errors) {
      const inputName = error.extra_info['input_name'];
      const named = typeof inputName === 'string' && !isException(error) ? { inputName } : {};
      const advice = hints.length < maxAdvised ? adviceFor(run, nodeId, error) : inItsWords(error);
      hints.push({ nodeId, classType, errorType: error.type, ...named, ...advice });
    }
  }
  // Servers that do not look for cycles refuse them without a word.
  if (run.cycle !== undefined && !run.rules.findsCycles) hints.push(explainCycle(run, run.cycle));
  return hints;
}

function explainCycle(run: ValidationRun, cycle: readonly string[]): NodeHint {
  const nodeId = cycle[0] ?? '';
  const hint = `These nodes need each other's results: ${describeCycle(run, cycle.slice(0, 20))}. Remove one of the links.`;
  return { nodeId, classType: classOf(run, nodeId)?.name ?? '', errorType: 'prompt_outputs_failed_validation', hint };
}

/** An exception's input name is the one downstream that led to the node, not one of the node's own. */
function isException(error: ServerError): boolean {
  return error.type.startsWith('exception_during_');
}

function adviceFor(run: ValidationRun, nodeId: string, error: ServerError): Advice {
  if (isException(error)) return explainException(run, nodeId, error);
  if (error.type === 'dependency_cycle') {
    return { hint: `These nodes need each other's results: ${error.details}. Remove one of the links.` };
  }
  const input = inputAt(run, nodeId, error.extra_info['input_name']);
  if (input === undefined) return inItsWords(error);
  switch (error.type) {
    case 'required_input_missing':
    case 'bad_linked_input':
      return adviseValue(run, nodeId, input);
    case 'return_type_mismatch':
      return adviseLink(run, nodeId, input);
    case 'invalid_input_type':
      return { hint: `${valueKind(input)}${exampleOf(input)}.` };
    case 'value_smaller_than_min':
    case 'value_bigger_than_max':
      return adviseRange(input, error);
    case 'value_not_in_list':
      return adviseChoice(input.options ?? [], error.extra_info['received_value'] ?? null);
    case 'custom_validation_failed':
      return adviseChoice([...run.files()], valueAt(run, nodeId, input.name));
    default:
      return inItsWords(error);
  }
}

function inItsWords(error: ServerError): Advice {
  return { hint: `${error.message}: ${error.details}` };
}

/** The input under its full name (`resize_type.width`). */
function inputAt(run: ValidationRun, nodeId: string, name: Json | undefined): NodeInput | undefined {
  const nodeClass = classOf(run, nodeId);
  if (nodeClass === undefined || typeof name !== 'string') return undefined;
  const node = run.prompt.get(nodeId);
  const inputs = node instanceof Map ? node.get('inputs') : undefined;
  const expansion = expandInputs(nodeClass, inputs instanceof Map ? inputs : new Map(), run.rules);
  const found = expansion.inputs.find((expanded) => expanded.name === name)?.input;
  return found === undefined ? nodeClass.inputsByName.get(name) : { ...found, name };
}

function classOf(run: ValidationRun, nodeId: string): NodeClass | undefined {
  const node = run.prompt.get(nodeId);
  const classType = node instanceof Map ? node.get('class_type') : undefined;
  return typeof classType === 'string' ? run.registry.classes.get(classType) : undefined;
}

function valueAt(run: ValidationRun, nodeId: string, name: string): Json {
  const node = run.prompt.get(nodeId);
  const inputs = node instanceof Map ? node.get('inputs') : undefined;
  return inputs instanceof Map ? jsonFromPython(inputs.get(name) ?? null) : null;
}

const valueTypes = new Set(['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO']);

function adviseValue(run: ValidationRun, nodeId: string, input: NodeInput): Advice {
  if (input.options !== undefined) {
    const nearest = input.options.slice(0, maxShown);
    return {
      hint:
        nearest.length === 0
          ? 'The server lists no values for it.'
          : `Choose one of its values, such as ${list(nearest)}.`,
      nearest,
    };
  }
  if (valueTypes.has(input.type)) return { hint: `${valueKind(input)}${exampleOf(input)}.` };
  return adviseLink(run, nodeId, input);
}

function adviseLink(run: ValidationRun, nodeId: string, input: NodeInput): Advice {
  const fittingOutputs = outputsFor(run, nodeId, input);
  if (fittingOutputs.length > 0) {
    const shown = fittingOutputs.map(
      ([id, slot]) => `["${id}", ${slot}] (${classOf(run, id)?.outputs[slot]?.name ?? input.type})`,
    );
    return { hint: `It needs ${input.type}. Link it to ${shown.join(' or ')}.`, fittingOutputs };
  }
  if (valueTypes.has(input.type)) return adviseValue(run, nodeId, input);
  const makers = [...run.registry.classes.values()].filter(
    (nodeClass) => !nodeClass.deprecated && nodeClass.outputs.some((output) => output.type === input.type),
  );
  const names = makers.slice(0, maxShown).map(({ name }) => name);
  return {
    hint: `It needs ${input.type}, which no other node here gives.${names.length > 0 ? ` Add a node that does, such as ${names.join(', ')}.` : ''}`,
  };
}

/** Outputs of the workflow that fit an input: those of exactly its type first, none downstream of the node itself. */
function outputsFor(run: ValidationRun, nodeId: string, input: NodeInput): [string, number][] {
  const downstream = dependentsOf(run, nodeId);
  const found: { link: [string, number]; exact: boolean }[] = [];
  for (const id of run.prompt.keys()) {
    if (downstream.has(id)) continue;
    for (const [slot, output] of (classOf(run, id)?.outputs ?? []).entries()) {
      if (fitsInput(output, input)) found.push({ link: [id, slot], exact: output.type === input.type });
    }
  }
  return found
    .sort((a, b) => Number(b.exact) - Number(a.exact))
    .slice(0, maxShown)
    .map(({ link }) => link);
}

/** The node and all that use its results: a link to one of them would close a circle. */
function dependentsOf(run: ValidationRun, nodeId: string): Set<string> {
  const users = new Map<string, string[]>();
  for (const [id, node] of run.prompt) {
    const inputs = node instanceof Map ? node.get('inputs') : undefined;
    if (!(inputs instanceof Map)) continue;
    for (const value of inputs.values()) {
      if (!isServerLink(value)) continue;
      const known = users.get(value[0]);
      if (known === undefined) users.set(value[0], [id]);
      else known.push(id);
    }
  }
  const found = new Set<string>();
  const open = [nodeId];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(users.get(id) ?? []));
  }
  return found;
}

function valueKind(input: NodeInput): string {
  switch (input.type) {
    case 'INT':
      return 'Write a whole number';
    case 'FLOAT':
      return 'Write a number';
    case 'BOOLEAN':
      return 'Write true or false';
    default:
      return 'Write a text';
  }
}

function exampleOf(input: NodeInput): string {
  return input.default === undefined ? '' : `, such as ${written(input.default)}`;
}

function adviseRange(input: NodeInput, error: ServerError): Advice {
  const { min, max } = input;
  const nearest = error.type === 'value_smaller_than_min' ? min : max;
  const range = [min === undefined ? '' : `from ${min}`, max === undefined ? '' : `up to ${max}`]
    .filter((part) => part !== '')
    .join(' ');
  return { hint: `Use a number ${range}.`, ...(nearest === undefined ? {} : { nearest: [nearest] }) };
}

function adviseChoice(options: readonly Json[], received: Json): Advice {
  const texts = options.filter((option) => typeof option === 'string');
  const wanted = typeof received === 'string' ? received : '';
  const near = nearestNames(wanted, texts, maxShown);
  if (near.length > 0) return { hint: `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?`, nearest: near };
  if (options.length === 0)
    return { hint: 'The server lists nothing for it: the files are missing there.', nearest: [] };
  const nearest = options.slice(0, maxShown);
  return { hint: `Choose one of its ${options.length} values, such as ${list(nearest)}.`, nearest };
}

function explainException(run: ValidationRun, nodeId: string, error: ServerError): Advice {
  const node = run.prompt.get(nodeId);
  const nodeClass = classOf(run, nodeId);
  const inputs = node instanceof Map ? node.get('inputs') : undefined;
  if (!(inputs instanceof Map) || nodeClass === undefined) {
    return { hint: 'The node has no inputs object. Add "inputs", with {} where it takes none.' };
  }
  for (const [name, value] of inputs) {
    const problem = Array.isArray(value) && value.length === 2 ? linkProblem(run, value) : undefined;
    const input = problem === undefined ? undefined : inputAt(run, nodeId, name);
    if (problem === undefined || input === undefined) continue;
    const advice = adviseLink(run, nodeId, input);
    return { ...advice, inputName: name, hint: `Input "${name}" ${problem}. ${advice.hint}` };
  }
  const check = customCheckOf(nodeClass);
  if (check !== undefined) {
    const advice = adviseChoice([...run.files()], valueAt(run, nodeId, check.inputName));
    return {
      ...advice,
      inputName: check.inputName,
      hint: `Input "${check.inputName}" has to be the name of a file. ${advice.hint}`,
    };
  }
  return { hint: `The server stumbles over this node: ${error.details}.` };
}

/** What is wrong with a link, as a clause; undefined for one that leads somewhere. */
function linkProblem(run: ValidationRun, [source, slot]: readonly PyValue[]): string | undefined {
  if (typeof source !== 'string') return 'has a link whose node id is not a text';
  const node = run.prompt.get(source);
  if (node === undefined) return `is linked to node "${source}", which is not there`;
  const nodeClass = classOf(run, source);
  if (nodeClass === undefined) return undefined;
  if (typeof slot !== 'bigint') return 'has a link whose output is not a whole number';
  const count = nodeClass.outputs.length;
  if (slot >= count || slot < -count)
    return `is linked to output ${slot} of node "${source}" (${nodeClass.name}), which has ${count}`;
  return undefined;
}

/** Advice on a prompt that fails before any node is looked into. */
export function explainPromptError(run: Pick<ValidationRun, 'registry' | 'prompt'>, error: ServerError): NodeHint[] {
  const nodeId = /^Node ID '#(.*)'$/s.exec(error.details)?.[1];
  if (nodeId === undefined) {
    const outputs = [...run.registry.classes.values()].filter(
      ({ isOutputNode, deprecated }) => isOutputNode && !deprecated,
    );
    const names = outputs.slice(0, maxShown).map(({ name }) => name);
    return [
      {
        nodeId: '',
        classType: '',
        errorType: error.type,
        hint: `Nothing here makes a result. Add an output node, such as ${names.join(', ')}.`,
      },
    ];
  }
  const node = run.prompt.get(nodeId);
  const declared = node instanceof Map ? node.get('class_type') : undefined;
  if (declared === undefined) {
    return [
      {
        nodeId,
        classType: '',
        errorType: error.type,
        hint: 'The node has no class_type. Name its class, or remove the node.',
      },
    ];
  }
  const classType = pythonStr(declared);
  const nearest = nearestNames(classType, run.registry.classes.keys(), maxShown);
  const hint =
    nearest.length > 0
      ? `This server has no class "${classType.slice(0, 100)}". Did you mean ${nearest.join(' or ')}?`
      : `This server has no class "${classType.slice(0, 100)}". Install the pack that has it, or use another.`;
  return [{ nodeId, classType, errorType: error.type, hint, nearest }];
}

function list(values: readonly Json[]): string {
  return values.map(written).join(', ');
}

function written(value: Json): string {
  return typeof value === 'string' ? `"${value.slice(0, 60)}"` : typeof value === 'object' ? 'a list' : String(value);
}
