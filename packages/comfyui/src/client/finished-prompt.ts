import { z } from 'zod';
import type { NodeId } from '../graph/workflow.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { idText, json, jsonObject, numeric, optional, parseShape } from './parse-answer.ts';

/** What each output node produced, by node id, in ComfyUI's own form: `{images: [{filename, subfolder, type}], …}`. */
export type PromptOutputs = Readonly<Record<NodeId, JsonObject>>;

/** One file that a node wrote, as `GET /view` takes it. */
export interface OutputFile {
  nodeId: NodeId;
  /** The list it stood in: `images`, `gifs`, `audio`, `video`, … */
  kind: string;
  filename: string;
  subfolder: string;
  /** `output` is kept; `temp` is a preview that a restart removes. */
  type: string;
}

/** Why a run failed, from ComfyUI's `execution_error`. */
export interface ExecutionFailure {
  nodeId?: NodeId | undefined;
  nodeType?: string | undefined;
  /** Python's class name, such as `torch.OutOfMemoryError`; empty where ComfyUI did not say. */
  exceptionType: string;
  exceptionMessage: string;
  traceback: string[];
  /** The nodes that had run before. */
  executed: NodeId[];
}

/** A run that ended. */
export interface FinishedPrompt {
  promptId: string;
  outcome: 'succeeded' | 'failed' | 'interrupted';
  outputs: PromptOutputs;
  /** Present when the outcome is `failed`. */
  failure?: ExecutionFailure | undefined;
  /** The node at which an interrupt landed, where ComfyUI said. */
  interruptedAt?: NodeId | undefined;
  /** Wall-clock times of the server, in ms since 1970. */
  startedAtMs?: number | undefined;
  endedAtMs?: number | undefined;
  extraData: JsonObject;
}

const failureSchema = z
  .looseObject({
    node_id: optional(idText),
    node_type: optional(z.string()),
    exception_type: optional(z.string()),
    exception_message: optional(z.string()),
    traceback: optional(z.array(z.string())),
    executed: optional(z.array(idText)),
  })
  .transform((data): ExecutionFailure => ({
    nodeId: data.node_id,
    nodeType: data.node_type,
    exceptionType: data.exception_type ?? '',
    exceptionMessage: data.exception_message ?? '',
    traceback: data.traceback ?? [],
    executed: data.executed ?? [],
  }));

/** Reads the data of an `execution_error` message, wherever it stands. */
export function parseFailure(data: Json, what: string): ExecutionFailure {
  return parseShape(failureSchema, data, what);
}

const statusSchema = z.looseObject({
  status_str: optional(z.string()),
  completed: optional(z.boolean()),
  messages: optional(z.array(z.tuple([z.string()], json))),
});

type RunStatus = Pick<z.output<typeof statusSchema>, 'status_str' | 'messages'>;

const historyEntrySchema = z.looseObject({
  prompt: z.tuple([numeric, z.string(), json, jsonObject], json),
  outputs: optional(jsonObject),
  status: optional(statusSchema),
});

const finishedJobSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  outputs: optional(jsonObject),
  execution_status: optional(statusSchema),
  execution_error: optional(jsonObject),
  workflow: optional(z.looseObject({ extra_data: optional(jsonObject) })),
});

/**
 * Reads one entry of `GET /history/{id}`.
 *
 * ComfyUI writes an interrupted run as an error whose messages hold `execution_interrupted` (recorded on 0.3.64 and 0.8.0).
 */
export function parseHistoryEntry(promptId: string, entry: Json): FinishedPrompt {
  const what = 'GET /history';
  const { prompt, outputs, status } = parseShape(historyEntrySchema, entry, what);
  return finish(promptId, prompt[3], outputs, status, undefined, what);
}

/** Reads a finished job of `GET /api/jobs/{id}` (0.8.0 and later). */
export function parseFinishedJob(job: Json): FinishedPrompt {
  const what = 'GET /api/jobs';
  const parsed = parseShape(finishedJobSchema, job, what);
  // `cancelled` is a status of its own in later versions; before that an interrupt is `failed`.
  const byJob = parsed.status === 'completed' ? 'success' : parsed.status;
  const named: RunStatus = {
    status_str: parsed.execution_status?.status_str ?? byJob,
    messages: parsed.execution_status?.messages,
  };
  const finished = finish(
    parsed.id,
    parsed.workflow?.extra_data ?? {},
    parsed.outputs,
    named,
    parsed.execution_error,
    what,
  );
  return parsed.status === 'cancelled' && finished.outcome === 'failed' && parsed.execution_error === undefined
    ? { ...finished, outcome: 'interrupted', failure: undefined }
    : finished;
}

function finish(
  promptId: string,
  extraData: JsonObject,
  outputs: JsonObject | undefined,
  status: RunStatus | undefined,
  executionError: JsonObject | undefined,
  what: string,
): FinishedPrompt {
  const messages = new Map<string, Json>();
  for (const [name, data] of status?.messages ?? []) messages.set(name, data ?? {});
  const end =
    messages.get('execution_success') ?? messages.get('execution_error') ?? messages.get('execution_interrupted');
  const common = {
    promptId,
    outputs: outputs === undefined ? {} : toOutputs(outputs),
    startedAtMs: timestampOf(messages.get('execution_start')),
    endedAtMs: timestampOf(end),
    extraData,
  };
  const interrupted = messages.get('execution_interrupted');
  if (interrupted !== undefined) {
    const node = isJsonObject(interrupted) ? interrupted['node_id'] : undefined;
    return { ...common, outcome: 'interrupted', interruptedAt: typeof node === 'string' ? node : undefined };
  }
  const failure = messages.get('execution_error') ?? executionError;
  const text = status?.status_str;
  if (failure === undefined && (text === undefined || text === 'success')) return { ...common, outcome: 'succeeded' };
  return { ...common, outcome: 'failed', failure: parseFailure(failure ?? {}, what) };
}

function timestampOf(data: Json | undefined): number | undefined {
  const timestamp = isJsonObject(data) ? data['timestamp'] : undefined;
  return typeof timestamp === 'number' ? timestamp : undefined;
}

/** Keeps what is an object a node; anything else a custom node may have left there is dropped. */
function toOutputs(outputs: JsonObject): PromptOutputs {
  return Object.fromEntries(
    Object.entries(outputs).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  );
}

/** The files among outputs, in order of node and list; texts, flags and numbers are passed over. */
export function outputFiles(outputs: PromptOutputs): OutputFile[] {
  const files: OutputFile[] = [];
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [kind, items] of Object.entries(output)) {
      if (!Array.isArray(items)) continue;
      for (const item of items) {
        if (!isJsonObject(item) || typeof item['filename'] !== 'string' || item['filename'] === '') continue;
        const { subfolder, type } = item;
        files.push({
          nodeId,
          kind,
          filename: item['filename'],
          subfolder: typeof subfolder === 'string' ? subfolder : '',
          type: typeof type === 'string' ? type : 'output',
        });
      }
    }
  }
  return files;
}

/**
 * Whether a failure is the graphics card's (or the machine's) memory running out.
 *
 * PyTorch names it `torch.OutOfMemoryError` (before 2.5 `torch.cuda.OutOfMemoryError`); other back ends only say so in
 * the message.
 */
export function isOutOfMemory(failure: ExecutionFailure): boolean {
  if (/(^|\.)OutOfMemoryError$/.test(failure.exceptionType) || failure.exceptionType === 'MemoryError') return true;
  return /out of memory|allocation on device|can'?t allocate memory|_ALLOC_FAILED/i.test(failure.exceptionMessage);
}
