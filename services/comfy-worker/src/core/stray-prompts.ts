import { setTimeout as sleep } from 'node:timers/promises';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import { look } from '@atelier/comfyui/client/look';
import type { QueueItem } from '@atelier/comfyui/client/parse-queue';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { Tenure } from './lease-keeper.ts';
import type { PromptLine } from './prompt-line.ts';

export interface StrayPromptsDeps {
  client: ComfyClient;
  line: Pick<PromptLine, 'promptIds'>;
  tenure: Pick<Tenure, 'instance'>;
  timings: Pick<WorkerTimings, 'interruptMs' | 'sweepMs'>;
  available: () => boolean;
  log: Logger;
}

/**
 * Removes prompts that workers before us left in this ComfyUI and that no job stands behind any more: those under our
 * instance's mark whose id is not that of a job in hand.
 *
 * @returns the prompt on which ComfyUI's executor hangs, where an interrupt had no effect.
 */
export async function removeStrayPrompts(deps: StrayPromptsDeps, signal: AbortSignal): Promise<string | undefined> {
  const { client, line, timings, log } = deps;
  const { instanceId } = deps.tenure.instance;
  try {
    const before = line.promptIds();
    const queue = await client.queue({ signal });
    for (const item of [...queue.pending, ...queue.running]) {
      // In hand when it was looked, or taken in hand since.
      if (!isMarked(item, instanceId) || before.has(item.promptId) || line.promptIds().has(item.promptId)) continue;
      log.warn({ prompt_id: item.promptId }, 'removing a prompt of an earlier worker that no job stands behind');
      await client.deletePending([item.promptId], { signal });
      const deadlineAtMs = performance.now() + timings.interruptMs;
      const { state } = await interruptPrompt(client, item.promptId, { signal, deadlineAtMs });
      if (state === 'still-running') return item.promptId;
    }
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    if (!signal.aborted) log.warn({ err: error }, 'ComfyUI could not be searched for prompts left behind');
  }
  return undefined;
}

function isMarked(item: QueueItem, instanceId: string): boolean {
  const mark = item.extraData['atelier'];
  return typeof mark === 'object' && mark !== null && !Array.isArray(mark) && mark['instance'] === instanceId;
}

export interface StuckExecutor {
  /** Nothing is posted while this is true. */
  readonly isStuck: boolean;
  /** An interrupt of this prompt had no effect. */
  suspect(promptId: string): void;
  /** Looks for strays and for the end of a hang until the signal fires. */
  watch(signal: AbortSignal): Promise<void>;
}

/**
 * Watches one ComfyUI's executor: looks for prompts left behind every now and then, and while it hangs on a prompt, for that to
 * end. `onChange` is called when a hang began or ended.
 */
export function watchExecutor(deps: StrayPromptsDeps & { onChange: (stuck: boolean) => void }): StuckExecutor {
  const { client, timings, log } = deps;
  let stuckPromptId: string | undefined;

  function suspect(promptId: string | undefined): void {
    if (promptId === stuckPromptId) return;
    stuckPromptId = promptId;
    if (promptId !== undefined)
      log.error({ prompt_id: promptId }, 'ComfyUI hangs on an interrupted prompt: restart it');
    deps.onChange(promptId !== undefined);
  }

  async function isRunning(promptId: string, signal: AbortSignal): Promise<boolean> {
    try {
      return (await look(client, promptId, { signal })).at === 'running';
    } catch (error) {
      // Also what it refuses or garbles says nothing about the prompt.
      if (!(error instanceof ComfyError)) throw error;
      return true;
    }
  }

  return {
    get isStuck() {
      return stuckPromptId !== undefined;
    },
    suspect,
    async watch(signal) {
      while (!signal.aborted) {
        if (stuckPromptId !== undefined) {
          if (!(await isRunning(stuckPromptId, signal))) suspect(undefined);
        } else if (deps.available()) {
          const hanging = await removeStrayPrompts(deps, signal);
          if (hanging !== undefined) suspect(hanging);
        }
        await sleep(timings.sweepMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}
