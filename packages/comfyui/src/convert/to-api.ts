import { toRecord } from '../graph/parse-workflow.ts';
import type { Link, Workflow, WorkflowNode } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import type { Registry } from '../registry/registry.ts';
import { resolveDynamicPrompt } from './dynamic-prompt.ts';
import { nodeMode, parseFrontendWorkflow, type FrontendNode } from './frontend-workflow.ts';
import { executionId, instantiateGraph, promotedValue, type GraphInstance } from './graph-instance.ts';
import { isDynamicPrompt, readWidgetValues } from './node-widgets.ts';
import { isVirtualNode, resolveInput, type ResolvedOutputs } from './resolve-link.ts';
import { replaceText, type WidgetLookup } from './text-replacement.ts';

export interface ConvertToApiOptions {
  /** Picks among the choices of `{a|b}` in prompts; gives numbers from 0 up to 1. Default: always the first choice. */
  random?: () => number;
  /** Fills `%date:…%` in names of files to save. Default: they stay. */
  now?: Date;
}

export interface ConvertedWorkflow {
  workflow: Workflow;
  /** Node classes that the registry lacks, with the ids of their nodes. Their widgets cannot be read by position. */
  missing: { classType: string; nodes: string[] }[];
}

/** A list would be taken for a link, so the front end wraps it, and the server unwraps it. */
function literal(value: Json): Json {
  return Array.isArray(value) ? { __value__: value } : value;
}

/** Values of a class that is not known: by name where they are saved so, else by the widgets that its inputs name. */
function unknownClassValues(node: FrontendNode): [string, Json][] {
  const values = node.widgetValues;
  if (values === undefined) return [];
  if (!Array.isArray(values)) return Object.entries(values).map(([name, value]) => [name, literal(value)]);
  const widgets = node.inputs.flatMap((input) => (input.widget === undefined ? [] : [input.widget]));
  if (widgets.length !== values.length) return [];
  return widgets.map((name, index) => [name, literal(values[index] ?? null)]);
}

/** What a conversion needs everywhere. */
interface Conversion {
  registry: Registry;
  random: () => number;
  now: Date | undefined;
  lookUp: WidgetLookup;
  resolved: ResolvedOutputs;
}

function widgetInputs(context: Conversion, instance: GraphInstance, node: FrontendNode): [string, Json][] {
  const nodeClass = context.registry.classes.get(node.type);
  if (nodeClass === undefined) return unknownClassValues(node);
  return readWidgetValues(node, nodeClass).map(({ name, input, value }) => {
    const promoted = promotedValue(instance, node.id, name) ?? value;
    if (typeof promoted !== 'string') return [name, literal(promoted)];
    const isFileName = name === 'filename_prefix' && nodeClass.isOutputNode;
    const text = isFileName ? replaceText(promoted, context.lookUp, context.now) : promoted;
    return [name, isDynamicPrompt(input) ? resolveDynamicPrompt(text, context.random) : text];
  });
}

function* allNodes(instance: GraphInstance): Generator<FrontendNode> {
  yield* instance.graph.nodes.values();
  for (const child of instance.children.values()) yield* allNodes(child);
}

/** Finds widgets by the name that a node is searched by, else by its title. */
function createLookup(root: GraphInstance, registry: Registry): WidgetLookup {
  let named: ReadonlyMap<string, FrontendNode> | undefined;
  const values = new Map<FrontendNode, ReadonlyMap<string, Json>>();
  return (nodeName, widget) => {
    // Few workflows ask for one, and those may ask for thousands.
    named ??= nodesByName(root, registry);
    const found = named.get(nodeName);
    const nodeClass = found === undefined ? undefined : registry.classes.get(found.type);
    if (found === undefined || nodeClass === undefined) return undefined;
    let ofNode = values.get(found);
    if (ofNode === undefined) {
      ofNode = new Map(readWidgetValues(found, nodeClass).map(({ name, value }) => [name, value]));
      values.set(found, ofNode);
    }
    const value = ofNode.get(widget);
    if (value === undefined) return undefined;
    return typeof value === 'object' ? '' : String(value);
  };
}

/** The first node of each search name, and of each title that is nobody's search name. */
function nodesByName(root: GraphInstance, registry: Registry): Map<string, FrontendNode> {
  const nodes = [...allNodes(root)];
  const named = new Map<string, FrontendNode>();
  for (const node of nodes) {
    const isNamed = Object.hasOwn(node.properties, 'Node name for S&R');
    const name = isNamed ? node.properties['Node name for S&R'] : node.type;
    if (typeof name === 'string' && !named.has(name)) named.set(name, node);
  }
  for (const node of nodes) {
    const title = titleOf(node, registry);
    if (!named.has(title)) named.set(title, node);
  }
  return named;
}

function titleOf(node: FrontendNode, registry: Registry): string {
  return node.title ?? registry.classes.get(node.type)?.displayName ?? node.type;
}

function convertNode(context: Conversion, instance: GraphInstance, node: FrontendNode): WorkflowNode {
  const inputs = new Map(widgetInputs(context, instance, node));
  for (const [slot, input] of node.inputs.entries()) {
    const resolved = resolveInput(instance, node, slot, context.resolved);
    if (resolved === undefined) continue;
    inputs.set(
      input.name,
      resolved.kind === 'value' ? literal(resolved.value) : ([resolved.id, resolved.slot] satisfies Link),
    );
  }
  return {
    class_type: node.type,
    inputs: toRecord(inputs),
    _meta: { title: titleOf(node, context.registry) },
  };
}

function* runningNodes(instance: GraphInstance): Generator<[GraphInstance, FrontendNode]> {
  for (const node of instance.graph.nodes.values()) {
    if (node.mode === nodeMode.never || node.mode === nodeMode.bypass) continue;
    const child = instance.children.get(node.id);
    if (child !== undefined) yield* runningNodes(child);
    else if (!isVirtualNode(node)) yield [instance, node];
  }
}

/**
 * Turns a workflow as the front end saves it into API format, as the front end's own export does (ComfyUI_frontend
 * `graphToPrompt`, 1.2x to 1.4x): subgraphs and group nodes become their inner nodes with ids such as `5:12`, muted nodes go
 * with their links, bypassed ones hand their inputs on, Reroute, PrimitiveNode, notes and Get/Set nodes dissolve, and
 * widget values get their names from the registry. Prompts lose their comments and `{a|b}` is decided, and `%KSampler.seed%` in
 * the name of a file to save becomes the value.
 *
 * @throws ComfyError `malformed` for what is no such workflow, `too_large`, `invalid_value` for links in a circle.
 */
export function convertToApi(
  frontendWorkflow: Json,
  registry: Registry,
  options: ConvertToApiOptions = {},
): ConvertedWorkflow {
  const root = instantiateGraph(parseFrontendWorkflow(frontendWorkflow), registry);
  const context: Conversion = {
    registry,
    random: options.random ?? (() => 0),
    now: options.now,
    lookUp: createLookup(root, registry),
    resolved: new Map(),
  };
  const nodes = new Map<string, WorkflowNode>();
  const missing = new Map<string, string[]>();
  for (const [instance, node] of runningNodes(root)) {
    const id = executionId(instance, node.id);
    nodes.set(id, convertNode(context, instance, node));
    if (registry.classes.has(node.type)) continue;
    const ids = missing.get(node.type) ?? [];
    ids.push(id);
    missing.set(node.type, ids);
  }
  const workflow = toRecord(
    [...nodes].map(([id, node]) => {
      const kept = Object.entries(node.inputs).filter(([, value]) => !isRemovedLink(value, nodes));
      return [id, { ...node, inputs: toRecord(kept) }] as const;
    }),
  );
  return { workflow, missing: [...missing].map(([classType, ids]) => ({ classType, nodes: ids })) };
}

/** Whether a link comes from a node that does not run. */
function isRemovedLink(value: Json, nodes: ReadonlyMap<string, WorkflowNode>): boolean {
  return Array.isArray(value) && typeof value[0] === 'string' && !nodes.has(value[0]);
}
