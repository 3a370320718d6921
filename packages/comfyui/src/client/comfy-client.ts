import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Workflow } from '../graph/workflow.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { JsonObject } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { parseFinishedJob, parseHistoryEntry } from './finished-prompt.ts';
import type { FinishedPrompt, OutputFile } from './finished-prompt.ts';
import { createComfyRequests, expectOk } from './comfy-requests.ts';
import type { CallOptions } from './comfy-requests.ts';
import { parseBaseUrl } from './http.ts';
import type { HttpStream } from './http.ts';
import { createMultipart } from './multipart.ts';
import type { UploadContent } from './multipart.ts';
import { jsonObject, optional, parseAnswer, parseShape } from './parse-answer.ts';
import { jobSummarySchema, parseJobList, parseQueue } from './parse-queue.ts';
import type { JobSummary, PromptQueue } from './parse-queue.ts';
import { parsePostAnswer } from './post-answer.ts';
import type { PostedPrompt } from './post-answer.ts';
import { hasTargetedInterrupt, parseSystemStats } from './system-stats.ts';
import type { SystemStats } from './system-stats.ts';

/** A prompt to post. */
export interface PromptPost {
  /** A canonical lowercase UUID, made and stored by the caller beforehand: it is how the prompt is found again. */
  promptId: string;
  /** The workflow in API format: as an object, or as JSON text, which is then sent unchanged. */
  workflow: Workflow | string;
  /** Travels with the prompt through queue and history; `extra_pnginfo` in it is written into the pictures. */
  extraData?: JsonObject;
  /** Run only these output nodes. */
  outputNodeIds?: readonly string[];
}

/** The answer to `GET /api/jobs/{id}`. */
export type JobLook =
  | { at: 'unsupported' }
  | { at: 'absent' }
  | { at: 'pending' | 'running'; summary: JobSummary }
  | { at: 'finished'; finished: FinishedPrompt };

/** Which file `GET /view` shall give. */
export type FileRef = Pick<OutputFile, 'filename' | 'subfolder' | 'type'>;

/** What an upload became. */
export interface UploadedFile {
  name: string;
  subfolder: string;
  type: string;
  /** What an image input of a node takes for it. */
  inputValue: string;
}

export interface UploadOptions extends CallOptions {
  subfolder?: string;
  /** `input` unless given. */
  type?: 'input' | 'temp' | 'output';
  /** Whether a file of that name with other bytes is replaced; else the upload gets a name of its own. */
  overwrite?: boolean;
}

export interface ComfyClientOptions {
  baseUrl: string;
  /** The socket's id, to which ComfyUI sends the events of what this client posts. Stable across restarts of the caller. */
  clientId: string;
  /** Sent with each request, for a proxy in front of ComfyUI. */
  headers?: Record<string, string>;
  /** For one request, from call to last byte. 10,000 unless given. */
  fetchTimeoutMs?: number;
  /** For `POST /prompt`, whose validation can read files. 60,000 unless given. */
  postTimeoutMs?: number;
  /** For uploads, and for each chunk of a download. 120,000 unless given. */
  transferTimeoutMs?: number;
  /** For `GET /object_info`, which scans model folders. 300,000 unless given. */
  objectInfoTimeoutMs?: number;
  /** For answers that are parsed. 64 MiB unless given. */
  maxJsonBytes?: number;
  /** For `GET /object_info`. 256 MiB unless given. */
  maxObjectInfoBytes?: number;
  /** For one file of `GET /view`. 1 GiB unless given. */
  maxFileBytes?: number;
  /** Makes the boundaries of uploads; random unless given. */
  newBoundary?: () => string;
}

/**
 * ComfyUI's HTTP side (0.3.64 and later).
 *
 * Every call throws ComfyError only: `unreachable` when no whole answer came, `refused` with the status when ComfyUI
 * said no, `malformed`, `too_large`, `aborted`. Nothing is retried.
 */
export interface ComfyClient {
  readonly baseUrl: string;
  readonly clientId: string;
  /** `GET /object_info` as text: tens of MB on large installs; for `parseRegistry`. */
  objectInfo(options?: CallOptions): Promise<string>;
  /**
   * `POST /prompt`.
   *
   * ComfyUI does not notice a repeat: the same id posted twice runs twice. Any error thrown after the request was sent leaves
   * the outcome unknown; only `refused` in the answer says that nothing was queued.
   *
   * @throws ComfyError `unreachable` or `aborted`: it may be queued, or become queued later; `invalid_value` or `malformed` before
   * anything was sent.
   */
  postPrompt(post: PromptPost, options?: CallOptions): Promise<PostedPrompt>;
  /** `GET /queue`. */
  queue(options?: CallOptions): Promise<PromptQueue>;
  /** `GET /history/{id}`: undefined until the prompt has ended, and after ComfyUI restarted. */
  history(promptId: string, options?: CallOptions): Promise<FinishedPrompt | undefined>;
  /** `GET /api/jobs`: undefined where the version has none. */
  jobs(
    filter?: { status?: readonly string[]; limit?: number },
    options?: CallOptions,
  ): Promise<JobSummary[] | undefined>;
  /** `GET /api/jobs/{id}`. */
  job(promptId: string, options?: CallOptions): Promise<JobLook>;
  /** `POST /api/jobs/{id}/cancel`: false where the version has none. Takes a prompt out of the queue or interrupts it. */
  cancelJob(promptId: string, options?: CallOptions): Promise<boolean>;
  /** `POST /queue` with `delete`: takes pending prompts away; says nothing about ids that it does not know. */
  deletePending(promptIds: readonly string[], options?: CallOptions): Promise<void>;
  /** `POST /interrupt` for one prompt. Versions before 0.3.64 may stop another one: see `interruptPrompt`. */
  interrupt(promptId: string, options?: CallOptions): Promise<void>;
  /** `POST /interrupt` for whatever runs, whoever posted it. */
  interruptAny(options?: CallOptions): Promise<void>;
  /** Whether this server stops only the prompt that `interrupt` names. Asks for the version once. */
  canInterruptOne(options?: CallOptions): Promise<boolean>;
  /** `POST /free`: takes effect after the running prompt. */
  free(what: { unloadModels: boolean; freeMemory: boolean }, options?: CallOptions): Promise<void>;
  /** `POST /upload/image`. Use the name that comes back: it can differ. */
  uploadImage(file: UploadContent, options?: UploadOptions): Promise<UploadedFile>;
  /** `POST /upload/mask`: writes the mask into the transparency of the image that `original` names. */
  uploadMask(file: UploadContent, original: FileRef, options?: UploadOptions): Promise<UploadedFile>;
  /** `GET /view`: read the body to its end or cancel it. */
  view(file: FileRef, options?: CallOptions): Promise<HttpStream>;
  /** `GET /system_stats`. */
  systemStats(options?: CallOptions): Promise<SystemStats>;
  /** `GET /models/{folder}`: file names; undefined for a folder that the server does not know. */
  models(folder: string, options?: CallOptions): Promise<string[] | undefined>;
  /** `GET /models`: the names of the model folders. */
  modelFolders(options?: CallOptions): Promise<string[]>;
  /** `GET /embeddings`. */
  embeddings(options?: CallOptions): Promise<string[]>;
  /** `PATCH /internal/logs/subscribe`: whether the socket of this client id gets `logs` events. Ends when that socket closes. */
  subscribeLogs(enabled: boolean, options?: CallOptions): Promise<void>;
  /** `GET /features`: the server's feature flags. */
  features(options?: CallOptions): Promise<JsonObject>;
}

const names = z.array(z.string());

const uploadedSchema = z.looseObject({ name: z.string(), subfolder: optional(z.string()), type: optional(z.string()) });

/** Builds a client; opens nothing. Its connections are kept alive and end by themselves when idle. */
export function createComfyClient(options: ComfyClientOptions): ComfyClient {
  const baseUrl = parseBaseUrl(options.baseUrl);
  const transferTimeoutMs = options.transferTimeoutMs ?? 120_000;
  const newBoundary = options.newBoundary ?? (() => `part-${randomUUID()}`);
  /** What this server can do, as far as it showed; forgotten when it was away, since it may come back as another version. */
  let known: { jobs?: boolean; cancel?: boolean; targeted?: boolean } = {};
  const requests = createComfyRequests({
    ...options,
    timeoutMs: options.fetchTimeoutMs ?? 10_000,
    maxBytes: options.maxJsonBytes ?? 64 * 1024 * 1024,
    onUnreachable: () => {
      known = {};
    },
  });
  const { send, text, read, post } = requests;

  const readSystemStats = async (call?: CallOptions): Promise<SystemStats> =>
    parseSystemStats(await text({ path: '/system_stats' }, call));

  async function upload(
    path: string,
    file: UploadContent,
    fields: Record<string, string>,
    call: UploadOptions,
  ): Promise<UploadedFile> {
    const form = {
      type: call.type ?? 'input',
      ...(call.subfolder === undefined ? {} : { subfolder: call.subfolder }),
      ...(call.overwrite === true ? { overwrite: 'true' } : {}),
      ...fields,
    };
    const multipart = createMultipart('image', file, form, newBoundary());
    const request = { method: 'POST', path, timeoutMs: transferTimeoutMs, ...multipart } as const;
    const { name, subfolder = '', type = 'input' } = await read(request, uploadedSchema, call);
    return { name, subfolder, type, inputValue: subfolder === '' ? name : `${subfolder}/${name}` };
  }

  return {
    baseUrl: `${baseUrl.origin}${baseUrl.pathname}`,
    clientId: options.clientId,

    objectInfo: (call) => {
      const timeoutMs = options.objectInfoTimeoutMs ?? 300_000;
      return text({ path: '/object_info', timeoutMs, maxBytes: options.maxObjectInfoBytes ?? 256 * 1024 * 1024 }, call);
    },

    postPrompt: async (prompt, call) => {
      const body = promptBody(prompt, options.clientId);
      const timeoutMs = options.postTimeoutMs ?? 60_000;
      return parsePostAnswer(await send({ method: 'POST', path: '/prompt', body, timeoutMs }, call));
    },

    queue: async (call) => parseQueue(await text({ path: '/queue' }, call)),

    history: async (promptId, call) => {
      const entries = await read({ path: `/history/${encodeURIComponent(promptId)}` }, jsonObject, call);
      const entry = entries[promptId];
      return entry === undefined ? undefined : parseHistoryEntry(promptId, entry);
    },

    jobs: async (filter = {}, call) => {
      if (known.jobs === false) return undefined;
      const query = new URLSearchParams({
        ...(filter.status === undefined ? {} : { status: filter.status.join(',') }),
        ...(filter.limit === undefined ? {} : { limit: String(filter.limit) }),
      });
      const answer = await send({ path: query.size === 0 ? '/api/jobs' : `/api/jobs?${query.toString()}` }, call);
      known.jobs = answer.status !== 404;
      return known.jobs ? parseJobList(expectOk(answer, 'GET /api/jobs').text) : undefined;
    },

    job: async (promptId, call) => {
      if (known.jobs === false) return { at: 'unsupported' };
      const answer = await send({ path: `/api/jobs/${encodeURIComponent(promptId)}` }, call);
      if (answer.status === 404) {
        // A server that has the route answers with JSON; one that has not, with its bare "not found".
        known.jobs = known.jobs === true || hasErrorField(answer.text);
        return { at: known.jobs ? 'absent' : 'unsupported' };
      }
      known.jobs = true;
      return parseJob(expectOk(answer, 'GET /api/jobs').text);
    },

    cancelJob: async (promptId, call) => {
      if (known.cancel === false) return false;
      const path = `/api/jobs/${encodeURIComponent(promptId)}/cancel`;
      const answer = await send({ method: 'POST', path, body: '{}' }, call);
      known.cancel = answer.status !== 404 && answer.status !== 405;
      if (known.cancel) expectOk(answer, 'POST /api/jobs/…/cancel');
      return known.cancel;
    },

    deletePending: (promptIds, call) => post('/queue', { delete: [...promptIds] }, call),

    interrupt: async (promptId, call) => {
      if (promptId === '') throw new ComfyError('invalid_value', 'An empty prompt id would stop whatever runs.');
      await post('/interrupt', { prompt_id: promptId }, call);
    },

    interruptAny: (call) => post('/interrupt', {}, call),

    canInterruptOne: async (call) => {
      if (known.targeted !== undefined) return known.targeted;
      const { comfyuiVersion } = await readSystemStats(call);
      known.targeted = hasTargetedInterrupt(comfyuiVersion);
      return known.targeted;
    },

    free: (what, call) => post('/free', { unload_models: what.unloadModels, free_memory: what.freeMemory }, call),

    uploadImage: (file, call = {}) => upload('/upload/image', file, {}, call),

    uploadMask: (file, original, call = {}) => {
      const { filename, subfolder, type } = original;
      return upload('/upload/mask', file, { original_ref: stringifyJson({ filename, subfolder, type }) }, call);
    },

    view: ({ filename, subfolder, type }, call) => {
      const path = `/view?${new URLSearchParams({ filename, subfolder, type }).toString()}`;
      const maxBytes = options.maxFileBytes ?? 1024 * 1024 * 1024;
      return requests.open({ path, timeoutMs: transferTimeoutMs, maxBytes }, call);
    },

    systemStats: readSystemStats,

    models: async (folder, call) => {
      const what = 'GET /models/…';
      const answer = await send({ path: `/models/${encodeURIComponent(folder)}` }, call);
      return answer.status === 404 ? undefined : parseAnswer(names, expectOk(answer, what).text, what);
    },

    modelFolders: (call) => read({ path: '/models' }, names, call),
    embeddings: (call) => read({ path: '/embeddings' }, names, call),
    subscribeLogs: async (enabled, call) => {
      const body = stringifyJson({ enabled, clientId: options.clientId });
      await text({ method: 'PATCH', path: '/internal/logs/subscribe', body }, call);
    },
    features: (call) => read({ path: '/features' }, jsonObject, call),
  };
}

/** The body of `POST /prompt`. A workflow given as text is checked to be one JSON object and then sent as it is. */
function promptBody(post: PromptPost, clientId: string): string {
  let workflow: string;
  if (typeof post.workflow === 'string') {
    if (!isJsonObject(parseJson(post.workflow))) {
      throw new ComfyError('malformed', 'A workflow in API format is a JSON object of nodes.');
    }
    workflow = post.workflow;
  } else {
    workflow = stringifyJson(post.workflow);
  }
  const rest = stringifyJson({
    prompt_id: post.promptId,
    client_id: clientId,
    extra_data: post.extraData ?? {},
    ...(post.outputNodeIds === undefined ? {} : { partial_execution_targets: [...post.outputNodeIds] }),
  });
  return `{"prompt":${workflow},${rest.slice(1)}`;
}

function parseJob(text: string): JobLook {
  const job = parseAnswer(jsonObject, text, 'GET /api/jobs');
  const summary = parseShape(jobSummarySchema, job, 'GET /api/jobs');
  if (summary.status === 'pending') return { at: 'pending', summary };
  if (summary.status === 'in_progress') return { at: 'running', summary };
  return { at: 'finished', finished: parseFinishedJob(job) };
}

function hasErrorField(text: string): boolean {
  try {
    const value = parseJson(text);
    return isJsonObject(value) && value['error'] !== undefined;
  } catch {
    return false;
  }
}
