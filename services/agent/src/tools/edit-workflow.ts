import { z } from 'zod';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { createGraph, mergeWorkflows } from '@atelier/comfyui/graph/create-graph';
import { linksInto, nodeOf, workflowLinks } from '@atelier/comfyui/graph/links';
import { isLink, type Link, type Workflow } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import { parseNotation } from '@atelier/comfyui/notation/parse-notation';
import type { NodeClass, NodeInput, Registry } from '@atelier/comfyui/registry/registry';

/** One change of a workflow, flat, since a union of shapes costs the model more tokens than it tells. */
export const editSchema = z.object({
  op: z.enum(['set', 'connect', 'add', 'insert_between', 'remove', 'replace', 'merge']),
  node: z.string().max(100).optional().describe('node id'),
  input: z.string().max(100).optional(),
  value: z
    .union([z.string().max(8_000), z.number(), z.boolean(), z.null()])
    .optional()
    .describe('set; null removes it'),
  from: z.string().max(200).optional().describe('connect, insert_between: node.OUTPUT'),
  to: z.string().max(200).optional().describe('connect, insert_between: node.input'),
  class: z.string().max(200).optional().describe('replace: new class'),
  notation: z.string().max(20_000).optional().describe('add: lines; insert_between: the one new line'),
  source: z.string().max(200).optional().describe('merge: recipe, picture or draft'),
});
export type Edit = z.infer<typeof editSchema>;

export interface EditResult {
  workflow: Workflow;
  /** What the reader could not know otherwise, such as new ids. */
  notes: string[];
}

/** A seed beyond what JavaScript's numbers hold, written as text. */
const BIG_NUMBER = /^-?\d{16,20}$/;

/**
 * Makes changes in order; a later one sees what an earlier one did. All of them, or none.
 *
 * @param sources workflows that `merge` names, by that name.
 * @throws ComfyError that says which change is wrong and what would be right.
 */
export function editWorkflow(
  workflow: Workflow,
  edits: readonly Edit[],
  registry: Registry,
  sources: ReadonlyMap<string, Workflow> = new Map(),
): EditResult {
  const notes: string[] = [];
  let current = workflow;
  for (const [index, edit] of edits.entries()) {
    try {
      current = applyEdit(current, edit, registry, sources, notes);
    } catch (error) {
      if (!(error instanceof ComfyError)) throw error;
      const message = `Change ${index + 1} (${edit.op}): ${error.message}`;
      throw new ComfyError(error.code, message, error.hint === undefined ? {} : { hint: error.hint });
    }
  }
  return { workflow: current, notes };
}

function applyEdit(
  workflow: Workflow,
  edit: Edit,
  registry: Registry,
  sources: ReadonlyMap<string, Workflow>,
  notes: string[],
): Workflow {
  switch (edit.op) {
    case 'set':
      return setInput(workflow, edit, registry);
    case 'connect':
      return connect(workflow, edit, registry);
    case 'add':
      return addLines(workflow, needed(edit.notation, 'notation'), registry);
    case 'insert_between':
      return insertBetween(workflow, edit, registry);
    case 'remove':
      return removeNode(workflow, needed(edit.node, 'node'), registry, notes);
    case 'replace':
      return replaceNode(workflow, needed(edit.node, 'node'), needed(edit.class, 'class'), registry, notes);
    case 'merge':
      break;
  }
  const source = needed(edit.source, 'source');
  const added = sources.get(source);
  if (added === undefined)
    throw new ComfyError('unknown_name', `There is no workflow "${source.slice(0, 60)}" to merge.`);
  const merged = mergeWorkflows(workflow, added);
  const moved = [...merged.ids]
    .filter(([before, after]) => before !== after)
    .map(([before, after]) => `${before} is now ${after}`);
  if (moved.length > 0) notes.push(`ids: ${moved.join(', ')}`);
  return merged.workflow;
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined || value.trim() === '') throw new ComfyError('invalid_value', `it needs "${name}".`);
  return value;
}

function nodeAt(workflow: Workflow, id: string) {
  const node = nodeOf(workflow, id);
  if (node !== undefined) return node;
  const near = nearestNames(id, Object.keys(workflow));
  throw new ComfyError('unknown_name', `there is no node "${id.slice(0, 60)}".`, {
    hint: `The nodes are ${(near.length > 0 ? near : Object.keys(workflow).slice(0, 12)).join(', ')}.`,
  });
}

function classOf(workflow: Workflow, id: string, registry: Registry): NodeClass {
  const node = nodeAt(workflow, id);
  const nodeClass = registry.classes.get(node.class_type);
  if (nodeClass === undefined)
    throw new ComfyError('unknown_name', `the server does not have the class ${node.class_type}.`);
  return nodeClass;
}

function inputAt(nodeClass: NodeClass, name: string): NodeInput | undefined {
  const exact = nodeClass.inputsByName.get(name);
  if (exact !== undefined) return exact;
  const dynamic = nodeClass.inputsByName.get(name.split('.')[0] ?? '');
  if (dynamic?.dynamic !== undefined) return dynamic;
  const near = nearestNames(name, nodeClass.inputsByName.keys());
  throw new ComfyError('unknown_name', `${nodeClass.name} has no input "${name.slice(0, 60)}".`, {
    hint: `Its inputs are ${(near.length > 0 ? near : [...nodeClass.inputsByName.keys()]).slice(0, 12).join(', ')}.`,
  });
}

function setInput(workflow: Workflow, edit: Edit, registry: Registry): Workflow {
  const id = needed(edit.node, 'node');
  const name = needed(edit.input, 'input');
  if (edit.value === undefined) throw new ComfyError('invalid_value', 'it needs "value".');
  const declared = inputAt(classOf(workflow, id, registry), name);
  if (edit.value === null) return withoutInput(workflow, id, name);
  return createGraph(workflow).set(id, name, literalOf(edit.value, declared)).workflow;
}

/** Models write numbers as text and the reverse; what the input takes decides. */
function literalOf(value: string | number | boolean, declared: NodeInput | undefined): Json {
  if (typeof value === 'string' && (declared?.type === 'INT' || declared?.type === 'FLOAT') && value.trim() !== '') {
    const text = value.trim();
    if (BIG_NUMBER.test(text)) return BigInt(text);
    const number = Number(text);
    return Number.isFinite(number) ? number : value;
  }
  if (declared?.type === 'STRING' && typeof value !== 'string') return String(value);
  return value;
}

function withoutInput(workflow: Workflow, id: string, name: string): Workflow {
  return Object.fromEntries(
    Object.entries(workflow).map(([key, node]) => {
      if (key !== id) return [key, node] as const;
      const inputs = Object.fromEntries(Object.entries(node.inputs).filter(([input]) => input !== name));
      return [key, { ...node, inputs }] as const;
    }),
  );
}

/** `node.OUTPUT`, or `node` where only one output fits the type. */
function readOutput(
  text: string,
  workflow: Workflow,
  registry: Registry,
  types: readonly string[],
): { link: Link; type: string } {
  const whole = nodeOf(workflow, text);
  const dot = text.lastIndexOf('.');
  const id = whole === undefined && dot > 0 ? text.slice(0, dot) : text;
  const wanted = whole === undefined && dot > 0 ? text.slice(dot + 1) : undefined;
  const nodeClass = classOf(workflow, id, registry);
  const outputs = nodeClass.outputs.map((output, slot) => ({ ...output, slot }));
  const candidates =
    wanted === undefined
      ? outputs.filter(({ type }) => types.length === 0 || types.includes(type) || types.includes('*') || type === '*')
      : outputs.filter(
          ({ name, type, slot }) =>
            [name, type].some((known) => known.toLowerCase() === wanted.toLowerCase()) || String(slot) === wanted,
        );
  const [only] = candidates;
  if (only === undefined || (wanted === undefined && candidates.length > 1)) {
    throw new ComfyError('unknown_name', `${id} (${nodeClass.name}) has no single output for "${text.slice(0, 80)}".`, {
      hint: `Its outputs are ${outputs.map(({ name }) => `${id}.${name}`).join(', ') || 'none'}.`,
    });
  }
  return { link: [id, only.slot], type: only.type };
}

function readTarget(edit: Edit): { id: string; input: string } {
  if (edit.to !== undefined && edit.to.includes('.')) {
    const dot = edit.to.indexOf('.');
    return { id: edit.to.slice(0, dot), input: edit.to.slice(dot + 1) };
  }
  return { id: needed(edit.to ?? edit.node, 'to'), input: needed(edit.input, 'to (as node.input)') };
}

function connect(workflow: Workflow, edit: Edit, registry: Registry): Workflow {
  const { id, input } = readTarget(edit);
  const declared = inputAt(classOf(workflow, id, registry), input);
  const { link, type } = readOutput(needed(edit.from, 'from'), workflow, registry, declared?.types ?? []);
  if (!fits(type, declared)) {
    throw new ComfyError(
      'invalid_value',
      `${edit.from ?? ''} gives ${type}, but ${id}.${input} takes ${declared?.type ?? 'something else'}.`,
    );
  }
  return createGraph(workflow).set(id, input, link).workflow;
}

function fits(type: string, input: NodeInput | undefined): boolean {
  if (input === undefined || type === '*' || input.types.includes('*') || input.dynamic !== undefined) return true;
  return type.split(',').some((part) => input.types.includes(part));
}

function addLines(workflow: Workflow, notation: string, registry: Registry): Workflow {
  const before = formatNotation(workflow, registry);
  const lines = before.split('\n').length - 1;
  try {
    return { ...parseNotation(`${before}${notation}\n`, registry, { unknownNames: 'refuse' }) };
  } catch (error) {
    if (!(error instanceof ComfyError) || error.position === undefined) throw error;
    // Lines are counted in what was written, not in what stood before it.
    const line = error.position.line - lines;
    const message = error.message.replace(/^Line \d+/, line > 0 ? `Line ${line}` : 'An earlier line');
    throw new ComfyError(error.code, message, error.hint === undefined ? {} : { hint: error.hint });
  }
}

function insertBetween(workflow: Workflow, edit: Edit, registry: Registry): Workflow {
  const { id, input } = readTarget(edit);
  const declared = inputAt(classOf(workflow, id, registry), input);
  const existing = nodeAt(workflow, id).inputs[input];
  const from = edit.from ?? (isLink(existing) ? existing[0] : undefined);
  const { link, type } =
    edit.from === undefined && isLink(existing)
      ? { link: existing, type: classOf(workflow, existing[0], registry).outputs[existing[1]]?.type ?? '*' }
      : readOutput(needed(from, 'from'), workflow, registry, declared?.types ?? []);
  const added = addLines(workflow, needed(edit.notation, 'notation'), registry);
  const fresh = Object.keys(added).filter((key) => nodeOf(workflow, key) === undefined);
  const [newId] = fresh;
  if (newId === undefined || fresh.length > 1) throw new ComfyError('invalid_value', 'write exactly one new line.');
  const nodeClass = classOf(added, newId, registry);
  const entry = nodeClass.inputs.find(
    (candidate) =>
      fits(type, candidate) && !isLink(nodeAt(added, newId).inputs[candidate.name]) && candidate.options === undefined,
  );
  const slot = nodeClass.outputs.findIndex((output) => fits(output.type, declared));
  if (entry === undefined || slot === -1) {
    throw new ComfyError('invalid_value', `${nodeClass.name} does not take and give ${type}.`, {
      hint: 'Search nodes that take and give this type.',
    });
  }
  return createGraph(added).set(newId, entry.name, link).set(id, input, [newId, slot]).workflow;
}

/** What used its results gets what it was made from, where the types are the same; else the input is left open. */
function removeNode(workflow: Workflow, id: string, registry: Registry, notes: string[]): Workflow {
  const node = nodeAt(workflow, id);
  const nodeClass = registry.classes.get(node.class_type);
  let graph = createGraph(workflow);
  for (const { from, slot, to, input } of workflowLinks(workflow).filter((link) => link.from === id)) {
    const type = nodeClass?.outputs[slot]?.type;
    const passed = linksInto(workflow, from).find((link) => nodeClass?.inputsByName.get(link.input)?.type === type);
    if (passed !== undefined && type !== undefined) {
      graph = graph.set(to, input, [passed.from, passed.slot]);
    } else {
      graph = createGraph(withoutInput(graph.workflow, to, input));
      notes.push(`${to}.${input} is open now`);
    }
  }
  return graph.remove(id).workflow;
}

/** Inputs that both classes have stay; links from it go to the output of the same type. */
function replaceNode(workflow: Workflow, id: string, className: string, registry: Registry, notes: string[]): Workflow {
  const node = nodeAt(workflow, id);
  const before = registry.classes.get(node.class_type);
  const after = registry.classes.get(className);
  if (after === undefined) {
    const near = nearestNames(className, registry.classes.keys());
    throw new ComfyError(
      'unknown_name',
      `there is no class "${className.slice(0, 60)}".`,
      near.length > 0 ? { hint: `Nearest: ${near.join(', ')}.` } : {},
    );
  }
  const kept: [string, Json][] = [];
  for (const [name, value] of Object.entries(node.inputs)) {
    if (after.inputsByName.has(name)) kept.push([name, value]);
    else notes.push(`${id}: ${name} has no place in ${className}`);
  }
  const written = new Set(kept.map(([name]) => name));
  for (const input of after.inputs) {
    if (input.group === 'required' && !written.has(input.name) && input.default !== undefined)
      kept.push([input.name, input.default]);
  }
  const replaced: Workflow = {
    ...workflow,
    [id]: { ...node, class_type: className, inputs: Object.fromEntries(kept) },
  };
  let graph = createGraph(replaced);
  for (const { slot, to, input } of workflowLinks(workflow).filter((link) => link.from === id)) {
    const type = before?.outputs[slot]?.type ?? '*';
    const target = after.outputs.findIndex((output) => output.type === type);
    if (target === -1) {
      graph = createGraph(withoutInput(graph.workflow, to, input));
      notes.push(`${to}.${input} is open now: ${className} gives no ${type}`);
    } else graph = graph.set(to, input, [id, target]);
  }
  return graph.workflow;
}
