import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import type { Registry } from '../registry/registry.ts';
import { groupAsSubgraph } from './group-node.ts';
import {
  nodeMode,
  SUBGRAPH_INPUT_ID,
  SUBGRAPH_OUTPUT_ID,
  type FrontendGraph,
  type FrontendInput,
  type FrontendLink,
  type FrontendNode,
  type FrontendSubgraph,
  type FrontendWorkflow,
} from './frontend-workflow.ts';

/** A graph in its place: the root, or one instance of a subgraph. */
export interface GraphInstance {
  graph: FrontendGraph;
  /** Ids of the subgraph nodes from the root down to this instance. */
  path: readonly string[];
  parent?: { instance: GraphInstance; node: FrontendNode; subgraph: FrontendSubgraph };
  /** Instances of subgraphs inside, by the id of their node. */
  children: Map<string, GraphInstance>;
  /** Links that come from the subgraph's inputs, by input. */
  entering: ReadonlyMap<number, readonly FrontendLink[]>;
  /** Links that go to the subgraph's outputs, by output. */
  leaving: ReadonlyMap<number, readonly FrontendLink[]>;
  /** SetNodes by the name that GetNodes ask for. */
  setters: ReadonlyMap<string, FrontendNode>;
}

/** Subgraphs in subgraphs deeper than any that a person makes; a definition that contains itself ends here. */
const MAX_DEPTH = 50;
const MAX_NODES = 20_000;

/** Expands subgraphs and group nodes into instances. Muted and bypassed ones are not entered. */
export function instantiateGraph(workflow: FrontendWorkflow, registry: Registry): GraphInstance {
  let total = 0;

  const definitionOf = (node: FrontendNode): FrontendSubgraph | undefined => {
    const subgraph = workflow.subgraphs.get(node.type);
    if (subgraph !== undefined) return subgraph;
    const name = /^workflow[>/](.*)$/s.exec(node.type)?.[1];
    const group = name === undefined ? undefined : workflow.groups.get(name);
    if (name === undefined || group === undefined) return undefined;
    // Unlike a subgraph, a group node keeps the values of its inner widgets itself.
    return groupAsSubgraph(name, group, node, registry);
  };

  const expand = (graph: FrontendGraph, path: readonly string[], parent: GraphInstance['parent']): GraphInstance => {
    total += graph.nodes.size;
    if (path.length > MAX_DEPTH) {
      throw new ComfyError('too_large', `Subgraphs are nested deeper than ${MAX_DEPTH}.`, {
        hint: 'Does a subgraph contain itself?',
      });
    }
    if (total > MAX_NODES)
      throw new ComfyError('too_large', `With its subgraphs the workflow has more than ${MAX_NODES} nodes.`);
    const links = [...graph.links.values()];
    const instance: GraphInstance = {
      graph,
      path,
      children: new Map(),
      entering: Map.groupBy(
        links.filter((link) => link.originId === SUBGRAPH_INPUT_ID),
        (link) => link.originSlot,
      ),
      leaving: Map.groupBy(
        links.filter((link) => link.targetId === SUBGRAPH_OUTPUT_ID),
        (link) => link.targetSlot,
      ),
      setters: new Map(settersOf(graph)),
      ...(parent === undefined ? {} : { parent }),
    };
    for (const node of graph.nodes.values()) {
      if (node.mode === nodeMode.never || node.mode === nodeMode.bypass) continue;
      const definition = definitionOf(node);
      if (definition === undefined) continue;
      instance.children.set(node.id, expand(definition, [...path, node.id], { instance, node, subgraph: definition }));
    }
    return instance;
  };

  return expand(workflow.root, [], undefined);
}

function* settersOf(graph: FrontendGraph): Generator<[string, FrontendNode]> {
  for (const node of graph.nodes.values()) {
    const name = Array.isArray(node.widgetValues) ? node.widgetValues[0] : undefined;
    if (node.type === 'SetNode' && typeof name === 'string') yield [name, node];
  }
}

/** The id that the front end gives an inner node when it sends a workflow: `5:12` for node 12 in the subgraph node 5. */
export function executionId(instance: GraphInstance, nodeId: string): string {
  return [...instance.path, nodeId].join(':');
}

/** Where the value of an inner widget is set from outside, by the subgraph node or one around it. */
export function promotedValue(instance: GraphInstance, nodeId: string, widget: string): Json | undefined {
  const { parent } = instance;
  if (parent === undefined) return undefined;
  const proxies = proxyWidgets(parent.node);
  const index = proxies.findIndex((proxy) => proxy[0] === nodeId && proxy[1] === widget);
  const own = index === -1 ? undefined : widgetAt(parent.node, index);
  // A widget of an inner subgraph may be promoted once more.
  return promotedValue(parent.instance, parent.node.id, widget) ?? own;
}

/** The value of the widget that a subgraph node shows for one of its unlinked inputs. */
export function subgraphInputValue(instance: GraphInstance, slot: number): Json | undefined {
  const { parent } = instance;
  const input = parent?.node.inputs[slot];
  if (parent === undefined || input === undefined) return undefined;
  const outer = promotedValue(parent.instance, parent.node.id, input.name);
  if (outer !== undefined) return outer;
  const proxies = proxyWidgets(parent.node);
  if (proxies.length === 0) {
    const widgets = parent.node.inputs.flatMap((candidate, index) =>
      isWidget(instance, candidate, index) ? [candidate] : [],
    );
    const position = widgets.indexOf(input);
    return position === -1 ? undefined : widgetAt(parent.node, position);
  }
  const targets = new Set<string>();
  for (const link of instance.entering.get(slot) ?? []) {
    const inner = instance.graph.nodes.get(link.targetId);
    const name = inner?.inputs[link.targetSlot]?.widget ?? inner?.inputs[link.targetSlot]?.name;
    if (inner !== undefined && name !== undefined) targets.add(JSON.stringify([inner.id, name]));
  }
  const index = proxies.findIndex(
    ([node, name]) => (node === '-1' && name === input.name) || targets.has(JSON.stringify([node, name])),
  );
  return index === -1 ? undefined : widgetAt(parent.node, index);
}

/** Whether an input of a subgraph shows a widget: it says so, or what it leads to is one. */
function isWidget(instance: GraphInstance, input: FrontendInput, slot: number): boolean {
  if (input.widget !== undefined) return true;
  const links = instance.entering.get(slot) ?? [];
  return links.some((link) => instance.graph.nodes.get(link.targetId)?.inputs[link.targetSlot]?.widget !== undefined);
}

function proxyWidgets(node: FrontendNode): [string, string][] {
  const proxies = Object.hasOwn(node.properties, 'proxyWidgets') ? node.properties['proxyWidgets'] : undefined;
  if (!Array.isArray(proxies)) return [];
  return proxies.map((proxy): [string, string] => {
    const [inner, name] = Array.isArray(proxy) ? proxy : [];
    const isPair = (typeof inner === 'string' || typeof inner === 'number') && typeof name === 'string';
    // An entry that is none keeps its place, since values go by position.
    return isPair ? [String(inner), name] : ['', ''];
  });
}

/** A saved value; null stands for a widget whose value is kept elsewhere. */
function widgetAt(node: FrontendNode, index: number): Json | undefined {
  const values = node.widgetValues;
  return Array.isArray(values) ? (values[index] ?? undefined) : undefined;
}
