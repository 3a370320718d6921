import { inputOf, linksInto, nodeOf } from '../graph/links.ts';
import { findCycle, topologicalOrder } from '../graph/topology.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isLink } from '../graph/workflow.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { declaredInput } from '../notation/parse-notation.ts';
import type { NodeClass, NodeInput, Registry } from '../registry/registry.ts';
import { layeredLayout, type LayoutNode } from './layered-layout.ts';
import { escapeDynamicPrompt } from './dynamic-prompt.ts';
import { initialValue, isDynamicPrompt, isWidgetInput, nodeWidgets } from './node-widgets.ts';

export interface FrontendExport {
  /** A workflow of schema 0.4, as the front end opens it from a file. */
  workflow: JsonObject;
  /** The number that each node got; numeric ids keep theirs. */
  ids: ReadonlyMap<NodeId, number>;
  /** Inputs that the front end has no place for, as `node.input`: its classes do not declare them. */
  dropped: string[];
}

interface Slot {
  name: string;
  type: string;
  widget: boolean;
}

/** No class has more outputs; a link to a later one would be drawn with all those before it. */
const MAX_SLOT = 999;
const SLOT_HEIGHT = 20;
const WIDGET_HEIGHT = 24;
const TEXT_HEIGHT = 140;

/** Numbers stay; names such as `loader` get the next free ones. */
function numberNodes(workflow: Workflow): Map<NodeId, number> {
  const ids = new Map<NodeId, number>();
  const names: NodeId[] = [];
  let highest = 0;
  for (const id of Object.keys(workflow)) {
    if (/^(0|[1-9]\d{0,8})$/.test(id)) {
      ids.set(id, Number(id));
      highest = Math.max(highest, Number(id));
    } else names.push(id);
  }
  for (const name of names) {
    highest += 1;
    ids.set(name, highest);
  }
  return ids;
}

/** A list is wrapped in API format, since it would be taken for a link. */
function unwrap(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, '__value__'))
    return value;
  const inner = value['__value__'];
  return Array.isArray(inner) ? inner : value;
}

/** The inputs that a node shows: every slot and every widget of its class, and what it has linked besides. */
function slotsOf(
  node: Readonly<WorkflowNode>,
  nodeClass: NodeClass | undefined,
  widgets: readonly NodeInput[],
): Slot[] {
  const slots: Slot[] = [];
  for (const input of nodeClass?.inputs ?? []) {
    if (isWidgetInput(input) || input.dynamic !== undefined) continue;
    slots.push({ name: input.name, type: input.type, widget: false });
  }
  const known = new Set([...slots.map((slot) => slot.name), ...widgets.map((input) => input.name)]);
  for (const [name, value] of Object.entries(node.inputs)) {
    if (!isLink(value) || known.has(name)) continue;
    const declared = nodeClass === undefined ? undefined : declaredInput(nodeClass, name);
    slots.push({
      name,
      type: declared?.dynamic?.kind === 'autogrow' ? declared.dynamic.template.type : '*',
      widget: false,
    });
  }
  for (const input of widgets) slots.push({ name: input.name, type: input.type, widget: true });
  return slots;
}

/** The values of a node's widgets in the front end's order, and those inputs that they belong to. */
function widgetsOf(node: Readonly<WorkflowNode>, nodeClass: NodeClass): { values: Json[]; inputs: NodeInput[] } {
  const values: Json[] = [];
  const inputs: NodeInput[] = [];
  const chosen = new Map<string, Json>();
  for (const widget of nodeWidgets(nodeClass, (name) => chosen.get(name))) {
    if (widget.kind === 'control') values.push(widget.name === 'control_after_generate' ? 'fixed' : '');
    else if (widget.kind === 'upload') values.push('image');
    else {
      const value = inputOf(node, widget.name);
      const shown = value === undefined || isLink(value) ? initialValue(widget.input) : unwrap(value);
      chosen.set(widget.name, shown);
      values.push(typeof shown === 'string' && isDynamicPrompt(widget.input) ? escapeDynamicPrompt(shown) : shown);
      inputs.push(widget.input);
    }
  }
  return { values, inputs };
}

function sizeOf(
  slots: readonly Slot[],
  outputs: number,
  widgets: readonly NodeInput[],
): { width: number; height: number } {
  const rows = Math.max(slots.filter((slot) => !slot.widget).length, outputs);
  const widgetHeight = widgets.reduce(
    (sum, input) => sum + (input.multiline === true ? TEXT_HEIGHT : WIDGET_HEIGHT),
    0,
  );
  const hasText = widgets.some((input) => input.multiline === true);
  return { width: hasText ? 400 : 300, height: 50 + rows * SLOT_HEIGHT + widgetHeight };
}

interface DrawnNode {
  id: NodeId;
  node: Readonly<WorkflowNode>;
  nodeClass: NodeClass | undefined;
  slots: Slot[];
  values: Json[] | JsonObject;
  size: { width: number; height: number };
}

function drawNode(id: NodeId, node: Readonly<WorkflowNode>, registry: Registry, dropped: string[]): DrawnNode {
  const nodeClass = registry.classes.get(node.class_type);
  const literals = Object.entries(node.inputs).filter(([, value]) => !isLink(value));
  if (nodeClass === undefined) {
    const slots = slotsOf(node, undefined, []);
    const values = Object.fromEntries(literals.map(([name, value]) => [name, unwrap(value)]));
    return { id, node, nodeClass, slots, values, size: sizeOf(slots, 1, []) };
  }
  const { values, inputs } = widgetsOf(node, nodeClass);
  const names = new Set(inputs.map((input) => input.name));
  for (const [name] of literals) if (!names.has(name)) dropped.push(`${id}.${name}`);
  const slots = slotsOf(node, nodeClass, inputs);
  return { id, node, nodeClass, slots, values, size: sizeOf(slots, nodeClass.outputs.length, inputs) };
}

/**
 * Turns a workflow in API format into one that the front end opens, laid out in columns from left to right, so that a
 * person can look at any result. Widgets that the workflow does not set show their initial values; seeds are fixed.
 */
export function convertToFrontend(workflow: Workflow, registry: Registry): FrontendExport {
  const ids = numberNodes(workflow);
  const dropped: string[] = [];
  const drawn = Object.entries(workflow).map(([id, node]) => drawNode(id, node, registry, dropped));
  const order = findCycle(workflow) === undefined ? topologicalOrder(workflow) : Object.keys(workflow);
  const boxes = drawn.map(({ id, size }): LayoutNode => ({
    id,
    width: size.width,
    height: size.height,
    sources: linksInto(workflow, id).map((link) => link.from),
  }));
  const corners = layeredLayout(boxes, order);
  const links: Json[] = [];
  const leaving = new Map<string, number[]>();
  /** By node, for classes whose outputs are not known. */
  const highestSlots = new Map<NodeId, number>();
  const inputsOf = new Map<NodeId, Json[]>();
  for (const { id, node, slots } of drawn) {
    const entries = slots.map((slot, index): Json => {
      const value = inputOf(node, slot.name);
      const link = isLink(value) ? addLink(value, id, index, slot.type) : undefined;
      return {
        name: slot.name,
        type: slot.type,
        link: link ?? null,
        ...(slot.widget ? { widget: { name: slot.name } } : {}),
      };
    });
    inputsOf.set(id, entries);
  }

  function addLink(
    [from, slot]: readonly [string, number],
    to: NodeId,
    toSlot: number,
    type: string,
  ): number | undefined {
    const source = nodeOf(workflow, from);
    if (source === undefined || !Number.isInteger(slot) || slot < 0 || slot > MAX_SLOT) return undefined;
    const id = links.length + 1;
    const outputType = registry.classes.get(source.class_type)?.outputs[slot]?.type ?? type;
    links.push([id, ids.get(from) ?? 0, slot, ids.get(to) ?? 0, toSlot, outputType]);
    const key = JSON.stringify([from, slot]);
    const others = leaving.get(key) ?? [];
    others.push(id);
    leaving.set(key, others);
    highestSlots.set(from, Math.max(highestSlots.get(from) ?? 0, slot));
    return id;
  }

  const byId = new Map(drawn.map((item) => [item.id, item]));
  const nodes = order.flatMap((id, index): Json[] => {
    const item = byId.get(id);
    if (item === undefined) return [];
    const corner = corners.get(id) ?? { x: 0, y: 0 };
    const outputCount = Math.max(item.nodeClass?.outputs.length ?? 0, (highestSlots.get(id) ?? -1) + 1);
    return [
      {
        id: ids.get(id) ?? 0,
        type: item.node.class_type,
        pos: [corner.x, corner.y],
        size: [item.size.width, item.size.height],
        flags: {},
        order: index,
        mode: 0,
        inputs: inputsOf.get(id) ?? [],
        outputs: Array.from({ length: outputCount }, (_, slot): Json => {
          const output = item.nodeClass?.outputs[slot];
          const type = output?.type ?? '*';
          return {
            name: output?.name ?? type,
            type,
            links: leaving.get(JSON.stringify([id, slot])) ?? null,
            slot_index: slot,
          };
        }),
        ...(item.node._meta?.title === undefined ? {} : { title: item.node._meta.title }),
        properties: { 'Node name for S&R': item.node.class_type },
        widgets_values: item.values,
      },
    ];
  });
  return {
    workflow: {
      last_node_id: Math.max(0, ...ids.values()),
      last_link_id: links.length,
      nodes,
      links,
      groups: [],
      config: {},
      extra: {},
      version: 0.4,
    },
    ids,
    dropped,
  };
}
