import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { inputOf, nodeOf } from './links.ts';
import type { NodeId, Workflow, WorkflowNode } from './workflow.ts';
import { isLink } from './workflow.ts';

/** One difference between two workflows. Ids are those of the later workflow, except for `removed`. */
export type WorkflowChange =
  | { kind: 'added'; id: NodeId; classType: string }
  | { kind: 'removed'; id: NodeId; classType: string }
  | { kind: 'changed'; id: NodeId; classType: string; input: string; before: Json | undefined; after: Json | undefined }
  | {
      kind: 'rewired';
      id: NodeId;
      classType: string;
      input: string;
      before: Json | undefined;
      after: Json | undefined;
    };

export interface WorkflowDiff {
  changes: WorkflowChange[];
  /** One sentence a change, for people. */
  words: string[];
}

const MAX_SHOWN = 60;
/** Nodes of one class that are compared for the most alike; beyond them the order decides. */
const MAX_CANDIDATES = 50;

function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (a === undefined || b === undefined || typeof a !== typeof b || typeof a !== 'object') return false;
  return jsonText(a) === jsonText(b);
}

function jsonText(value: Json): string {
  return stringifyJson(value, { nonFinite: 'literal' });
}

/** How alike two nodes of one class are: titles, then equal literals. */
function similarity(a: Readonly<WorkflowNode>, b: Readonly<WorkflowNode>): number {
  let score = a._meta?.title !== undefined && a._meta.title === b._meta?.title ? 5 : 0;
  for (const [name, value] of Object.entries(a.inputs)) {
    if (!isLink(value) && equalJson(value, inputOf(b, name))) score += 1;
  }
  return score;
}

/** Pairs nodes of the two workflows: same id and class first, then the most alike of one class. */
function matchNodes(before: Workflow, after: Workflow): Map<NodeId, NodeId> {
  const pairs = new Map<NodeId, NodeId>();
  const taken = new Set<NodeId>();
  for (const [id, node] of Object.entries(before)) {
    if (nodeOf(after, id)?.class_type !== node.class_type) continue;
    pairs.set(id, id);
    taken.add(id);
  }
  const candidates = Map.groupBy(
    Object.entries(after).filter(([id]) => !taken.has(id)),
    ([, node]) => node.class_type,
  );
  for (const [id, node] of Object.entries(before)) {
    if (pairs.has(id)) continue;
    const rest = candidates.get(node.class_type) ?? [];
    let best = -1;
    let bestScore = -1;
    for (const [index, [, other]] of rest.slice(0, MAX_CANDIDATES).entries()) {
      const score = similarity(node, other);
      if (score > bestScore) [best, bestScore] = [index, score];
    }
    const [matched] = best === -1 ? [] : rest.splice(best, 1);
    if (matched !== undefined) pairs.set(id, matched[0]);
  }
  return pairs;
}

function showValue(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (isLink(value)) return value[1] === 0 ? value[0] : `${value[0]}[${value[1]}]`;
  const text = jsonText(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function showNode(id: NodeId, classType: string): string {
  return id === classType ? id : `${id} (${classType})`;
}

/**
 * Compares two workflows by what they do: node ids that merely moved do not count, nor does the order of nodes and
 * inputs. Links are compared by where they come from.
 */
export function diffWorkflows(before: Workflow, after: Workflow): WorkflowDiff {
  const pairs = matchNodes(before, after);
  const matched = new Set(pairs.values());
  const changes: WorkflowChange[] = [];
  for (const [id, node] of Object.entries(before)) {
    const partner = pairs.get(id);
    const other = partner === undefined ? undefined : nodeOf(after, partner);
    if (partner === undefined || other === undefined) {
      changes.push({ kind: 'removed', id, classType: node.class_type });
      continue;
    }
    for (const input of new Set([...Object.keys(node.inputs), ...Object.keys(other.inputs)])) {
      const old = inputOf(node, input);
      const now = inputOf(other, input);
      const moved: Json | undefined = isLink(old) ? [pairs.get(old[0]) ?? old[0], old[1]] : old;
      // The same id, but of another node than before.
      const replaced = isLink(old) && isLink(now) && !pairs.has(old[0]) && nodeOf(after, now[0]) !== undefined;
      const same = !replaced && equalJson(moved, now);
      if (same) continue;
      const kind = isLink(old) || isLink(now) ? 'rewired' : 'changed';
      changes.push({ kind, id: partner, classType: other.class_type, input, before: old, after: now });
    }
  }
  for (const [id, node] of Object.entries(after)) {
    if (!matched.has(id)) changes.push({ kind: 'added', id, classType: node.class_type });
  }
  return { changes, words: changes.map(describeChange) };
}

function describeChange(change: WorkflowChange): string {
  const name = showNode(change.id, change.classType);
  switch (change.kind) {
    case 'added':
      return `added ${name}`;
    case 'removed':
      return `removed ${name}`;
    case 'rewired':
      return `${name}: ${change.input} now comes from ${showValue(change.after)} instead of ${showValue(change.before)}`;
    case 'changed':
      break;
  }
  return `${name}: ${change.input} ${showValue(change.before)} → ${showValue(change.after)}`;
}
