import type { NodeId } from '@atelier/comfyui/graph/workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';

/** What went wrong in a node. */
export interface NodeFailure {
  nodeId: NodeId;
  classType: string;
  message: string;
  exceptionType: string;
  inputs: JsonObject;
}

/** The data of `execution_error`, without its timestamp. `allNodes` is what ComfyUI calls `current_outputs`. */
export function errorData(
  promptId: string,
  failure: NodeFailure,
  executed: ReadonlySet<NodeId>,
  allNodes: readonly NodeId[],
): JsonObject {
  return {
    prompt_id: promptId,
    node_id: failure.nodeId,
    node_type: failure.classType,
    executed: [...executed],
    exception_message: failure.message,
    exception_type: failure.exceptionType,
    traceback: ['  File "execution.py", line 1, in execute\n'],
    current_inputs: failure.inputs,
    current_outputs: [...allNodes],
  };
}

/** The data of the `execution_error` that a blocked branch with a message sends, while the run goes on. */
export function blockedData(
  promptId: string,
  nodeId: NodeId,
  classType: string,
  executed: ReadonlySet<NodeId>,
  message: string,
): JsonObject {
  return {
    prompt_id: promptId,
    node_id: nodeId,
    node_type: classType,
    executed: [...executed],
    exception_message: `Execution Blocked: ${message}`,
    exception_type: 'ExecutionBlocked',
    traceback: [],
    current_inputs: [],
    current_outputs: [],
  };
}
