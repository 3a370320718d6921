import type { NodeId } from '@atelier/comfyui/graph/workflow';
import { cacheKeys } from '@atelier/comfyui/graph/cache-keys';
import type { CacheKeyOptions } from '@atelier/comfyui/graph/cache-keys';
import type { JsonObject } from '@atelier/comfyui/json/json';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { NodeException, NodeInterrupted } from '../nodes/node-context.ts';
import type { SimValue } from '../nodes/sim-value.ts';
import type { HistoryMessage, PromptResult, QueuedPrompt } from '../queue/prompt-queue.ts';
import { createDynamicGraph } from './dynamic-graph.ts';
import { createExecutionList } from './execution-list.ts';
import type { CachedNode, OutputCache } from './output-cache.ts';
import { createProgressState } from './progress-state.ts';
import type { RunEvents } from './run-events.ts';
import type { NodeRunner, NodeStep, RunScope } from './run-node.ts';
import { formatInputs } from './format-inputs.ts';

export interface RunDependencies {
  registry: Registry;
  cache: OutputCache;
  events: RunEvents;
  runner: NodeRunner;
  now(): number;
  /** What IS_CHANGED gives, by node. */
  changeTokens(item: QueuedPrompt): Promise<NonNullable<CacheKeyOptions['changeToken']>>;
  /** Frees memory after an out-of-memory error. */
  unloadModels(): void;
}

/** A finished run, and what the execution log tells of it. */
export interface PromptRun extends PromptResult {
  outcome: 'success' | 'error' | 'interrupted';
  executed: readonly NodeId[];
  cached: readonly NodeId[];
}

const outOfMemoryTips =
  'This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.';

/**
 * Runs one prompt as ComfyUI's PromptExecutor does: messages, order, caching, blocked branches, lazy inputs and
 * expansion (execution.py, 0.3.64 and 0.8.0).
 *
 * Rejects only when the simulator stops; what nodes do wrong is a result.
 */
export async function runPrompt(item: QueuedPrompt, dependencies: RunDependencies): Promise<PromptRun> {
  const { registry, cache, events, runner } = dependencies;
  const { promptId } = item;
  const clientId = typeof item.extraData['client_id'] === 'string' ? item.extraData['client_id'] : undefined;
  const messages: HistoryMessage[] = [];
  events.noteClient(clientId);

  const addMessage = (type: string, data: JsonObject, isForAll = false): void => {
    const stamped = { ...data, timestamp: dependencies.now() };
    messages.push([type, stamped]);
    if (clientId !== undefined || isForAll) events.send(type, stamped, clientId);
  };

  addMessage('execution_start', { prompt_id: promptId });
  const graph = createDynamicGraph(item.workflow, registry);
  const keyOptions: CacheKeyOptions = {
    changeToken: await dependencies.changeTokens(item),
    includesNodeId: (classType) => [...(registry.classes.get(classType)?.hidden.values() ?? [])].includes('UNIQUE_ID'),
  };
  cache.begin(cacheKeys(item.workflow, keyOptions));
  const cached = item.nodeOrder.filter((id) => cache.get(id) !== undefined);
  addMessage('execution_cached', { nodes: cached, prompt_id: promptId });

  const executed = new Set<NodeId>();
  const results = new Map<NodeId, CachedNode>();
  const progress = createProgressState(promptId, graph.identity);
  const list = createExecutionList(graph, (id) => cache.get(id) !== undefined);
  const scope: RunScope = {
    item,
    clientId,
    graph,
    progress,
    result: (id) => results.get(id) ?? cache.get(id),
    link: (from, to) => list.addLink(from, to),
    executed,
  };
  for (const id of item.outputs) list.add(id);

  const finishNode = (id: NodeId): void => {
    progress.finish(id);
    events.send('progress_state', progress.json(), clientId);
  };

  /** Nodes that wait for the ones that took their place. */
  const expanded = new Map<NodeId, NonNullable<NodeStep & { kind: 'expanded' }>['outputs']>();

  const settle = (id: NodeId, outputs: readonly SimValue[], ui: CachedNode['ui']): void => {
    const value: CachedNode = ui === undefined ? { outputs } : { outputs, ui };
    results.set(id, value);
    cache.set(id, value);
    finishNode(id);
    executed.add(id);
    list.complete(id);
  };

  let outcome: PromptRun['outcome'] = 'success';
  while (!list.isEmpty()) {
    const id = list.pick();
    if (id === undefined) {
      outcome = 'error';
      const blamed = list.pending()[0] ?? '';
      addMessage('execution_error', errorData(item, blamed, graph.node(blamed)?.class_type, executed, list.pending(), {
        message: 'Dependency cycle detected',
        type: 'graph.DependencyCycleError',
        inputs: {},
      }));
      break;
    }
    const ready = cache.get(id);
    if (ready !== undefined) {
      if (clientId !== undefined) {
        const { display_node_id: displayNode } = graph.identity(id);
        events.send('executed', { node: id, display_node: displayNode, output: ready.ui?.output ?? null, prompt_id: promptId }, clientId);
      }
      finishNode(id);
      list.complete(id);
      continue;
    }
    try {
      const waiting = expanded.get(id);
      if (waiting !== undefined) {
        expanded.delete(id);
        settle(id, waiting.map((output) => ('link' in output ? (scope.result(output.link[0])?.outputs[output.link[1]] ?? { kind: 'literal', value: null }) : output)), undefined);
        continue;
      }
      const step = await runner.run(id, scope);
      if (step.kind === 'waits') continue;
      if (step.kind === 'expanded') {
        graph.grow(id, step.nodes);
        const keys = cacheKeys(graph.whole(), keyOptions);
        cache.extend(new Map(Object.keys(step.nodes).map((grown) => [grown, keys.get(grown) ?? grown] as const)));
        for (const grown of Object.keys(step.nodes)) if (graph.isOutput(grown)) list.add(grown);
        for (const output of step.outputs) if ('link' in output) list.addLink(output.link[0], id);
        expanded.set(id, step.outputs);
        continue;
      }
      settle(id, step.outputs, step.ui);
    } catch (error) {
      const blamed = graph.identity(id).real_node_id;
      const classType = graph.node(blamed)?.class_type;
      if (error instanceof NodeInterrupted) {
        outcome = 'interrupted';
        addMessage('execution_interrupted', { prompt_id: promptId, node_id: blamed, node_type: classType ?? '', executed: [...executed] }, true);
        break;
      }
      if (!(error instanceof NodeException)) throw error;
      outcome = 'error';
      const isOutOfMemory = error.exceptionType === 'torch.OutOfMemoryError';
      if (isOutOfMemory) dependencies.unloadModels();
      addMessage('execution_error', errorData(item, blamed, classType, executed, Object.keys(graph.whole()), {
        message: `${error.message}\n${isOutOfMemory ? outOfMemoryTips : ''}`,
        type: error.exceptionType,
        inputs: formatInputs(graph.node(id), scope),
      }));
      break;
    }
  }
  if (outcome === 'success') addMessage('execution_success', { prompt_id: promptId });

  const outputs: JsonObject = {};
  const meta: JsonObject = {};
  for (const id of Object.keys(graph.whole())) {
    const ui = scope.result(id)?.ui;
    if (ui === undefined) continue;
    outputs[id] = ui.output;
    meta[id] = ui.meta;
  }
  events.noteNode(undefined);
  return { outputs, meta, succeeded: outcome === 'success', messages, outcome, executed: [...executed], cached };
}

function errorData(
  item: QueuedPrompt,
  nodeId: NodeId,
  classType: string | undefined,
  executed: ReadonlySet<NodeId>,
  allNodes: readonly NodeId[],
  error: { message: string; type: string; inputs: JsonObject },
): JsonObject {
  return {
    prompt_id: item.promptId,
    node_id: nodeId,
    node_type: classType ?? '',
    executed: [...executed],
    exception_message: error.message,
    exception_type: error.type,
    traceback: ['  File "execution.py", line 1, in execute\n'],
    current_inputs: error.inputs,
    current_outputs: [...allNodes],
  };
}
