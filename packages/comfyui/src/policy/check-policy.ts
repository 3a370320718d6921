import { findCycle, topologicalOrder } from '../graph/topology.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json } from '../json/json.ts';
import { modelFilesOf } from '../registry/needed-models.ts';
import type { NodeClass, Registry } from '../registry/registry.ts';
import { checkNodeInputs } from './check-node-inputs.ts';
import { whyClassDenied } from './class-access.ts';
import { defaultPolicy } from './default-policy.ts';
import { createLinkedTexts } from './linked-text.ts';
import type { Inventory, Policy, PolicyDecision, PolicyReason } from './policy.ts';
import { shown } from './shown.ts';
import { checkWork } from './work-limits.ts';

/** More reasons than these help nobody, and a hostile workflow could have millions. */
const maxReasons = 50;
const unsafeIds = new Set(['__proto__', 'constructor', 'prototype']);
const nodeKeys = new Set(['class_type', 'inputs', '_meta']);

/**
 * The one gate before every `POST /prompt`: says whether a workflow from anywhere may run, or every reason why not.
 *
 * It refuses what it does not know: classes outside the allowed packs, inputs that a class does not declare, values of another
 * type or outside their bounds, files and models that the registry and the inventory do not list, anything that looks like a path or
 * an address where a name belongs, and work past the limits. It does not say whether the workflow is complete: `validatePrompt` does.
 *
 * @param workflow as parsed from untrusted text by `parseJson`; it need not have the shape of a workflow.
 */
export function checkPolicy(
  registry: Registry,
  workflow: Workflow | Json,
  policy: Policy = defaultPolicy,
  inventory: Inventory = {},
): PolicyDecision {
  const reasons: PolicyReason[] = [];
  const refuse = (reason: PolicyReason): void => {
    if (reasons.length < maxReasons) reasons.push(reason);
  };
  const nodes = readNodes(workflow, policy, refuse);
  const isFull = (): boolean => reasons.length >= maxReasons;
  if (nodes !== undefined) checkNodes(registry, nodes, policy, inventory, refuse, isFull);
  return reasons.length === 0 ? { allowed: true } : { allowed: false, reasons };
}

/** The workflow, if it has the shape of one. */
function readNodes(
  workflow: Workflow | Json,
  policy: Policy,
  refuse: (reason: PolicyReason) => void,
): Workflow | undefined {
  if (typeof workflow !== 'object' || workflow === null || Array.isArray(workflow)) {
    refuse({ code: 'malformed', message: 'A workflow is an object of nodes in API format, each under its id.' });
    return undefined;
  }
  const entries = Object.entries(workflow);
  const { maxNodes } = policy.limits;
  if (entries.length > maxNodes) {
    refuse({
      code: 'too_large',
      message: `The workflow has ${entries.length} nodes; at most ${maxNodes} are allowed. Split it into parts.`,
    });
    return undefined;
  }
  if (entries.length === 0)
    refuse({ code: 'malformed', message: 'The workflow has no nodes. Add at least one that saves a result.' });
  const nodes: Record<NodeId, WorkflowNode> = Object.create(null) as Record<NodeId, WorkflowNode>;
  for (const [id, value] of entries) {
    const node = readNode(id, value, refuse);
    if (node === undefined) continue;
    nodes[id] = node;
  }
  return nodes;
}

function readNode(id: string, value: unknown, refuse: (reason: PolicyReason) => void): WorkflowNode | undefined {
  const fail = (message: string): undefined => {
    refuse({ code: 'malformed', message: `Node ${shown(id)}: ${message}`, nodeId: id.slice(0, 100) });
    return undefined;
  };
  if (id === '' || id.length > 100 || unsafeIds.has(id) || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(id)) {
    return fail('ids are 1 to 100 printable characters, such as "3" or "12:7". Give it another id.');
  }
  if (!isJsonObject(value)) return fail('a node is an object with class_type and inputs.');
  const extra = Object.keys(value).find((key) => !nodeKeys.has(key));
  if (extra !== undefined) return fail(`the key ${shown(extra)} is not part of a node. Remove it.`);
  const { class_type: classType, inputs, _meta: meta } = value;
  if (typeof classType !== 'string') return fail('class_type has to be the name of a node class.');
  if (!isJsonObject(inputs)) return fail('inputs has to be an object; use {} where a node has none.');
  if (meta !== undefined && !isMeta(meta))
    return fail('_meta holds a title of at most 500 characters and nothing else.');
  return { class_type: classType, inputs };
}

function isMeta(meta: Json): boolean {
  if (!isJsonObject(meta) || Object.keys(meta).some((key) => key !== 'title')) return false;
  const { title } = meta;
  return title === undefined || (typeof title === 'string' && title.length <= 500);
}

function checkNodes(
  registry: Registry,
  nodes: Workflow,
  policy: Policy,
  inventory: Inventory,
  refuse: (reason: PolicyReason) => void,
  isFull: () => boolean,
): void {
  const files = new Set(inventory.files);
  const texts = createLinkedTexts(nodes, policy.limits.maxTextChars);
  let known = true;
  for (const [id, node] of Object.entries(nodes)) {
    const nodeClass = checkClass(registry, id, node, policy, refuse);
    if (nodeClass === undefined) known = false;
    else checkNodeInputs({ registry, nodes, policy, files, texts, refuse, isFull }, id, node, nodeClass);
  }
  checkModels(registry, nodes, policy, refuse);
  const cycle = findCycle(nodes);
  if (cycle !== undefined) {
    const path = cycle.slice(0, 20).map(shown).join(' → ');
    refuse({ code: 'cycle', message: `These nodes feed each other in a circle: ${path}. Remove one of the links.` });
    return;
  }
  const order = topologicalOrder(nodes);
  checkDepth(nodes, order, policy, refuse);
  if (known) checkWork(registry, nodes, order, policy, inventory, refuse);
}

function checkClass(
  registry: Registry,
  id: NodeId,
  node: Readonly<WorkflowNode>,
  policy: Policy,
  refuse: (reason: PolicyReason) => void,
): NodeClass | undefined {
  const name = node.class_type;
  const nodeClass = registry.classes.get(name);
  if (nodeClass === undefined) {
    const message = `Node ${shown(id)}: this server has no node class ${shown(name)}. Use another class, or install the pack that has it.`;
    refuse({ code: 'unknown_class', message, nodeId: id });
    return undefined;
  }
  const why = whyClassDenied(nodeClass, policy);
  if (why !== undefined) {
    refuse({
      code: 'class_not_allowed',
      message: `Node ${shown(id)}: the class ${name} may not be used, because ${why}. Remove the node.`,
      nodeId: id,
    });
  }
  return nodeClass;
}

/** Every model file has to be read from disk and held: a list of them all would keep the server busy for hours. */
function checkModels(
  registry: Registry,
  nodes: Workflow,
  policy: Policy,
  refuse: (reason: PolicyReason) => void,
): void {
  const models = new Set<string>();
  for (const node of Object.values(nodes)) {
    const nodeClass = registry.classes.get(node.class_type);
    if (nodeClass === undefined) continue;
    for (const { folder, file } of modelFilesOf(nodeClass, node)) models.add(`${folder}/${file}`);
  }
  const { maxModels } = policy.limits;
  if (models.size <= maxModels) return;
  const message = `The workflow loads ${models.size} different model files; at most ${maxModels} are allowed. Use fewer.`;
  refuse({ code: 'too_much_work', message });
}

function checkDepth(
  nodes: Workflow,
  order: readonly NodeId[],
  policy: Policy,
  refuse: (reason: PolicyReason) => void,
): void {
  const depths = new Map<NodeId, number>();
  for (const id of order) {
    let depth = 1;
    for (const value of Object.values(nodes[id]?.inputs ?? {})) {
      const source = Array.isArray(value) ? value[0] : undefined;
      if (typeof source === 'string') depth = Math.max(depth, (depths.get(source) ?? 0) + 1);
    }
    depths.set(id, depth);
    if (depth > policy.limits.maxDepth) {
      refuse({
        code: 'too_large',
        message: `Node ${shown(id)} ends a chain of ${depth} nodes; at most ${policy.limits.maxDepth} may follow one another.`,
        nodeId: id,
      });
      return;
    }
  }
}
