import type { NodeId, Workflow, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';
import type { NodeClass, Registry } from '@atelier/comfyui/registry/registry';
import type { SimClock } from '../clock/sim-clock.ts';
import type { NodeFaults, NodePlace } from '../faults/fault-board.ts';
import type { FileStore } from '../files/file-store.ts';
import { runGeneric } from '../nodes/generic-node.ts';
import { checkMemory } from '../nodes/work-on-pixels.ts';
import { NodeException, NodeInterrupted } from '../nodes/node-context.ts';
import type { NodeContext, NodeImplementation, NodeLibrary, NodeResult } from '../nodes/node-context.ts';
import type { SimValue } from '../nodes/sim-value.ts';
import { createSharedPreview, encodePreview } from '../picture/encode-preview.ts';
import type { Picture } from '../picture/picture.ts';
import type { GpuMemory } from '../profile/gpu-memory.ts';
import type { ServiceProfile } from '../profile/service-profile.ts';
import type { QueuedPrompt } from '../queue/prompt-queue.ts';
import { blockedData } from './error-messages.ts';
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
  result: (id: NodeId) => CachedNode | undefined;
  /** Makes `to` wait for `from`. */
  link: (from: NodeId, to: NodeId) => void;
  executed: ReadonlySet<NodeId>;
}

export type NodeStep =
  | { kind: 'done'; outputs: readonly SimValue[]; ui: CachedNode['ui'] }
  /** It asked for lazy inputs and comes again. */
  | { kind: 'waits' }
  | { kind: 'expanded'; nodes: Workflow; outputs: readonly (SimValue | { link: [NodeId, number] })[] };

export interface NodeRunner {
  run: (id: NodeId, scope: RunScope) => Promise<NodeStep>;
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
  pacerFor: (item: QueuedPrompt) => Pacer;
  /** Takes the interrupt flag: true once for each interrupt. */
  takeInterrupt: () => boolean;
  emptyModels: ReadonlySet<string>;
  /** Whether the session is over: then errors are its end, not a node's. */
  isEnded: () => boolean;
  /** Resolves at once, or when a fault that stops the executor is lifted. */
  whileStuck: () => Promise<void>;
  /** Resolves at once, or when no fault holds a prompt in that node any more, or it is interrupted. */
  whileHeld: (at: NodePlace) => Promise<void>;
  objectState: (id: NodeId, classType: string) => Map<string, string>;
  randomLetters: (count: number) => string;
}

/** Runs single nodes: inputs, lazy inputs, blocked branches, progress and previews. */
export function createNodeRunner(dependencies: NodeRunnerDependencies): NodeRunner {
  const { events, registry, library, faults } = dependencies;
  const sharedPreview = createSharedPreview();

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

  async function tick(
    id: NodeId,
    scope: RunScope,
    value: number,
    max: number,
    picture: Picture | undefined,
    isHurried: boolean,
  ): Promise<void> {
    const { item, clientId, progress, graph } = scope;
    await dependencies.whileStuck();
    await dependencies.whileHeld({ nodeId: id, nodeClass: graph.node(id)?.class_type ?? '', promptId: item.promptId });
    if (dependencies.takeInterrupt()) throw new NodeInterrupted('interrupted');
    const jpeg =
      picture !== undefined && dependencies.sendsPreviews
        ? await (isHurried ? sharedPreview(picture) : encodePreview(picture, value / max))
        : undefined;
    progress.update(id, value, max);
    events.send('progress_state', progress.json(), clientId);
    const withMetadata = events.wantsMetadata(clientId);
    if (jpeg !== undefined && withMetadata) {
      events.sendPreview(
        jpeg,
        { node_id: id, prompt_id: item.promptId, ...graph.identity(id), image_type: 'image/jpeg' },
        clientId,
      );
    }
    events.send('progress', { value, max, prompt_id: item.promptId, node: id }, clientId);
    if (jpeg !== undefined && !withMetadata) events.sendPlainPreview(jpeg, 'jpeg', clientId);
  }

  /** Tells the client that a node starts. */
  function announce(id: NodeId, scope: RunScope): void {
    const { item, clientId, graph, progress } = scope;
    const { display_node_id: displayNode } = graph.identity(id);
    progress.start(id);
    events.send('progress_state', progress.json(), clientId);
    events.noteNode(displayNode);
    if (clientId === undefined) return;
    events.send('executing', { node: id, display_node: displayNode, prompt_id: item.promptId }, clientId);
  }

  async function execute(
    implementation: NodeImplementation,
    context: NodeContext,
    scope: RunScope,
  ): Promise<NodeResult> {
    if (dependencies.takeInterrupt()) throw new NodeInterrupted('interrupted');
    const classType = context.nodeClass.name;
    const fault = faults.takeNodeFault({ nodeId: context.id, nodeClass: classType, promptId: scope.item.promptId });
    if (fault !== undefined) throw new NodeException(fault.exceptionType, fault.message);
    await context.work(dependencies.profile.nodeMs[classType] ?? dependencies.profile.defaultNodeMs);
    try {
      const result = await implementation.run(context);
      for (const output of result.outputs) {
        // Pictures are drawn when they are looked at: a batch that is too large is refused before.
        if (output.kind === 'image') checkMemory(output.pictures[0], new Set(output.pictures).size);
      }
      return result;
    } catch (error) {
      if (error instanceof NodeException || error instanceof NodeInterrupted || dependencies.isEnded()) throw error;
      // What Python would have raised at a picture or value that cannot be worked on.
      throw new NodeException('RuntimeError', error instanceof Error ? error.message : 'unknown failure', {
        cause: error,
      });
    }
  }

  return {
    run: async (id, scope) => {
      const node = scope.graph.node(id);
      const nodeClass = registry.classes.get(node?.class_type ?? '');
      if (node === undefined || nodeClass === undefined) throw new NodeException('KeyError', `'${id}'`);
      await dependencies.whileStuck();
      announce(id, scope);
      await dependencies.whileHeld({ nodeId: id, nodeClass: nodeClass.name, promptId: scope.item.promptId });
      const implementation: NodeImplementation = library.get(nodeClass.name) ?? { run: runGeneric };
      const context = contextOf(id, node, nodeClass, scope);
      const wanted = wantedLinks(implementation, context);
      for (const from of wanted) scope.link(from, id);
      if (wanted.length > 0) return { kind: 'waits' };
      const { item, clientId } = scope;
      const blocked = [...context.inputs.values()].find((value) => value.kind === 'blocked');
      if (blocked?.kind === 'blocked') {
        if (blocked.message !== undefined && clientId !== undefined) {
          const data = blockedData(item.promptId, id, node.class_type, scope.executed, blocked.message);
          events.send('execution_error', data, clientId);
        }
        return { kind: 'done', outputs: nodeClass.outputs.map(() => silentBlock), ui: undefined };
      }
      const result = await execute(implementation, context, scope);
      if (result.expansion !== undefined) return { kind: 'expanded', ...result.expansion };
      if (result.ui === undefined) return { kind: 'done', outputs: result.outputs, ui: undefined };
      if (clientId !== undefined) {
        const shown = { display_node: scope.graph.identity(id).display_node_id, output: result.ui };
        events.send('executed', { node: id, ...shown, prompt_id: item.promptId }, clientId);
      }
      return { kind: 'done', outputs: result.outputs, ui: { output: result.ui, meta: uiMeta(id, scope) } };
    },
  };
}

/** What a blocked node hands on: its message has been said. */
const silentBlock: SimValue = { kind: 'blocked', message: undefined };

/** Nodes behind the lazy inputs that the class asks for and does not have yet. */
function wantedLinks(implementation: NodeImplementation, context: NodeContext): NodeId[] {
  return (implementation.wantedInputs?.(context) ?? []).flatMap((name) => {
    const value = context.node.inputs[name];
    return isLink(value) && !context.inputs.has(name) ? [value[0]] : [];
  });
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
    const resolved: SimValue | undefined = isLink(value)
      ? scope.result(value[0])?.outputs[value[1]]
      : { kind: 'literal', value };
    if (resolved !== undefined) inputs.set(name, resolved);
  }
  return inputs;
}
