import type { WorkflowNode } from '../graph/workflow.ts';
import type { PyDict } from '../json/python-json.ts';
import type { DynamicInput, InputGroup, NodeClass, NodeInput } from '../registry/registry.ts';
import { validationRules, type ValidationRules } from './comfy-version.ts';

/** An input under the full name that a prompt gives it (`resize_type.width`). */
export interface ExpandedInput {
  name: string;
  group: InputGroup;
  input: NodeInput;
}

export interface Expansion {
  inputs: ExpandedInput[];
  /** Whether the class has dynamic inputs at all: messages then name an input without its prefix. */
  hasDynamicInputs: boolean;
  /** Rows of a group that the newest servers refuse: the node is then looked into no further. */
  failure?: { inputName: string; details: string };
}

/** The inputs that a class has for one node: dynamic ones are spread out by the values at hand. */
export function expandInputs(nodeClass: NodeClass, live: PyDict, rules: ValidationRules): Expansion {
  const expansion: Expansion = { inputs: [], hasDynamicInputs: false };
  const spread = rules.expandsDynamicInputs && nodeClass.isV3;
  addInputs(expansion, nodeClass.inputs, '', live, spread ? rules : undefined);
  return expansion;
}

/** The inputs that a class has for a node of a workflow, by the newest rules. */
export function inputsInUse(nodeClass: NodeClass, node: Readonly<WorkflowNode>): readonly ExpandedInput[] {
  // Only names and texts decide which dynamic inputs there are; nothing else of an untrusted value is walked through.
  const live = new Map(
    Object.entries(node.inputs).map(([name, value]) => [name, typeof value === 'string' ? value : null]),
  );
  return expandInputs(nodeClass, live, validationRules()).inputs;
}

function addInputs(
  expansion: Expansion,
  inputs: readonly NodeInput[],
  prefix: string,
  live: PyDict,
  rules: ValidationRules | undefined,
): void {
  for (const input of inputs) {
    const name = prefix + input.name;
    if (prefix !== '') expansion.hasDynamicInputs = true;
    if (input.dynamic === undefined || rules === undefined) add(expansion, name, input.group, input);
    else addDynamic(expansion, input, input.dynamic, name, live, rules);
  }
}

function addDynamic(
  expansion: Expansion,
  input: NodeInput,
  dynamic: DynamicInput,
  name: string,
  live: PyDict,
  rules: ValidationRules,
): void {
  expansion.hasDynamicInputs = true;
  switch (dynamic.kind) {
    case 'combo': {
      // The server takes a value that picks no choice, and a missing one, for nothing at all: neither is an error.
      const choice = dynamic.choices.find(({ key }) => key === live.get(name));
      if (choice === undefined) return;
      addInputs(expansion, choice.inputs, `${name}.`, live, rules);
      add(expansion, name, input.group, input);
      return;
    }
    case 'autogrow':
      for (const [index, slot] of dynamic.names.entries()) {
        const required = index < dynamic.min && dynamic.template.group === 'required';
        add(expansion, `${name}.${slot}`, required ? 'required' : 'optional', dynamic.template);
      }
      return;
    case 'slot':
      if (!live.has(name)) return;
      addInputs(expansion, dynamic.inputs, `${name}.`, live, rules);
      add(expansion, name, input.group, input);
      return;
    case 'group':
      if (rules.expandsDynamicGroups) addRows(expansion, dynamic, name, live);
      else add(expansion, name, input.group, input);
  }
}

function addRows(expansion: Expansion, group: DynamicInput & { kind: 'group' }, name: string, live: PyDict): void {
  const { fields, minRows, maxRows } = group;
  const rows = new Set<number>();
  for (const key of live.keys()) {
    if (!key.startsWith(`${name}.`)) continue;
    const [, index, field] = /^(0|[1-9]\d*)\.(.*)$/s.exec(key.slice(name.length + 1)) ?? [];
    if (index === undefined || !fields.some((declared) => declared.name === field)) {
      const details = `Invalid DynamicGroup input key '${key}'; expected '${name}.<index>.<template field>'.`;
      expansion.failure ??= { inputName: key, details };
      return;
    }
    if (Number(index) >= maxRows) {
      const details = `DynamicGroup input '${key}' exceeds the index limit of ${maxRows - 1} (max=${maxRows}).`;
      expansion.failure ??= { inputName: key, details };
      return;
    }
    rows.add(Number(index));
  }
  if (rows.size < minRows) {
    const details = `DynamicGroup input '${name}' received ${rows.size} rows; expected between ${minRows} and ${maxRows}.`;
    expansion.failure ??= { inputName: name, details };
    return;
  }
  for (const row of [...rows].sort((a, b) => a - b)) {
    for (const field of fields) add(expansion, `${name}.${row}.${field.name}`, field.group, field);
  }
}

function add(expansion: Expansion, name: string, group: InputGroup, input: NodeInput): void {
  expansion.inputs.push({ name, group, input });
}
