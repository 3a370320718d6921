import type { NodeId, Workflow, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { ExecutionGraph } from './execution-list.ts';
import type { NodeIdentity } from './progress-state.ts';

/** A prompt and the nodes that grew while it ran (ComfyUI's DynamicPrompt). */
export interface DynamicGraph extends ExecutionGraph {
  /** Adds nodes that take the place of `parent`. */
  grow: (parent: NodeId, nodes: Workflow) => void;
  identity: (id: NodeId) => NodeIdentity;
  /** The prompt with all that grew. */
  whole: () => Workflow;
}

export function createDynamicGraph(workflow: Workflow, registry: Registry): DynamicGraph {
  const nodes = new Map<NodeId, Readonly<WorkflowNode>>(Object.entries(workflow));
  const parents = new Map<NodeId, NodeId>();
  const classOf = (id: NodeId) => registry.classes.get(nodes.get(id)?.class_type ?? '');

  return {
    node: (id) => nodes.get(id),
    isOutput: (id) => classOf(id)?.isOutputNode === true,
    isAsync: (id) => classOf(id)?.isApiNode === true,
    isLazyInput: (id, input) => classOf(id)?.inputsByName.get(input)?.lazy === true,
    grow: (parent, more) => {
      for (const [id, node] of Object.entries(more)) {
        nodes.set(id, node);
        parents.set(id, parent);
      }
    },
    identity: (id) => {
      let real = id;
      for (let parent = parents.get(real); parent !== undefined; parent = parents.get(real)) real = parent;
      return { display_node_id: real, parent_node_id: parents.get(id) ?? null, real_node_id: real };
    },
    whole: () => Object.fromEntries(nodes),
  };
}
