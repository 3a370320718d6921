import { nodeOf } from '../graph/links.ts';
import { topologicalOrder, findCycle } from '../graph/topology.ts';
import type { Link, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isLink } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import type { NodeClass, Registry } from '../registry/registry.ts';
import {
  CLASS_PATTERN,
  ID_PATTERN,
  INPUT_PATTERN,
  OUTPUT_PATTERN,
  RESERVED_WORDS,
  isWholeNumber,
  isWord,
  matchesWhole,
} from './notation-syntax.ts';
import { declaredInput, impliedValue, numberMeansNode } from './parse-notation.ts';

export interface FormatNotationOptions {
  /** Texts to write in place of literals, by node id and input, such as `$seed`. */
  placeholders?: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

function quoteUnless(pattern: RegExp, text: string): string {
  return matchesWhole(pattern, text) && !RESERVED_WORDS.has(text) ? text : JSON.stringify(text);
}

function literal(value: Json): string {
  return stringifyJson(value, { nonFinite: 'literal' });
}

function sameJson(a: Json, b: Json): boolean {
  if (typeof a !== typeof b) return false;
  return Object.is(a, b) || (typeof a === 'object' && literal(a) === literal(b));
}

/** The class of the node with this id, where both are known. */
function classOf(workflow: Workflow, registry: Registry, id: string): NodeClass | undefined {
  const node = nodeOf(workflow, id);
  return node === undefined ? undefined : registry.classes.get(node.class_type);
}

/** A link as text: the id alone where that can mean nothing else, else with its output. */
function formatLink(
  link: Link,
  workflow: Workflow,
  registry: Registry,
  owner: NodeClass | undefined,
  input: string,
): string {
  const [id, slot] = link;
  const sourceClass = classOf(workflow, registry, id);
  if (nodeOf(workflow, id) === undefined || !Number.isInteger(slot) || slot < 0 || slot > 999_999) return literal(link);
  const name = quoteUnless(ID_PATTERN, id);
  const output = sourceClass?.outputs[slot];
  if (sourceClass === undefined || output === undefined) return `${name}[${slot}]`;
  const declared = owner === undefined ? undefined : declaredInput(owner, input);
  const isOnly = slot === 0 && sourceClass.outputs.length === 1;
  if (isOnly && isWord(id) && declared?.options?.includes(id) !== true) return id;
  if (isOnly && isWholeNumber(id) && numberMeansNode(sourceClass, declared)) return id;
  const sameName = sourceClass.outputs.filter((other) => other.name.toLowerCase() === output.name.toLowerCase());
  if (sameName.length > 1 || output.name === '') return `${name}[${slot}]`;
  return `${name}.${matchesWhole(OUTPUT_PATTERN, output.name) ? output.name : JSON.stringify(output.name)}`;
}

function formatValue(
  value: Json,
  workflow: Workflow,
  registry: Registry,
  owner: NodeClass | undefined,
  input: string,
): string {
  if (isLink(value)) return formatLink(value, workflow, registry, owner, input);
  if (typeof value === 'number' || typeof value === 'bigint') {
    const text = literal(value);
    const source = isWholeNumber(text) ? classOf(workflow, registry, text) : undefined;
    const declared = owner === undefined ? undefined : declaredInput(owner, input);
    return numberMeansNode(source, declared) ? `+${text}` : text;
  }
  if (typeof value !== 'string' || owner === undefined) return literal(value);
  const isChoice = declaredInput(owner, input)?.options?.includes(value) === true;
  return isChoice && /^\D/.test(value) ? quoteUnless(ID_PATTERN, value) : literal(value);
}

function formatTitle(node: Readonly<WorkflowNode>, nodeClass: NodeClass | undefined, defaultTitles: boolean): string {
  const title = node._meta?.title;
  if (node._meta === undefined) return defaultTitles ? ' untitled' : '';
  if (title === undefined) return ' {}';
  return defaultTitles && title === (nodeClass?.displayName ?? node.class_type) ? '' : ` ${JSON.stringify(title)}`;
}

/**
 * Writes a workflow as link notation, sources before what uses them. `parseNotation` gives back an equal workflow:
 * every id, value and title, all but the order of keys. (With classes, inputs or outputs that the registry lacks, parse
 * with `unknownNames: 'keep'`.)
 */
export function formatNotation(workflow: Workflow, registry: Registry, options: FormatNotationOptions = {}): string {
  const ids = findCycle(workflow) === undefined ? topologicalOrder(workflow) : Object.keys(workflow);
  const defaultTitles = Object.values(workflow).some(
    (node) =>
      node._meta?.title !== undefined &&
      node._meta.title === (registry.classes.get(node.class_type)?.displayName ?? node.class_type),
  );
  const lines = ids.map((id) => {
    const node = nodeOf(workflow, id);
    return node === undefined ? '' : formatNode(id, node, workflow, registry, options, defaultTitles);
  });
  return [...(defaultTitles ? ['@titles'] : []), ...lines].map((line) => `${line}\n`).join('');
}

function formatNode(
  id: string,
  node: Readonly<WorkflowNode>,
  workflow: Workflow,
  registry: Registry,
  options: FormatNotationOptions,
  defaultTitles: boolean,
): string {
  const nodeClass = registry.classes.get(node.class_type);
  const placeholders = options.placeholders?.get(id);
  const parts: string[] = [];
  const implied = new Map<string, Json>();
  for (const declared of nodeClass?.inputs ?? []) {
    const value = nodeClass === undefined ? undefined : impliedValue(nodeClass, declared);
    if (value !== undefined) implied.set(declared.name, value);
  }
  for (const [name, value] of Object.entries(node.inputs)) {
    const placeholder = placeholders?.get(name);
    const expected = implied.get(name);
    if (placeholder === undefined && expected !== undefined && sameJson(expected, value)) continue;
    const text = placeholder ?? formatValue(value, workflow, registry, nodeClass, name);
    parts.push(`${quoteUnless(INPUT_PATTERN, name)}=${text}`);
  }
  for (const name of implied.keys()) {
    if (!Object.hasOwn(node.inputs, name)) parts.push(`${quoteUnless(INPUT_PATTERN, name)}=unset`);
  }
  const title = formatTitle(node, nodeClass, defaultTitles);
  return `${quoteUnless(ID_PATTERN, id)} = ${quoteUnless(CLASS_PATTERN, node.class_type)}(${parts.join(' ')})${title}`;
}
