import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { toRecord } from './parse-workflow.ts';
import type { Link, NodeId, Workflow, WorkflowNode } from './workflow.ts';
import { isLink } from './workflow.ts';

/** A typed end of a link: output `slot` of a node, known to carry `Type` (such as `'MODEL'`). */
export interface OutputHandle<Type extends string = string> {
  readonly kind: 'output';
  readonly node: NodeId;
  readonly slot: number;
  readonly type: Type;
}

/** What a node input can be set to while building. */
export type InputValue = Json | OutputHandle;

/** A node that was added, for linking from it. */
export interface NodeHandle {
  readonly id: NodeId;
  /** Output by index; `type` documents what flows there and lets the compiler keep kinds apart. */
  output<Type extends string>(slot: number, type: Type): OutputHandle<Type>;
}

export interface AddOptions {
  /** Default: the next free number. */
  id?: NodeId;
  title?: string;
}

/** A builder that grows by returning new builders: an earlier one stays what it was. */
export interface GraphBuilder {
  readonly workflow: Workflow;
  /** Adds a node. @throws ComfyError `invalid_value` when the id is taken. */
  add(
    classType: string,
    inputs?: Readonly<Record<string, InputValue>>,
    options?: AddOptions,
  ): { graph: GraphBuilder; node: NodeHandle };
  /** Sets one input. @throws ComfyError `unknown_name` when the node does not exist. */
  set(node: NodeId | NodeHandle, input: string, value: InputValue): GraphBuilder;
  /** Removes a node; links to it stay and are reported by validation. */
  remove(node: NodeId | NodeHandle): GraphBuilder;
}

function isOutputHandle(value: InputValue): value is OutputHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'kind' in value &&
    value['kind'] === 'output' &&
    typeof value['node'] === 'string' &&
    typeof value['slot'] === 'number'
  );
}

function toInput(value: InputValue): Json {
  if (!isOutputHandle(value)) return value;
  const link: Link = [value.node, value.slot];
  return link;
}

function nextId(workflow: Workflow): NodeId {
  let highest = 0;
  for (const id of Object.keys(workflow)) {
    if (/^\d{1,15}$/.test(id)) highest = Math.max(highest, Number(id));
  }
  return String(highest + 1);
}

/** Starts a builder, from nothing or from an existing workflow. */
export function createGraph(workflow: Workflow = {}): GraphBuilder {
  const nodeFor = (node: NodeId | NodeHandle): [NodeId, Readonly<WorkflowNode>] => {
    const id = typeof node === 'string' ? node : node.id;
    const found = Object.hasOwn(workflow, id) ? workflow[id] : undefined;
    if (found === undefined) throw new ComfyError('unknown_name', `The workflow has no node "${id}".`);
    return [id, found];
  };
  const withNode = (id: NodeId, node: Readonly<WorkflowNode>): Workflow =>
    toRecord([...Object.entries(workflow).filter(([key]) => key !== id), [id, node] as const]);
  return {
    workflow,
    add(classType, inputs = {}, options = {}) {
      const id = options.id ?? nextId(workflow);
      if (Object.hasOwn(workflow, id)) throw new ComfyError('invalid_value', `There is already a node "${id}".`);
      const node: WorkflowNode = {
        class_type: classType,
        inputs: toRecord(Object.entries(inputs).map(([key, value]) => [key, toInput(value)] as const)),
        ...(options.title === undefined ? {} : { _meta: { title: options.title } }),
      };
      return {
        graph: createGraph(withNode(id, node)),
        node: { id, output: (slot, type) => ({ kind: 'output', node: id, slot, type }) },
      };
    },
    set(node, input, value) {
      const [id, found] = nodeFor(node);
      const inputs = toRecord([
        ...Object.entries(found.inputs).filter(([key]) => key !== input),
        [input, toInput(value)] as const,
      ]);
      return createGraph(
        toRecord(Object.entries(workflow).map(([key, old]) => [key, key === id ? { ...found, inputs } : old] as const)),
      );
    },
    remove(node) {
      const [id] = nodeFor(node);
      return createGraph(toRecord(Object.entries(workflow).filter(([key]) => key !== id)));
    },
  };
}

/**
 * Joins two workflows. Ids of `added` that are taken get new ones, and its own links follow.
 *
 * @returns the joined workflow, and where each node of `added` went.
 */
export function mergeWorkflows(
  base: Workflow,
  added: Workflow,
): { workflow: Workflow; ids: ReadonlyMap<NodeId, NodeId> } {
  const taken = new Set(Object.keys(base));
  const ids = new Map<NodeId, NodeId>();
  let counter = Number(nextId({ ...base, ...added }));
  for (const id of Object.keys(added)) {
    if (!taken.has(id)) {
      ids.set(id, id);
    } else {
      ids.set(id, String(counter));
      counter += 1;
    }
  }
  const moved = Object.entries(added).map(([id, node]) => {
    const inputs = toRecord(
      Object.entries(node.inputs).map(([key, value]) => {
        const target = isLink(value) ? ids.get(value[0]) : undefined;
        return [key, isLink(value) && target !== undefined ? ([target, value[1]] satisfies Link) : value] as const;
      }),
    );
    return [ids.get(id) ?? id, { ...node, inputs }] as const;
  });
  return { workflow: toRecord([...Object.entries(base), ...moved]), ids };
}
