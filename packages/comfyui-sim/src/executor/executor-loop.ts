import type { ExecutionLog } from '../log/execution-log.ts';
import type { PromptQueue, QueuedPrompt } from '../queue/prompt-queue.ts';
import type { RunEvents } from './run-events.ts';
import type { PromptRun } from './run-prompt.ts';

export interface ExecutorLoopDependencies {
  queue: PromptQueue;
  events: RunEvents;
  log: ExecutionLog;
  now: () => number;
  /** Prints a line to the server's console. */
  announce: (line: string) => void;
  run: (item: QueuedPrompt) => Promise<PromptRun>;
  /** Between prompts: what `/free` asked for. */
  afterPrompt: () => void;
  /** Resolves at once, or when a fault that stops the executor is lifted. */
  whileStuck: () => Promise<void>;
}

/**
 * ComfyUI's prompt worker: takes prompts one at a time until the signal fires.
 *
 * Order at the end of each: the run's own last message, history, `status`, then `executing` with no node.
 */
export async function runExecutorLoop(dependencies: ExecutorLoopDependencies, signal: AbortSignal): Promise<void> {
  const { queue, events, log, now } = dependencies;
  while (!signal.aborted) {
    const item = await queue.take(signal, dependencies.whileStuck);
    const entry = log.begin({
      promptId: item.promptId,
      number: item.number,
      extraData: item.extraData,
      startedAt: now(),
    });
    try {
      const run = await dependencies.run(item);
      signal.throwIfAborted();
      entry.outcome = run.outcome;
      entry.executedNodes = run.executed.length;
      entry.cachedNodes = run.cached.length;
      queue.finish(item, run);
    } catch (error) {
      entry.outcome = 'crashed';
      throw error;
    } finally {
      entry.endedAt = now();
    }
    const clientId = item.extraData['client_id'];
    if (typeof clientId === 'string') events.send('executing', { node: null, prompt_id: item.promptId }, clientId);
    dependencies.announce(`Prompt executed in ${((now() - entry.startedAt) / 1_000).toFixed(2)} seconds`);
    dependencies.afterPrompt();
  }
}
