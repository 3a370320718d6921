import type { NodeId, Workflow, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';
import type { NodeClass, Registry } from '@atelier/comfyui/registry/registry';
import type { SimClock } from '../clock/sim-clock.ts';
import type { NodeFaults } from '../faults/fault-board.ts';
import type { FileStore } from '../files/file-store.ts';
import { runGeneric } from '../nodes/generic-node.ts';
import { NodeException, NodeInterrupted } from '../nodes/node-context.ts';
import type { NodeContext, NodeImplementation, NodeLibrary } from '../nodes/node-context.ts';
import type { SimValue } from '../nodes/sim-value.ts';
import { encodePreview } from '../picture/encode-preview.ts';
import type { Picture } from '../picture/picture.ts';
import type { GpuMemory } from '../profile/gpu-memory.ts';
import type { ServiceProfile } from '../profile/service-profile.ts';
import type { QueuedPrompt } from '../queue/prompt-queue.ts';
import type { DynamicGraph } from './dynamic-graph.ts';
import type { CachedNode } from './output-cache.ts';
import type { Pacer } from './pacer.ts';
import type { ProgressState } from './progress-state.ts';
import type { RunEvents } from './run-events.ts';

/** What one prompt's nodes share. */
export interface RunScope {
  item: QueuedPrompt;
  clientId: string | undefined;
  graph: DynamicGraph;
  progress: ProgressState;
  /** What a node gave, in this run or out of the cache. */
  result(id: NodeId): CachedNode | undefined;
  /** Makes `to` wait for `from`. */
  link(from: NodeId, to: NodeId): void;
  executed: ReadonlySet<NodeId>;
}

export type NodeStep =
  | { kind: 'done'; outputs: readonly SimValue[]; ui: CachedNode['ui'] }
  /** It asked for lazy inputs and comes again. */
  | { kind: 'waits' }
  | { kind: 'expanded'; nodes: Workflow; outputs: readonly (SimValue | { link: [NodeId, number] })[] };

export interface NodeRunner {
  run(id: NodeId, scope: RunScope): Promise<NodeStep>;
}

export interface NodeRunnerDependencies {
  registry: Registry;
  library: NodeLibrary;
  events: RunEvents;
  files: FileStore;
  gpu: GpuMemory;
  profile: ServiceProfile;
  clock: SimClock;
  faults: NodeFaults;
  sendsPreviews: boolean;
  /** Time for one prompt. */
  pacerFor(item: QueuedPrompt): Pacer;
  /** Takes the interrupt flag: true once for each interrupt. */
  takeInterrupt(): boolean;
  emptyModels: ReadonlySet<string>;
  /** Resolves at once, or when a fault that stops the executor is lifted. */
  whileStuck(): Promise<void>;
  objectState(id: NodeId, classType: string): Map<string, string>;
  randomLetters(count: number): string;
}

/** Runs single nodes: inputs, lazy inputs, blocked branches, progress and previews. */
export function createNodeRunner(dependencies: NodeRunnerDependencies): NodeRunner {
  const { events, registry, library, faults } = dependencies;

  function contextOf(id: NodeId, node: Readonly<WorkflowNode>, nodeClass: NodeClass, scope: RunScope): NodeContext {
    const pacer = dependencies.pacerFor(scope.item);
    const pngInfo = scope.item.extraData['extra_pnginfo'];
    return {
      id,
      node,
      nodeClass,
      inputs: resolveInputs(node, scope),
      prompt: scope.item.prompt,
      extraPngInfo: typeof pngInfo === 'object' && pngInfo !== null && !Array.isArray(pngInfo) ? pngInfo : undefined,
      files: dependencies.files,
      gpu: dependencies.gpu,
      profile: dependencies.profile,
      clock: dependencies.clock,
      emptyModels: dependencies.emptyModels,
      isHurried: pacer.isHurried,
      objectState: dependencies.objectState(id, node.class_type),
      randomLetters: dependencies.randomLetters,
      work: pacer.work,
      tick: async (value, max, preview) => {
        await pacer.step();
        await tick(id, scope, value, max, preview, pacer.isHurried);
      },
      sendPicture: (bytes) => events.sendPlainPreview(bytes, 'png', scope.clientId),
    };
  }

  async function tick(id: NodeId, scope: RunScope, value: number, max: number, picture: Picture | undefined, isHurried: boolean): Promise<void> {
    await dependencies.whileStuck();
    if (dependencies.takeInterrupt()) throw new NodeInterrupted('interrupted');
    const { item, clientId, progress, graph } = scope;
    const jpeg = picture !== undefined && dependencies.sendsPreviews ? await encodePreview(picture, value / max, isHurried) : undefined;
    progress.update(id, value, max);
    events.send('progress_state', progress.json(), clientId);
    const withMetadata = events.wantsMetadata(clientId);
    if (jpeg !== undefined && withMetadata) {
      events.sendPreview(jpeg, { node_id: id, prompt_id: item.promptId, ...graph.identity(id), image_type: 'image/jpeg' }, clientId);
    }
    events.send('progress', { value, max, prompt_id: item.promptId, node: id }, clientId);
    if (jpeg !== undefined && !withMetadata) events.sendPlainPreview(jpeg, 'jpeg', clientId);
  }

  return {
    run: async (id, scope) => {
      const node = scope.graph.node(id);
      const nodeClass = registry.classes.get(node?.class_type ?? '');
      if (node === undefined || nodeClass === undefined) throw new NodeException('KeyError', `'${id}'`);
      const { item, clientId, graph, progress } = scope;
      const { display_node_id: displayNode } = graph.identity(id);
      await dependencies.whileStuck();
      progress.start(id);
      events.send('progress_state', progress.json(), clientId);
      events.noteNode(displayNode);
      if (clientId !== undefined) {
        events.send('executing', { node: id, display_node: displayNode, prompt_id: item.promptId }, clientId);
      }
      const implementation: NodeImplementation = library.get(nodeClass.name) ?? { run: runGeneric };
      const context = contextOf(id, node, nodeClass, scope);
      const wanted = (implementation.wantedInputs?.(context) ?? []).filter((name) => isLink(node.inputs[name]) && !context.inputs.has(name));
      if (wanted.length > 0) {
        for (const name of wanted) {
          const value = node.inputs[name];
          if (isLink(value)) scope.link(value[0], id);
        }
        return { kind: 'waits' };
      }
      const blocked = [...context.inputs.values()].find((value) => value.kind === 'blocked');
      if (blocked?.kind === 'blocked' && implementation.takesBlocked !== true) {
        if (blocked.message !== undefined && clientId !== undefined) {
          events.send('execution_error', blockedData(item, id, node.class_type, scope.executed, blocked.message), clientId);
        }
        return { kind: 'done', outputs: nodeClass.outputs.map(() => ({ kind: 'blocked', message: undefined })), ui: undefined };
      }
      if (dependencies.takeInterrupt()) throw new NodeInterrupted('interrupted');
      const fault = faults.takeNodeFault(id, node.class_type, item.promptId);
      if (fault !== undefined) throw new NodeException(fault.exceptionType, fault.message);
      await context.work(dependencies.profile.nodeMs[node.class_type] ?? dependencies.profile.defaultNodeMs);
      const result = await implementation.run(context);
      if (result.expansion !== undefined) return { kind: 'expanded', ...result.expansion };
      if (result.ui === undefined) return { kind: 'done', outputs: result.outputs, ui: undefined };
      if (clientId !== undefined) {
        events.send('executed', { node: id, display_node: displayNode, output: result.ui, prompt_id: item.promptId }, clientId);
      }
      return { kind: 'done', outputs: result.outputs, ui: { output: result.ui, meta: uiMeta(id, scope) } };
    },
  };
}

function uiMeta(id: NodeId, scope: RunScope): JsonObject {
  const identity = scope.graph.identity(id);
  return {
    node_id: id,
    display_node: identity.display_node_id,
    parent_node: identity.parent_node_id,
    real_node_id: identity.real_node_id,
  };
}

function resolveInputs(node: Readonly<WorkflowNode>, scope: RunScope): Map<string, SimValue> {
  const inputs = new Map<string, SimValue>();
  for (const [name, value] of Object.entries(node.inputs)) {
    const resolved: SimValue | undefined = isLink(value) ? scope.result(value[0])?.outputs[value[1]] : { kind: 'literal', value };
    if (resolved !== undefined) inputs.set(name, resolved);
  }
  return inputs;
}

function blockedData(item: QueuedPrompt, id: NodeId, classType: string, executed: ReadonlySet<NodeId>, message: string): JsonObject {
  return {
    prompt_id: item.promptId,
    node_id: id,
    node_type: classType,
    executed: [...executed],
    exception_message: `Execution Blocked: ${message}`,
    exception_type: 'ExecutionBlocked',
    traceback: [],
    current_inputs: [],
    current_outputs: [],
  };
}
