import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { NodeId, Workflow } from '@atelier/comfyui/graph/workflow';
import { cacheKeys } from '@atelier/comfyui/graph/cache-keys';
import type { CacheKeyOptions } from '@atelier/comfyui/graph/cache-keys';
import type { JsonObject } from '@atelier/comfyui/json/json';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { NodeException, NodeInterrupted } from '../nodes/node-context.ts';
import type { SimValue } from '../nodes/sim-value.ts';
import type { HistoryMessage, PromptResult, QueuedPrompt } from '../queue/prompt-queue.ts';
import { createDynamicGraph } from './dynamic-graph.ts';
import type { DynamicGraph } from './dynamic-graph.ts';
import { errorData } from './error-messages.ts';
import type { NodeFailure } from './error-messages.ts';
import { createExecutionList } from './execution-list.ts';
import type { ExecutionList } from './execution-list.ts';
import { formatInputs } from './format-inputs.ts';
import type { CachedNode, OutputCache } from './output-cache.ts';
import { createProgressState } from './progress-state.ts';
import type { RunEvents } from './run-events.ts';
import type { NodeRunner, NodeStep, RunScope } from './run-node.ts';

export interface RunDependencies {
  registry: Registry;
  cache: OutputCache;
  events: RunEvents;
  runner: NodeRunner;
  now: () => number;
  /** What IS_CHANGED gives, by node. */
  changeTokens: (item: QueuedPrompt) => Promise<NonNullable<CacheKeyOptions['changeToken']>>;
  /** Frees memory after an out-of-memory error. */
  unloadModels: () => void;
}

/** A finished run, and what the execution log tells of it. */
export interface PromptRun extends PromptResult {
  outcome: 'success' | 'error' | 'interrupted';
  executed: readonly NodeId[];
  cached: readonly NodeId[];
}

const outOfMemoryTips =
  'This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.';

/** What the steps of one run share. */
interface Run {
  dependencies: RunDependencies;
  item: QueuedPrompt;
  clientId: string | undefined;
  graph: DynamicGraph;
  list: ExecutionList;
  scope: RunScope;
  keyOptions: CacheKeyOptions;
  results: Map<NodeId, CachedNode>;
  executed: Set<NodeId>;
  /** Nodes that wait for the ones that took their place, with the outputs they will take over. */
  expanded: Map<NodeId, (NodeStep & { kind: 'expanded' })['outputs']>;
  addMessage: (type: string, data: JsonObject, isForAll?: boolean) => void;
}

/**
 * Runs one prompt as ComfyUI's PromptExecutor does: messages, order, caching, blocked branches, lazy inputs and
 * expansion (execution.py, 0.3.64 and 0.8.0).
 *
 * Rejects only when the simulator stops; what nodes do wrong is a result.
 */
export async function runPrompt(item: QueuedPrompt, dependencies: RunDependencies): Promise<PromptRun> {
  const { registry, cache, events } = dependencies;
  const { promptId } = item;
  const clientId = typeof item.extraData['client_id'] === 'string' ? item.extraData['client_id'] : undefined;
  const messages: HistoryMessage[] = [];
  events.noteClient(clientId);

  const addMessage: Run['addMessage'] = (type, data, isForAll = false) => {
    const stamped = { ...data, timestamp: dependencies.now() };
    messages.push([type, stamped]);
    if (clientId !== undefined || isForAll) events.send(type, stamped, clientId);
  };

  addMessage('execution_start', { prompt_id: promptId });
  const keyOptions: CacheKeyOptions = {
    changeToken: await dependencies.changeTokens(item),
    includesNodeId: (classType) => [...(registry.classes.get(classType)?.hidden.values() ?? [])].includes('UNIQUE_ID'),
  };
  const keys = keysOf(item.workflow, keyOptions);
  cache.begin(keys instanceof Map ? keys : new Map());
  const cached = item.nodeOrder.filter((id) => cache.get(id) !== undefined);
  addMessage('execution_cached', { nodes: cached, prompt_id: promptId });

  const graph = createDynamicGraph(item.workflow, registry);
  const list = createExecutionList(graph, (id) => cache.get(id) !== undefined);
  const results = new Map<NodeId, CachedNode>();
  const executed = new Set<NodeId>();
  const scope: RunScope = {
    item,
    clientId,
    graph,
    progress: createProgressState(promptId, graph.identity),
    result: (id) => results.get(id) ?? cache.get(id),
    link: list.addLink,
    executed,
  };
  const expanded: Run['expanded'] = new Map();
  const run: Run = {
    dependencies,
    item,
    clientId,
    graph,
    list,
    scope,
    keyOptions,
    results,
    executed,
    expanded,
    addMessage,
  };
  const outcome = keys instanceof Map ? await runOutputs(run) : endByError(run, item.outputs[0] ?? '', keys);
  if (outcome === 'success') addMessage('execution_success', { prompt_id: promptId });
  events.noteNode(undefined);
  return {
    ...shownOutputs(run),
    succeeded: outcome === 'success',
    messages,
    outcome,
    executed: [...executed],
    cached,
  };
}

/**
 * The cache keys of a workflow; an exception where it has so many nodes on top of one another that working them out would
 * take minutes: the prompt ends with it, as one does that takes the memory of ComfyUI's process.
 */
function keysOf(workflow: Workflow, options: CacheKeyOptions): Map<NodeId, string> | NodeException {
  try {
    return cacheKeys(workflow, options);
  } catch (error) {
    if (!(error instanceof ComfyError) || error.code !== 'too_large') throw error;
    return new NodeException('MemoryError', `${error.message} ${error.hint ?? ''}`.trim(), { cause: error });
  }
}

async function runOutputs(run: Run): Promise<PromptRun['outcome']> {
  const { list, graph } = run;
  for (const id of run.item.outputs) list.add(id);
  while (!list.isEmpty()) {
    const id = list.pick();
    if (id === undefined) {
      const blamed = list.pending()[0] ?? '';
      const classType = graph.node(blamed)?.class_type ?? '';
      const cycle = { message: 'Dependency cycle detected', exceptionType: 'graph.DependencyCycleError', inputs: {} };
      reportFailure(run, { nodeId: blamed, classType, ...cycle });
      return 'error';
    }
    try {
      await runOne(run, id);
    } catch (error) {
      return endByError(run, id, error);
    }
  }
  return 'success';
}

async function runOne(run: Run, id: NodeId): Promise<void> {
  const { dependencies, item, clientId, graph, list, scope } = run;
  const ready = dependencies.cache.get(id);
  if (ready !== undefined) {
    if (clientId !== undefined) {
      const shown = { display_node: graph.identity(id).display_node_id, output: ready.ui?.output ?? null };
      dependencies.events.send('executed', { node: id, ...shown, prompt_id: item.promptId }, clientId);
    }
    finishNode(run, id);
    list.complete(id);
    return;
  }
  const awaited = run.expanded.get(id);
  if (awaited !== undefined) {
    run.expanded.delete(id);
    settle(
      run,
      id,
      awaited.map((output) => takenOver(scope, output)),
      undefined,
    );
    return;
  }
  const step = await dependencies.runner.run(id, scope);
  if (step.kind === 'expanded') expand(run, id, step);
  else if (step.kind === 'done') settle(run, id, step.outputs, step.ui);
}

function takenOver(scope: RunScope, output: SimValue | { link: [NodeId, number] }): SimValue {
  if (!('link' in output)) return output;
  return scope.result(output.link[0])?.outputs[output.link[1]] ?? { kind: 'literal', value: null };
}

/** Lets a node's new nodes run before it is done. */
function expand(run: Run, id: NodeId, step: NodeStep & { kind: 'expanded' }): void {
  const { graph, list, dependencies } = run;
  graph.grow(id, step.nodes);
  const keys = keysOf(graph.whole(), run.keyOptions);
  if (!(keys instanceof Map)) throw keys;
  const grown = Object.keys(step.nodes);
  dependencies.cache.extend(new Map(grown.map((each) => [each, keys.get(each) ?? each] as const)));
  for (const each of grown) if (graph.isOutput(each)) list.add(each);
  for (const output of step.outputs) if ('link' in output) list.addLink(output.link[0], id);
  run.expanded.set(id, step.outputs);
}

function finishNode(run: Run, id: NodeId): void {
  run.scope.progress.finish(id);
  run.dependencies.events.send('progress_state', run.scope.progress.json(), run.clientId);
}

function settle(run: Run, id: NodeId, outputs: readonly SimValue[], ui: CachedNode['ui']): void {
  const value: CachedNode = ui === undefined ? { outputs } : { outputs, ui };
  run.results.set(id, value);
  run.dependencies.cache.set(id, value);
  finishNode(run, id);
  run.executed.add(id);
  run.list.complete(id);
}

/** @throws whatever is no node's doing: the simulator stopped, or has a bug. */
function endByError(run: Run, id: NodeId, error: unknown): 'interrupted' | 'error' {
  const { graph, scope, dependencies, item } = run;
  const nodeId = graph.identity(id).real_node_id;
  const classType = graph.node(nodeId)?.class_type ?? '';
  if (error instanceof NodeInterrupted) {
    const data = { prompt_id: item.promptId, node_id: nodeId, node_type: classType, executed: [...run.executed] };
    run.addMessage('execution_interrupted', data, true);
    return 'interrupted';
  }
  if (!(error instanceof NodeException)) throw error;
  const isOutOfMemory = error.exceptionType === 'torch.OutOfMemoryError';
  if (isOutOfMemory) dependencies.unloadModels();
  reportFailure(run, {
    nodeId,
    classType,
    message: `${error.message}\n${isOutOfMemory ? outOfMemoryTips : ''}`,
    exceptionType: error.exceptionType,
    inputs: formatInputs(graph.node(id), scope),
  });
  return 'error';
}

function reportFailure(run: Run, failure: NodeFailure): void {
  run.addMessage(
    'execution_error',
    errorData(run.item.promptId, failure, run.executed, Object.keys(run.graph.whole())),
  );
}

/** What history shows: every node of the prompt that has something to show, cached ones too. */
function shownOutputs(run: Run): { outputs: JsonObject; meta: JsonObject } {
  const shown = Object.keys(run.graph.whole()).flatMap((id) => {
    const ui = run.scope.result(id)?.ui;
    return ui === undefined ? [] : [{ id, ui }];
  });
  // Built whole: `__proto__` is an id like any other.
  return {
    outputs: Object.fromEntries(shown.map(({ id, ui }) => [id, ui.output])),
    meta: Object.fromEntries(shown.map(({ id, ui }) => [id, ui.meta])),
  };
}
