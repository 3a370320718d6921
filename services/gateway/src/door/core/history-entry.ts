import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { JobError } from '@atelier/shared/contracts/job';
import type { DoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import type { JobFacts } from '../../core/jobs/to-job-view.ts';
import { nodeOutputs } from './node-outputs.ts';

/** `[number, prompt_id, prompt, extra_data, outputs_to_execute]`, as ComfyUI's queue and history write it. */
export function queueItem(prompt: DoorPrompt, { request }: JobFacts): Json[] {
  const { body } = request;
  const extra = parseJson(prompt.extraDataText) as JsonObject;
  return [
    prompt.number,
    prompt.promptId,
    body.kind === 'workflow' ? parseJson(body.workflowText) : {},
    {
      ...extra,
      ...(prompt.clientId === null ? {} : { client_id: prompt.clientId }),
      create_time: prompt.createdAt.getTime(),
    },
    [...prompt.outputs],
  ];
}

/** How a run ended, in the messages that ComfyUI keeps. */
export function endMessages(prompt: DoorPrompt, facts: JobFacts): [string, JsonObject][] {
  const { request, jobs } = facts;
  const [job] = jobs;
  const about = { prompt_id: prompt.promptId };
  const startedAt = job?.startedAt?.getTime();
  const endedAt = (request.finishedAt ?? request.updatedAt).getTime();
  const start: [string, JsonObject][] =
    startedAt === undefined
      ? []
      : [
          ['execution_start', { ...about, timestamp: startedAt }],
          ['execution_cached', { nodes: [], ...about, timestamp: startedAt }],
        ];
  if (request.state === 'succeeded') return [...start, ['execution_success', { ...about, timestamp: endedAt }]];
  if (request.state === 'cancelled') {
    return [
      ...start,
      ['execution_interrupted', { ...about, node_id: '', node_type: '', executed: [], timestamp: endedAt }],
    ];
  }
  return [...start, ['execution_error', { ...errorData(prompt, facts), timestamp: endedAt }]];
}

/** The data of `execution_error`. */
export function errorData(prompt: DoorPrompt, { request, jobs }: JobFacts): JsonObject {
  const known: JobError | null = jobs.find((job) => job.error !== null)?.error ?? null;
  const error = known ?? request.error;
  const message = error?.message.en ?? 'The run failed.';
  return {
    prompt_id: prompt.promptId,
    node_id: known?.nodeId ?? '',
    node_type: known?.classType ?? '',
    executed: [],
    exception_message: known?.details === undefined ? message : `${message}\n${known.details}`,
    exception_type: error?.code ?? 'failed',
    traceback: [],
    current_inputs: {},
    current_outputs: [],
  };
}

/** One entry of `GET /history`. */
export function historyEntry(prompt: DoorPrompt, facts: JobFacts, texts: ReadonlyMap<string, string>): JsonObject {
  const outputs = nodeOutputs(facts.jobs, facts.request.id, texts);
  return {
    prompt: queueItem(prompt, facts),
    outputs,
    status: {
      status_str: facts.request.state === 'succeeded' ? 'success' : 'error',
      completed: facts.request.state === 'succeeded',
      messages: endMessages(prompt, facts),
    },
    meta: Object.fromEntries(
      Object.keys(outputs).map((id) => [id, { node_id: id, display_node: id, parent_node: null, real_node_id: id }]),
    ),
  };
}
