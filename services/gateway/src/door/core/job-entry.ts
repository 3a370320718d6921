import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { DoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import { statusOf, type JobFacts } from '../../core/jobs/to-job-view.ts';
import { endMessages, errorData, queueItem } from './history-entry.ts';
import { nodeOutputs } from './node-outputs.ts';

export const jobStatuses = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
export type DoorJobStatus = (typeof jobStatuses)[number];

/** Kinds of outputs that have a picture to show. */
const previewable: ReadonlySet<string> = new Set(['images', 'video', 'audio']);

export function jobStatusOf({ request, jobs }: JobFacts): DoorJobStatus {
  const status = statusOf(request, jobs);
  if (status === 'succeeded' || status === 'replied') return 'completed';
  if (status === 'failed' || status === 'cancelled') return status;
  return status === 'running' ? 'in_progress' : 'pending';
}

/** The id that the front end gave the workflow, where it sent one. */
export function workflowIdOf(prompt: DoorPrompt): Json | undefined {
  // Most prompts come without: then the text need not be read.
  if (!prompt.extraDataText.includes('"extra_pnginfo"')) return undefined;
  const extra = parseJson(prompt.extraDataText);
  const info = isJsonObject(extra) ? extra['extra_pnginfo'] : undefined;
  const workflow = isJsonObject(info) ? info['workflow'] : undefined;
  return isJsonObject(workflow) ? (workflow['id'] ?? undefined) : undefined;
}

/** Milliseconds that a run took; 0 where it has not ended. */
export function durationOf({ request, jobs }: JobFacts): number {
  const startedAt = jobs[0]?.startedAt?.getTime();
  return startedAt === undefined || request.finishedAt === null ? 0 : request.finishedAt.getTime() - startedAt;
}

/** One of `GET /api/jobs`, as ComfyUI 0.8 writes it; `isWhole`: `GET /api/jobs/{id}`. */
export function jobEntry(
  prompt: DoorPrompt,
  facts: JobFacts,
  texts: ReadonlyMap<string, string>,
  isWhole: boolean,
): JsonObject {
  const { request, jobs } = facts;
  const outputs = nodeOutputs(jobs, request.id, texts);
  const [job] = jobs;
  const shown = firstFile(outputs);
  const status = jobStatusOf(facts);
  const workflowId = workflowIdOf(prompt);
  const isOver = request.finishedAt !== null;
  return {
    id: prompt.promptId,
    status,
    priority: prompt.number,
    create_time: prompt.createdAt.getTime(),
    ...(isOver && job?.startedAt != null ? { execution_start_time: job.startedAt.getTime() } : {}),
    ...(request.finishedAt === null ? {} : { execution_end_time: request.finishedAt.getTime() }),
    ...(status === 'failed' ? { execution_error: errorData(prompt, facts) } : {}),
    outputs_count: Object.values(outputs).reduce((sum, node) => sum + filesOf(node).length, 0),
    ...(shown === undefined ? {} : { preview_output: shown }),
    ...(workflowId === undefined ? {} : { workflow_id: workflowId }),
    ...(isWhole && isOver ? details(prompt, facts, outputs) : {}),
  };
}

function details(prompt: DoorPrompt, facts: JobFacts, outputs: JsonObject): JsonObject {
  const [, , workflow, extraData] = queueItem(prompt, facts);
  const isGood = facts.request.state === 'succeeded';
  return {
    outputs,
    execution_status: {
      status_str: isGood ? 'success' : 'error',
      completed: isGood,
      messages: endMessages(prompt, facts),
    },
    workflow: { prompt: workflow ?? {}, extra_data: extraData ?? {} },
  };
}

function filesOf(node: JsonObject): Json[] {
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'animated' || !Array.isArray(value) ? [] : value.filter(isJsonObject),
  );
}

function firstFile(outputs: Record<string, JsonObject>): JsonObject | undefined {
  for (const [nodeId, node] of Object.entries(outputs)) {
    for (const [mediaType, list] of Object.entries(node)) {
      const [first] = Array.isArray(list) && previewable.has(mediaType) ? list : [];
      if (first !== undefined && isJsonObject(first)) return { ...first, nodeId, mediaType };
    }
  }
  return undefined;
}
