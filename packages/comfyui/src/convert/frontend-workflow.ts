import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';

/** What a node of the front end does when the graph runs; other numbers behave as `always`. */
export const nodeMode = { always: 0, never: 2, bypass: 4 } as const;

/** The front end's ids of the two nodes that stand for the borders of a subgraph. */
export const SUBGRAPH_INPUT_ID = '-10';
export const SUBGRAPH_OUTPUT_ID = '-20';

export interface FrontendInput {
  name: string;
  type: string;
  /** Id of the link that enters, as text. */
  link: string | undefined;
  /** Set when the input belongs to a widget: the widget's name. */
  widget: string | undefined;
}

export interface FrontendNode {
  id: string;
  type: string;
  title: string | undefined;
  mode: number;
  inputs: readonly FrontendInput[];
  outputs: readonly { name: string; type: string }[];
  /** By position, or by name as some node packs save them. */
  widgetValues: readonly Json[] | Readonly<JsonObject> | undefined;
  properties: Readonly<JsonObject>;
}

export interface FrontendLink {
  originId: string;
  originSlot: number;
  targetId: string;
  targetSlot: number;
}

export interface FrontendGraph {
  nodes: ReadonlyMap<string, FrontendNode>;
  links: ReadonlyMap<string, FrontendLink>;
}

/** A subgraph's definition; its instances are nodes whose type is `id`. */
export interface FrontendSubgraph extends FrontendGraph {
  id: string;
  name: string;
  inputs: readonly { name: string; type: string }[];
  outputs: readonly { name: string; linkIds: readonly string[] }[];
}

/** A group node's definition (the older form of subgraphs): nodes by index, links as `[from, slot, to, slot]`. */
export interface FrontendGroup {
  nodes: readonly FrontendNode[];
  links: readonly (readonly [number, number, number, number])[];
  /** Outputs that are shown although they are linked inside, as `[node, slot]`. */
  external: readonly (readonly [number, number])[];
  config: Readonly<JsonObject>;
}

export interface FrontendWorkflow {
  root: FrontendGraph;
  subgraphs: ReadonlyMap<string, FrontendSubgraph>;
  /** By name, without `workflow>` or `workflow/`. */
  groups: ReadonlyMap<string, FrontendGroup>;
}

/** More than any graph that a person drew. */
const MAX_NODES = 10_000;
const MAX_LINKS = 100_000;
/** Inputs of all subgraph nodes together: each has those of its definition, so a short file can mean endlessly many. */
const MAX_INSTANCE_INPUTS = 200_000;

function member(object: Readonly<JsonObject>, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** Ids are numbers or texts; as texts they are compared alike. */
function idText(value: Json | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function integer(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

/** A slot's type: a name, or a list of choices, which stands for a combo; `-1` and 0 stand for anything. */
function slotType(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? 'COMBO' : '*';
}

function parseInput(value: Json): FrontendInput {
  const slot = isJsonObject(value) ? value : {};
  const widget = member(slot, 'widget');
  return {
    name: text(member(slot, 'name')) ?? '',
    type: slotType(member(slot, 'type')),
    link: idText(member(slot, 'link')),
    widget: isJsonObject(widget) ? text(member(widget, 'name')) : undefined,
  };
}

function parseNode(value: Json, where: string): FrontendNode {
  if (!isJsonObject(value)) throw new ComfyError('malformed', `${where} has a node that is not an object.`);
  const id = idText(member(value, 'id'));
  const type = text(member(value, 'type'));
  if (id === undefined || type === undefined) {
    throw new ComfyError('malformed', `${where} has a node without id or type.`, {
      hint: 'Save the workflow again in ComfyUI.',
    });
  }
  const values = member(value, 'widgets_values');
  const properties = member(value, 'properties');
  return {
    id,
    type,
    title: text(member(value, 'title')),
    mode: integer(member(value, 'mode')) ?? nodeMode.always,
    inputs: list(member(value, 'inputs')).map(parseInput),
    outputs: list(member(value, 'outputs')).map((output) => ({
      name: isJsonObject(output) ? (text(member(output, 'name')) ?? '') : '',
      type: isJsonObject(output) ? slotType(member(output, 'type')) : '*',
    })),
    widgetValues: Array.isArray(values) || isJsonObject(values) ? values : undefined,
    properties: isJsonObject(properties) ? properties : {},
  };
}

/** A link as an array of six (schema 0.4) or as an object (schema 1.0 and subgraphs). */
function parseLink(value: Json): [string, FrontendLink] | undefined {
  const fields = Array.isArray(value)
    ? value
    : isJsonObject(value)
      ? ['id', 'origin_id', 'origin_slot', 'target_id', 'target_slot'].map((key) => member(value, key) ?? null)
      : [];
  const id = idText(fields[0]);
  const originId = idText(fields[1]);
  const originSlot = integer(fields[2]);
  const targetId = idText(fields[3]);
  const targetSlot = integer(fields[4]);
  if (
    id === undefined ||
    originId === undefined ||
    originSlot === undefined ||
    targetId === undefined ||
    targetSlot === undefined
  ) {
    return undefined;
  }
  return [id, { originId, originSlot, targetId, targetSlot }];
}

function parseGraph(value: Readonly<JsonObject>, where: string): FrontendGraph {
  const nodes = new Map<string, FrontendNode>();
  const source = list(member(value, 'nodes'));
  if (source.length > MAX_NODES)
    throw new ComfyError('too_large', `${where} has ${source.length} nodes; at most ${MAX_NODES} are read.`);
  for (const item of source) {
    const node = parseNode(item, where);
    if (nodes.has(node.id)) throw new ComfyError('malformed', `${where} has two nodes with the id ${node.id}.`);
    nodes.set(node.id, node);
  }
  const rawLinks = member(value, 'links');
  const links = isJsonObject(rawLinks) ? Object.values(rawLinks) : list(rawLinks);
  if (links.length > MAX_LINKS)
    throw new ComfyError('too_large', `${where} has ${links.length} links; at most ${MAX_LINKS} are read.`);
  return { nodes, links: new Map(links.flatMap((link) => wrap(parseLink(link)))) };
}

function wrap<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

function parseSubgraph(value: Json): FrontendSubgraph {
  const id = isJsonObject(value) ? text(member(value, 'id')) : undefined;
  if (!isJsonObject(value) || id === undefined) throw new ComfyError('malformed', 'A subgraph definition has no id.');
  const name = text(member(value, 'name')) ?? id;
  return {
    id,
    name,
    ...parseGraph(value, `The subgraph "${name}"`),
    inputs: list(member(value, 'inputs')).map((input) => ({
      name: isJsonObject(input) ? (text(member(input, 'name')) ?? '') : '',
      type: isJsonObject(input) ? slotType(member(input, 'type')) : '*',
    })),
    outputs: list(member(value, 'outputs')).map((output) => ({
      name: isJsonObject(output) ? (text(member(output, 'name')) ?? '') : '',
      linkIds: isJsonObject(output) ? list(member(output, 'linkIds')).flatMap((link) => wrap(idText(link))) : [],
    })),
  };
}

function parseGroup(value: Json, name: string): FrontendGroup {
  if (!isJsonObject(value)) throw new ComfyError('malformed', `The group node "${name}" has no definition.`);
  const config = member(value, 'config');
  const quads = list(member(value, 'links')).flatMap((link): [number, number, number, number][] => {
    const [from, fromSlot, to, toSlot] = list(link).slice(0, 4).map(integer);
    return from === undefined || fromSlot === undefined || to === undefined || toSlot === undefined
      ? []
      : [[from, fromSlot, to, toSlot]];
  });
  return {
    nodes: list(member(value, 'nodes')).map((node, index) =>
      parseNode(isJsonObject(node) ? { ...node, id: index } : node, `The group node "${name}"`),
    ),
    links: quads,
    external: list(member(value, 'external')).flatMap((entry): [number, number][] => {
      const [node, slot] = list(entry).slice(0, 2).map(integer);
      return node === undefined || slot === undefined ? [] : [[node, slot]];
    }),
    config: isJsonObject(config) ? config : {},
  };
}

/**
 * The inputs of a subgraph node are those of its definition. A file leaves out widgets that are not linked, so what it has
 * is matched by name.
 */
function instanceInputs(node: FrontendNode, definition: FrontendSubgraph): FrontendInput[] {
  const saved = Map.groupBy(node.inputs, (input) => input.name);
  const used = new Map<string, number>();
  return definition.inputs.map(({ name, type }) => {
    const index = used.get(name) ?? 0;
    used.set(name, index + 1);
    return saved.get(name)?.[index] ?? { name, type, link: undefined, widget: undefined };
  });
}

/** Gives the subgraph nodes of several graphs the inputs of their definitions. */
function createInstanceInputs(
  subgraphs: ReadonlyMap<string, FrontendSubgraph>,
): <Graph extends FrontendGraph>(graph: Graph) => Graph {
  let total = 0;
  return (graph) => {
    const nodes = new Map<string, FrontendNode>();
    for (const [id, node] of graph.nodes) {
      const definition = subgraphs.get(node.type);
      total += definition?.inputs.length ?? 0;
      if (total > MAX_INSTANCE_INPUTS)
        throw new ComfyError('too_large', `The subgraph nodes have more than ${MAX_INSTANCE_INPUTS} inputs together.`);
      nodes.set(id, definition === undefined ? node : { ...node, inputs: instanceInputs(node, definition) });
    }
    return { ...graph, nodes };
  };
}

/** Whether a JSON value looks like a workflow that the front end saved, rather than one in API format. */
export function isFrontendWorkflow(value: Json): boolean {
  return isJsonObject(value) && Array.isArray(member(value, 'nodes'));
}

/**
 * Reads a workflow as the front end saves it: schema 0.4 (links as arrays) or 1.0 (links as objects), with subgraphs
 * and group nodes. Positions, colours and the like are left aside.
 *
 * @throws ComfyError `malformed` or `too_large`.
 */
export function parseFrontendWorkflow(value: Json): FrontendWorkflow {
  if (!isJsonObject(value) || !isFrontendWorkflow(value)) {
    throw new ComfyError(
      'malformed',
      'This is not a workflow as the ComfyUI front end saves it: it has no list of nodes.',
    );
  }
  const extra = member(value, 'extra');
  const definitions = member(value, 'definitions') ?? (isJsonObject(extra) ? member(extra, 'definitions') : undefined);
  const parsed = isJsonObject(definitions) ? list(member(definitions, 'subgraphs')).map(parseSubgraph) : [];
  const subgraphs = new Map(parsed.map((subgraph) => [subgraph.id, subgraph]));
  const groupNodes = isJsonObject(extra) ? member(extra, 'groupNodes') : undefined;
  const groups = isJsonObject(groupNodes) ? Object.entries(groupNodes) : [];
  const withInstanceInputs = createInstanceInputs(subgraphs);
  return {
    root: withInstanceInputs(parseGraph(value, 'The workflow')),
    subgraphs: new Map(parsed.map((subgraph) => [subgraph.id, withInstanceInputs(subgraph)])),
    groups: new Map(groups.map(([name, group]) => [name, parseGroup(group, name)])),
  };
}
