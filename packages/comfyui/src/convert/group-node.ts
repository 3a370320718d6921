import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { Registry } from '../registry/registry.ts';
import {
  SUBGRAPH_INPUT_ID,
  SUBGRAPH_OUTPUT_ID,
  type FrontendGroup,
  type FrontendLink,
  type FrontendNode,
  type FrontendSubgraph,
} from './frontend-workflow.ts';
import { isWidgetInput, nodeWidgets } from './node-widgets.ts';

function member(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Whether the group's settings hide an input or output of an inner node. */
function isHidden(config: Readonly<JsonObject>, node: number, side: 'input' | 'output', slot: string): boolean {
  return member(member(member(config[String(node)], side), slot), 'visible') === false;
}

/**
 * Turns a group node's definition into that of a subgraph: inner nodes by index, what is linked inside as links, and what
 * is not as inputs and outputs of the group, in the order of the inner nodes. The values of the group node's widgets,
 * which are those of its inner nodes one after another, are handed to the inner nodes.
 */
export function groupAsSubgraph(
  name: string,
  group: FrontendGroup,
  instance: FrontendNode,
  registry: Registry,
): FrontendSubgraph {
  const links = new Map<string, FrontendLink>();
  const inner = group.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => ({ ...input, link: undefined as string | undefined })),
  }));
  const addLink = (link: FrontendLink): string => {
    const id = String(links.size + 1);
    links.set(id, link);
    return id;
  };
  const connect = (target: number, slot: number, originId: string, originSlot: number): void => {
    const input = inner[target]?.inputs[slot];
    if (input === undefined) return;
    input.link = addLink({ originId, originSlot, targetId: String(target), targetSlot: slot });
  };
  for (const [from, fromSlot, to, toSlot] of group.links) connect(to, toSlot, String(from), fromSlot);

  const inside = new Set(group.links.map(([from, fromSlot]) => `${from}:${fromSlot}`));
  const shown = new Set(group.external.map(([from, fromSlot]) => `${from}:${fromSlot}`));
  const inputs: { name: string; type: string }[] = [];
  const outputs: { name: string; linkIds: string[] }[] = [];
  for (const [index, node] of inner.entries()) {
    const nodeClass = registry.classes.get(node.type);
    for (const [slot, input] of node.inputs.entries()) {
      const declared = nodeClass?.inputsByName.get(input.name);
      const isPlainWidget = input.widget === undefined && declared !== undefined && isWidgetInput(declared);
      if (input.link !== undefined || isPlainWidget || isHidden(group.config, index, 'input', input.name)) continue;
      connect(index, slot, SUBGRAPH_INPUT_ID, inputs.length);
      inputs.push({ name: input.name, type: input.type });
    }
    for (const [slot, output] of node.outputs.entries()) {
      const isInside = inside.has(`${index}:${slot}`);
      const isShown = shown.has(`${index}:${slot}`);
      if ((isInside && !isShown) || isHidden(group.config, index, 'output', String(slot))) continue;
      const link = addLink({
        originId: String(index),
        originSlot: slot,
        targetId: SUBGRAPH_OUTPUT_ID,
        targetSlot: outputs.length,
      });
      outputs.push({ name: output.name, linkIds: [link] });
    }
  }
  const nodes = inner.map((node, index): FrontendNode => ({
    ...node,
    id: String(index),
    widgetValues: node.widgetValues,
  }));
  return {
    id: instance.type,
    name,
    nodes: new Map(withGroupValues(nodes, group, instance, registry).map((node) => [node.id, node])),
    links,
    inputs,
    outputs,
  };
}

/** Hands the group node's values to its inner nodes, or leaves those their own where the numbers do not agree. */
function withGroupValues(
  nodes: FrontendNode[],
  group: FrontendGroup,
  instance: FrontendNode,
  registry: Registry,
): FrontendNode[] {
  const values = instance.widgetValues;
  if (!Array.isArray(values)) return nodes;
  let position = 0;
  const filled = nodes.map((node, index) => {
    const nodeClass = registry.classes.get(node.type);
    if (nodeClass === undefined) return node;
    const own = Array.isArray(node.widgetValues) ? node.widgetValues : [];
    const isLinked = (name: string): boolean =>
      node.inputs.some((input) => (input.widget ?? input.name) === name && input.link !== undefined);
    let hidden = false;
    const widgetValues = [...nodeWidgets(nodeClass, () => undefined)].map((widget, place): Json => {
      // A control follows what it controls.
      if (widget.kind === 'value')
        hidden = isLinked(widget.name) || isHidden(group.config, index, 'input', widget.name);
      if (hidden) return own[place] ?? null;
      position += 1;
      return values[position - 1] ?? null;
    });
    return { ...node, widgetValues };
  });
  return position === values.length ? filled : nodes;
}
