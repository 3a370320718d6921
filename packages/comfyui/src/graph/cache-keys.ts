import { createHash } from 'node:crypto';
import { ComfyError } from '../errors/comfy-error.ts';
import { inputOf, nodeOf } from './links.ts';
import type { Json } from '../json/json.ts';
import type { NodeId, Workflow, WorkflowNode } from './workflow.ts';
import { isLink } from './workflow.ts';

export interface CacheKeyOptions {
  /**
   * What the node's IS_CHANGED / fingerprint would give: for `LoadImage` the content hash of its file, for a node that
   * always runs something new each time. Undefined where the class has none.
   */
  changeToken?: (id: NodeId, node: Readonly<WorkflowNode>) => string | undefined;
  /** Whether the class puts its node id into the signature (NOT_IDEMPOTENT, or a hidden UNIQUE_ID input). */
  includesNodeId?: (classType: string) => boolean;
}

/** Deeper than any JSON that `parseJson` reads: such a value contains itself. */
const maxDepth = 1_000;

/** A key holds all ancestors, so that the work grows with the square of a chain's length: these take about a second. */
const maxPairs = 1_000_000;

/** Python compares 1, 1.0 and True as equal, and so does a signature. */
function canonicalValue(value: Json, depth = 0): string {
  if (depth > maxDepth) throw new ComfyError('too_large', `An input is nested deeper than ${maxDepth}.`);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalValue(item, depth + 1)).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalValue(value[key] ?? null, depth + 1)}`).join(',')}}`;
}

/** Code-point order, as Python sorts strings. */
function comparePython(a: string, b: string): number {
  if (a === b) return 0;
  const left = Array.from(a, (c) => c.codePointAt(0) ?? 0);
  const right = Array.from(b, (c) => c.codePointAt(0) ?? 0);
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function sortedInputs(node: Readonly<WorkflowNode>): string[] {
  return Object.keys(node.inputs).sort(comparePython);
}

/** Ancestors of a node in the order that a depth-first walk over sorted input names first meets them. */
function orderedAncestry(workflow: Workflow, id: NodeId, keys: ReadonlyMap<NodeId, string[]>): Map<NodeId, number> {
  const order = new Map<NodeId, number>();
  const path: { node: Readonly<WorkflowNode>; names: string[]; next: number }[] = [];
  const enter = (nodeId: NodeId): void => {
    const node = nodeOf(workflow, nodeId);
    if (node !== undefined) path.push({ node, names: keys.get(nodeId) ?? [], next: 0 });
  };
  enter(id);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const name = top.names[top.next];
    top.next += 1;
    if (name === undefined) {
      path.pop();
      continue;
    }
    const value = inputOf(top.node, name);
    if (isLink(value) && !order.has(value[0])) {
      order.set(value[0], order.size);
      enter(value[0]);
    }
  }
  return order;
}

/** @throws ComfyError `too_large` past {@link maxPairs}, before the costly part of the work. */
function checkPairs(workflow: Workflow, names: ReadonlyMap<NodeId, string[]>): void {
  const ids = Object.keys(workflow);
  if (ids.length ** 2 <= maxPairs) return;
  let pairs = 0;
  for (const id of ids) {
    pairs += orderedAncestry(workflow, id, names).size;
    if (pairs <= maxPairs) continue;
    throw new ComfyError('too_large', 'The workflow has too many nodes on top of one another for cache keys.', {
      hint: 'Split it: a chain of up to 1,400 nodes can be compared.',
    });
  }
}

/**
 * The key under which ComfyUI caches each node's output: equal keys mean that the second run reuses the first's result.
 *
 * Follows `CacheKeySetInputSignature` of comfy_execution/caching.py (0.3.64 to 0.8.0): the node and all its ancestors,
 * each as class, IS_CHANGED value, own id where the class asks for it, and inputs by sorted name with links as ancestor
 * index and slot. Node ids otherwise do not matter, so a renumbered workflow keeps its keys.
 *
 * @returns SHA-256 in hex by node id. A node with a link to a missing node gets a key that equals nothing.
 * @throws ComfyError `too_large` for an input that contains itself, and for more than a million pairs of node and ancestor.
 */
export function cacheKeys(workflow: Workflow, options: CacheKeyOptions = {}): Map<NodeId, string> {
  const names = new Map(Object.entries(workflow).map(([id, node]) => [id, sortedInputs(node)] as const));
  checkPairs(workflow, names);
  const result = new Map<NodeId, string>();
  for (const id of Object.keys(workflow)) {
    const ancestry = orderedAncestry(workflow, id, names);
    const hash = createHash('sha256');
    const addNode = (nodeId: NodeId): void => {
      const node = nodeOf(workflow, nodeId);
      if (node === undefined) {
        hash.update(`missing ${id}\n`);
        return;
      }
      const own = options.includesNodeId?.(node.class_type) === true ? nodeId : null;
      hash.update(JSON.stringify([node.class_type, options.changeToken?.(nodeId, node) ?? false, own]));
      for (const name of names.get(nodeId) ?? []) {
        const value = inputOf(node, name) ?? null;
        const part = isLink(value) ? `@${ancestry.get(value[0]) ?? -1}:${value[1]}` : canonicalValue(value);
        hash.update(`${JSON.stringify(name)}=${part};`);
      }
      hash.update('\n');
    };
    addNode(id);
    for (const ancestor of ancestry.keys()) addNode(ancestor);
    result.set(id, hash.digest('hex'));
  }
  return result;
}

/**
 * The nodes that ComfyUI would take from its cache (its default, which keeps the outputs of the last run alone).
 *
 * @param executed the node ids of `previous` that finished, where the previous run did not: default all.
 */
export function cachedNodes(
  previous: Workflow,
  next: Workflow,
  options: CacheKeyOptions & { executed?: ReadonlySet<NodeId> } = {},
): Set<NodeId> {
  const known = new Set<string>();
  for (const [id, key] of cacheKeys(previous, options)) {
    if (options.executed === undefined || options.executed.has(id)) known.add(key);
  }
  const cached = new Set<NodeId>();
  for (const [id, key] of cacheKeys(next, options)) if (known.has(key)) cached.add(id);
  return cached;
}
