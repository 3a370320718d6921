import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import type { Registry } from '../registry/registry.ts';
import { groupAsSubgraph } from './group-node.ts';
import {
  nodeMode,
  SUBGRAPH_INPUT_ID,
  SUBGRAPH_OUTPUT_ID,
  type FrontendGraph,
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
  /** Where the node of a subgraph keeps the values of its promoted widgets, by {@link widgetKey}. Absent where it promotes none. */
  promoted: ReadonlyMap<string, number> | undefined;
  /** For files that name no promoted widgets: the places of values by input of the subgraph's node. */
  widgetPlaces: ReadonlyMap<number, number>;
}

/** Subgraphs in subgraphs deeper than any that a person makes; a definition that contains itself ends here. */
const MAX_DEPTH = 50;
const MAX_NODES = 20_000;
/** A link costs something in each instance, also where a subgraph has no nodes. */
const MAX_LINKS = 200_000;

/** Expands subgraphs and group nodes into instances. Muted and bypassed ones are not entered. */
export function instantiateGraph(workflow: FrontendWorkflow, registry: Registry): GraphInstance {
  let totalNodes = 0;
  let totalLinks = 0;

  const count = (nodes: number, links: number): void => {
    totalNodes += nodes;
    totalLinks += links;
    if (totalNodes > MAX_NODES)
      throw new ComfyError('too_large', `With its subgraphs the workflow has more than ${MAX_NODES} nodes.`);
    if (totalLinks > MAX_LINKS)
      throw new ComfyError('too_large', `With its subgraphs the workflow has more than ${MAX_LINKS} links.`);
  };

  const definitionOf = (node: FrontendNode): FrontendSubgraph | undefined => {
    const subgraph = workflow.subgraphs.get(node.type);
    if (subgraph !== undefined) return subgraph;
    const name = /^workflow[>/](.*)$/s.exec(node.type)?.[1];
    const group = name === undefined ? undefined : workflow.groups.get(name);
    if (name === undefined || group === undefined) return undefined;
    count(0, group.links.length + group.external.length);
    // Unlike a subgraph, a group node keeps the values of its inner widgets itself.
    return groupAsSubgraph(name, group, node, registry);
  };

  const expand = (graph: FrontendGraph, path: readonly string[], parent: GraphInstance['parent']): GraphInstance => {
    count(graph.nodes.size, graph.links.size);
    if (path.length > MAX_DEPTH) {
      throw new ComfyError('too_large', `Subgraphs are nested deeper than ${MAX_DEPTH}.`, {
        hint: 'Does a subgraph contain itself?',
      });
    }
    const links = [...graph.links.values()];
    const entering = Map.groupBy(
      links.filter((link) => link.originId === SUBGRAPH_INPUT_ID),
      (link) => link.originSlot,
    );
    const instance: GraphInstance = {
      graph,
      path,
      children: new Map(),
      entering,
      leaving: Map.groupBy(
        links.filter((link) => link.targetId === SUBGRAPH_OUTPUT_ID),
        (link) => link.targetSlot,
      ),
      setters: new Map(settersOf(graph)),
      promoted: parent === undefined ? undefined : promotedPlaces(parent.node),
      widgetPlaces: new Map(parent === undefined ? [] : widgetPlaces(graph, entering, parent.node)),
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
  const own = widgetAt(parent.node, instance.promoted?.get(widgetKey(nodeId, widget)));
  // A widget of an inner subgraph may be promoted once more.
  return promotedValue(parent.instance, parent.node.id, widget) ?? own;
}

/** The value of the widget that a subgraph node shows for one of its unlinked inputs. */
export function subgraphInputValue(instance: GraphInstance, slot: number): Json | undefined {
  const { parent, promoted } = instance;
  const input = parent?.node.inputs[slot];
  if (parent === undefined || input === undefined) return undefined;
  const outer = promotedValue(parent.instance, parent.node.id, input.name);
  if (outer !== undefined) return outer;
  if (promoted === undefined) return widgetAt(parent.node, instance.widgetPlaces.get(slot));
  const places = [promoted.get(widgetKey(OWN_WIDGET, input.name))];
  for (const link of instance.entering.get(slot) ?? []) {
    const inner = instance.graph.nodes.get(link.targetId);
    const name = inner?.inputs[link.targetSlot]?.widget ?? inner?.inputs[link.targetSlot]?.name;
    if (inner !== undefined && name !== undefined) places.push(promoted.get(widgetKey(inner.id, name)));
  }
  const known = places.filter((place) => place !== undefined);
  return known.length === 0
    ? undefined
    : widgetAt(
        parent.node,
        known.reduce((a, b) => Math.min(a, b)),
      );
}

/** The id that a promoted widget has in place of a node's when it is the subgraph node's own input. */
const OWN_WIDGET = '-1';

function widgetKey(nodeId: string, widget: string): string {
  return JSON.stringify([nodeId, widget]);
}

/** The places of the widgets that have values, of those inputs that show a widget: they say so, or what they lead to is one. */
function* widgetPlaces(
  graph: FrontendGraph,
  entering: GraphInstance['entering'],
  node: FrontendNode,
): Generator<[number, number]> {
  let place = 0;
  for (const [slot, input] of node.inputs.entries()) {
    const leadsToWidget = (link: FrontendLink): boolean =>
      graph.nodes.get(link.targetId)?.inputs[link.targetSlot]?.widget !== undefined;
    if (input.widget === undefined && entering.get(slot)?.some(leadsToWidget) !== true) continue;
    yield [slot, place];
    place += 1;
  }
}

/** The first place of each widget in the list of those that a subgraph node promotes. */
function promotedPlaces(node: FrontendNode): Map<string, number> | undefined {
  const proxies = Object.hasOwn(node.properties, 'proxyWidgets') ? node.properties['proxyWidgets'] : undefined;
  if (!Array.isArray(proxies) || proxies.length === 0) return undefined;
  const places = new Map<string, number>();
  for (const [place, proxy] of proxies.entries()) {
    const [inner, name] = Array.isArray(proxy) ? proxy : [];
    // An entry that is no pair keeps its place, since values go by position.
    if ((typeof inner !== 'string' && typeof inner !== 'number') || typeof name !== 'string') continue;
    const key = widgetKey(String(inner), name);
    if (!places.has(key)) places.set(key, place);
  }
  return places;
}

/** A saved value; null stands for a widget whose value is kept elsewhere. */
function widgetAt(node: FrontendNode, place: number | undefined): Json | undefined {
  const values = node.widgetValues;
  return place !== undefined && Array.isArray(values) ? (values[place] ?? undefined) : undefined;
}
