import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { nodeMode, SUBGRAPH_INPUT_ID, type FrontendLink, type FrontendNode } from './frontend-workflow.ts';
import { executionId, subgraphInputValue, type GraphInstance } from './graph-instance.ts';

/** Where the value of an input comes from once everything that only exists in the front end is gone. */
export type ResolvedInput = { kind: 'link'; id: string; slot: number } | { kind: 'value'; value: Json };

/** Nodes that live in the front end alone. */
const VIRTUAL_TYPES: ReadonlySet<string> = new Set([
  'Note',
  'MarkdownNote',
  'Reroute',
  'PrimitiveNode',
  'GetNode',
  'SetNode',
  'Reroute (rgthree)',
  'Label (rgthree)',
  'Bookmark (rgthree)',
  'Node Collector (rgthree)',
  'Fast Muter (rgthree)',
  'Fast Bypasser (rgthree)',
  'Fast Groups Muter (rgthree)',
  'Fast Groups Bypasser (rgthree)',
  'Fast Actions Button (rgthree)',
  'Mute / Bypass Relay (rgthree)',
  'Mute / Bypass Repeater (rgthree)',
  'Random Unmuter (rgthree)',
]);

/** Whether a node never reaches the server. */
export function isVirtualNode(node: FrontendNode): boolean {
  return VIRTUAL_TYPES.has(node.type);
}

/** Slot types that may be joined: equal but for case, any of several, or anything. */
function typesMeet(a: string, b: string): boolean {
  if (a === b || a === '*' || b === '*' || a === '' || b === '') return true;
  const right = b.toLowerCase().split(',');
  return a
    .toLowerCase()
    .split(',')
    .some((part) => right.includes(part));
}

/** The input that a bypassed node hands on for one of its outputs. */
function bypassInput(node: FrontendNode, slot: number, type: string): number | undefined {
  const { inputs } = node;
  if (type === '*' || type === '') return inputs.length > slot ? slot : 0;
  const outputType = node.outputs[slot]?.type ?? '*';
  const fits = (index: number): boolean => {
    const input = inputs[index];
    return input !== undefined && typesMeet(input.type, outputType) && typesMeet(input.type, type);
  };
  if (fits(slot)) return slot;
  const exact = inputs.findIndex((input) => input.type === type);
  if (exact !== -1) return exact;
  const fitting = inputs.findIndex((_, index) => fits(index));
  return fitting === -1 ? undefined : fitting;
}

/** What was found for the outputs of a graph, by node, output and type wanted: many inputs share a chain of reroutes. */
export type ResolvedOutputs = Map<GraphInstance, Map<string, ResolvedInput | undefined>>;

/** One walk back. */
interface Walk {
  /** Its steps, which ends circles. */
  visited: Set<string>;
  known: ResolvedOutputs;
}

/** Two a node: more than any chain of reroutes, and few enough to follow by recursion. */
const MAX_STEPS = 2_000;

function enter({ visited }: Walk, instance: GraphInstance, node: FrontendNode, side: string, slot: number): void {
  const key = JSON.stringify([instance.path, node.id, side, slot]);
  if (visited.has(key)) {
    throw new ComfyError('invalid_value', `The links around node ${executionId(instance, node.id)} run in a circle.`, {
      hint: 'Look for reroutes or bypassed nodes that feed each other.',
    });
  }
  if (visited.size >= MAX_STEPS) {
    throw new ComfyError(
      'too_large',
      `What enters node ${executionId(instance, node.id)} comes over more than ${MAX_STEPS} steps.`,
    );
  }
  visited.add(key);
}

/**
 * Follows what enters an input back to the node that makes it, through reroutes, bypassed nodes and the borders of
 * subgraphs, or to the value of a primitive or of a subgraph's widget. Undefined where nothing comes in.
 *
 * @param known shared by all inputs of a workflow, so that each output is followed once.
 */
export function resolveInput(
  instance: GraphInstance,
  node: FrontendNode,
  slot: number,
  known: ResolvedOutputs,
): ResolvedInput | undefined {
  return followInput(instance, node, slot, { visited: new Set(), known });
}

function followInput(
  instance: GraphInstance,
  node: FrontendNode,
  slot: number,
  walk: Walk,
  type?: string,
): ResolvedInput | undefined {
  const input = node.inputs[slot];
  const link = input?.link === undefined ? undefined : instance.graph.links.get(input.link);
  if (input === undefined || link === undefined) return undefined;
  enter(walk, instance, node, 'in', slot);
  if (link.originId === SUBGRAPH_INPUT_ID && instance.parent !== undefined) {
    const { parent } = instance;
    if (parent.node.inputs[link.originSlot]?.link !== undefined) {
      return followInput(parent.instance, parent.node, link.originSlot, walk);
    }
    const value = subgraphInputValue(instance, link.originSlot);
    return value === undefined ? undefined : { kind: 'value', value };
  }
  return resolveOutput(instance, link, type ?? input.type, walk);
}

function resolveOutput(
  instance: GraphInstance,
  link: FrontendLink,
  type: string,
  walk: Walk,
): ResolvedInput | undefined {
  let ofGraph = walk.known.get(instance);
  if (ofGraph === undefined) {
    ofGraph = new Map();
    walk.known.set(instance, ofGraph);
  }
  const key = JSON.stringify([link.originId, link.originSlot, type]);
  const known = ofGraph.get(key);
  if (known !== undefined || ofGraph.has(key)) return known;
  const found = followOutput(instance, link, type, walk);
  ofGraph.set(key, found);
  return found;
}

function followOutput(
  instance: GraphInstance,
  link: FrontendLink,
  type: string,
  walk: Walk,
): ResolvedInput | undefined {
  const node = instance.graph.nodes.get(link.originId);
  if (node === undefined) return undefined;
  const slot = link.originSlot;
  enter(walk, instance, node, 'out', slot);
  if (node.mode === nodeMode.bypass) {
    const index = bypassInput(node, slot, type);
    return index === undefined ? undefined : followInput(instance, node, index, walk);
  }
  const child = instance.children.get(node.id);
  if (child !== undefined) {
    const inner = subgraphOutputLink(child, slot);
    if (inner === undefined) return undefined;
    if (inner.originId === SUBGRAPH_INPUT_ID) return followInput(instance, node, inner.originSlot, walk, type);
    return resolveOutput(child, inner, type, walk);
  }
  if (node.type === 'PrimitiveNode') {
    const value = Array.isArray(node.widgetValues) ? node.widgetValues[0] : undefined;
    return value === undefined ? undefined : { kind: 'value', value };
  }
  if (node.type === 'GetNode') {
    const setter = setterFor(instance, node);
    return setter === undefined ? undefined : followInput(instance, setter, 0, walk, type);
  }
  if (isVirtualNode(node)) return followInput(instance, node, slot, walk, type);
  return { kind: 'link', id: executionId(instance, node.id), slot };
}

/** The link inside a subgraph that ends at one of its outputs. */
function subgraphOutputLink(child: GraphInstance, slot: number): FrontendLink | undefined {
  for (const id of child.parent?.subgraph.outputs[slot]?.linkIds ?? []) {
    const link = child.graph.links.get(id);
    if (link !== undefined) return link;
  }
  return child.leaving.get(slot)?.[0];
}

/** The SetNode whose name a GetNode carries. */
function setterFor(instance: GraphInstance, getter: FrontendNode): FrontendNode | undefined {
  const name = Array.isArray(getter.widgetValues) ? getter.widgetValues[0] : undefined;
  if (typeof name !== 'string') return undefined;
  return instance.setters.get(name);
}
