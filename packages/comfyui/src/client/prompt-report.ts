import type { NodeId, Workflow } from '../graph/workflow.ts';
import type { JsonObject } from '../json/json.ts';
import type { ComfyEvent, PreviewEvent } from './comfy-event.ts';
import type { ExecutionFailure, FinishedPrompt, PromptOutputs } from './finished-prompt.ts';
import type { LastSeen, LostReason, PromptResult } from './prompt-result.ts';
import { createProgressTracker } from './track-progress.ts';
import type { PromptProgress } from './track-progress.ts';

/** The prompt, and what whoever follows it is told. */
export interface PromptReportOptions {
  promptId: string;
  /** Gives progress its totals and class names. */
  workflow?: Workflow | undefined;
  /** The outputs that were accepted, if not all. */
  outputNodeIds?: readonly NodeId[] | undefined;
  /** At each change between waiting and running; `ahead` as in {@link look}. */
  onState?: (state: 'pending' | 'running', ahead: number | undefined) => void;
  onProgress?: (progress: PromptProgress) => void;
  onPreview?: (preview: PreviewEvent) => void;
  /** What one node put out, as soon as the socket shows it; at most once a node. The result holds all of them. */
  onOutput?: (nodeId: NodeId, output: JsonObject) => void;
}

export type EndEvent = Extract<ComfyEvent, { type: 'execution_success' | 'execution_error' | 'execution_interrupted' }>;

/** What is told of a prompt while it runs, and gathered for its end. */
export interface PromptReport {
  showState(state: 'pending' | 'running', ahead?: number): void;
  take(event: ComfyEvent): void;
  /** The end as the history has it. */
  finished(prompt: FinishedPrompt): PromptResult;
  /** The end as the socket told it, for a prompt that has left both queue and history. */
  believed(end: EndEvent): PromptResult;
  lost(reason: LostReason, lastSeen: LastSeen): PromptResult;
}

const unexplained: ExecutionFailure = {
  exceptionType: '',
  exceptionMessage: 'ComfyUI did not say why.',
  traceback: [],
  executed: [],
};

export function createPromptReport(options: PromptReportOptions): PromptReport {
  const tracker = createProgressTracker(options);
  const outputs = new Map<NodeId, JsonObject>();
  let shownState: string | undefined;

  const seenOutputs = (): PromptOutputs => Object.fromEntries(outputs);

  function showState(state: 'pending' | 'running', ahead?: number): void {
    const shown = `${state} ${ahead ?? ''}`;
    if (shown === shownState) return;
    shownState = shown;
    options.onState?.(state, ahead);
  }

  return {
    showState,
    take(event) {
      if (event.type === 'preview') options.onPreview?.(event);
      if (event.type === 'execution_start' || event.type === 'progress_state') showState('running');
      if (event.type === 'executed' && event.output !== undefined && !outputs.has(event.nodeId)) {
        outputs.set(event.nodeId, event.output);
        options.onOutput?.(event.nodeId, event.output);
      }
      const progress = tracker.take(event);
      if (progress !== undefined) options.onProgress?.(progress);
    },
    finished(prompt) {
      const all = { ...seenOutputs(), ...prompt.outputs };
      if (prompt.outcome === 'interrupted') return { state: 'interrupted', nodeId: prompt.interruptedAt, outputs: all };
      if (prompt.outcome === 'failed') return { state: 'failed', failure: prompt.failure ?? unexplained, outputs: all };
      options.onProgress?.(tracker.finish());
      const { startedAtMs, endedAtMs } = prompt;
      return { state: 'succeeded', outputs: all, source: 'history', startedAtMs, endedAtMs };
    },
    believed(end) {
      const seen = seenOutputs();
      if (end.type === 'execution_error') return { state: 'failed', failure: end.failure, outputs: seen };
      if (end.type === 'execution_interrupted') return { state: 'interrupted', nodeId: end.nodeId, outputs: seen };
      options.onProgress?.(tracker.finish());
      return { state: 'succeeded', outputs: seen, source: 'events', startedAtMs: undefined, endedAtMs: undefined };
    },
    lost: (reason, lastSeen) => ({ state: 'lost', reason, lastSeen, outputs: seenOutputs() }),
  };
}
