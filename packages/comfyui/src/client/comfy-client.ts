import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Workflow } from '../graph/workflow.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { parseFinishedJob, parseHistoryEntry } from './finished-prompt.ts';
import type { FinishedPrompt, OutputFile } from './finished-prompt.ts';
import { createHttp, parseBaseUrl } from './http.ts';
import type { HttpAnswer, HttpStream } from './http.ts';
import { createMultipart } from './multipart.ts';
import type { UploadContent } from './multipart.ts';
import { jsonObject, optional, parseAnswer, parseShape, shorten } from './parse-answer.ts';
import { jobSummarySchema, parseJobList, parseQueue } from './parse-queue.ts';
import type { JobSummary, PromptQueue } from './parse-queue.ts';
import { parsePostAnswer } from './post-answer.ts';
import type { PostedPrompt } from './post-answer.ts';
import { hasTargetedInterrupt, parseSystemStats } from './system-stats.ts';
import type { SystemStats } from './system-stats.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with `aborted`. What a request had already set going at the server stays so. */
  signal?: AbortSignal | undefined;
}

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
  const http = createHttp(options);
  const fetchTimeoutMs = options.fetchTimeoutMs ?? 10_000;
  const postTimeoutMs = options.postTimeoutMs ?? 60_000;
  const transferTimeoutMs = options.transferTimeoutMs ?? 120_000;
  const maxJsonBytes = options.maxJsonBytes ?? 64 * 1024 * 1024;
  const newBoundary = options.newBoundary ?? (() => `part-${randomUUID()}`);

  /** What this server can do, as far as it showed; forgotten when it was away, since it may come back as another version. */
  let known: { jobs?: boolean; cancel?: boolean; targeted?: boolean } = {};

  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ComfyError && error.code === 'unreachable') known = {};
      throw error;
    }
  }

  const send = (
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    call: CallOptions = {},
    extra: { body?: Json; timeoutMs?: number; maxBytes?: number } = {},
  ): Promise<HttpAnswer> =>
    attempt(() =>
      http.send({
        method,
        path,
        timeoutMs: extra.timeoutMs ?? fetchTimeoutMs,
        maxBytes: extra.maxBytes ?? maxJsonBytes,
        signal: call.signal,
        ...(extra.body === undefined
          ? {}
          : { body: stringifyJson(extra.body), headers: { 'content-type': 'application/json' } }),
      }),
    );

  async function get<T>(path: string, schema: z.ZodType<T>, call?: CallOptions): Promise<T> {
    return parseAnswer(schema, expectOk(await send('GET', path, call), `GET ${path}`).text, `GET ${path}`);
  }

  async function post(path: string, body: Json, call?: CallOptions): Promise<void> {
    expectOk(await send('POST', path, call, { body }), `POST ${path}`);
  }

  async function upload(
    path: string,
    file: UploadContent,
    fields: Record<string, string>,
    call: UploadOptions,
  ): Promise<UploadedFile> {
    const { contentType, body } = createMultipart(
      'image',
      file,
      {
        type: call.type ?? 'input',
        ...(call.subfolder === undefined ? {} : { subfolder: call.subfolder }),
        ...(call.overwrite === true ? { overwrite: 'true' } : {}),
        ...fields,
      },
      newBoundary(),
    );
    const answer = await attempt(() =>
      http.send({
        method: 'POST',
        path,
        body,
        headers: { 'content-type': contentType },
        timeoutMs: transferTimeoutMs,
        maxBytes: maxJsonBytes,
        signal: call.signal,
      }),
    );
    const what = `POST ${path}`;
    const uploaded = parseAnswer(uploadedSchema, expectOk(answer, what).text, what);
    const subfolder = uploaded.subfolder ?? '';
    return {
      name: uploaded.name,
      subfolder,
      type: uploaded.type ?? 'input',
      inputValue: subfolder === '' ? uploaded.name : `${subfolder}/${uploaded.name}`,
    };
  }

  return {
    baseUrl: `${baseUrl.origin}${baseUrl.pathname}`,
    clientId: options.clientId,

    objectInfo: async (call) => {
      const answer = await send('GET', '/object_info', call, {
        timeoutMs: options.objectInfoTimeoutMs ?? 300_000,
        maxBytes: options.maxObjectInfoBytes ?? 256 * 1024 * 1024,
      });
      return expectOk(answer, 'GET /object_info').text;
    },

    postPrompt: async (prompt, call = {}) => {
      const body = promptBody(prompt, options.clientId);
      const answer = await attempt(() =>
        http.send({
          method: 'POST',
          path: '/prompt',
          body,
          headers: { 'content-type': 'application/json' },
          timeoutMs: postTimeoutMs,
          maxBytes: maxJsonBytes,
          signal: call.signal,
        }),
      );
      return parsePostAnswer(answer);
    },

    queue: async (call) => parseQueue(expectOk(await send('GET', '/queue', call), 'GET /queue').text),

    history: async (promptId, call) => {
      const entries = await get(`/history/${encodeURIComponent(promptId)}`, jsonObject, call);
      const entry = entries[promptId];
      return entry === undefined ? undefined : parseHistoryEntry(promptId, entry);
    },

    jobs: async (filter = {}, call) => {
      if (known.jobs === false) return undefined;
      const query = new URLSearchParams({
        ...(filter.status === undefined ? {} : { status: filter.status.join(',') }),
        ...(filter.limit === undefined ? {} : { limit: String(filter.limit) }),
      });
      const answer = await send('GET', query.size === 0 ? '/api/jobs' : `/api/jobs?${query.toString()}`, call);
      known.jobs = answer.status !== 404;
      return known.jobs ? parseJobList(expectOk(answer, 'GET /api/jobs').text) : undefined;
    },

    job: async (promptId, call) => {
      if (known.jobs === false) return { at: 'unsupported' };
      const answer = await send('GET', `/api/jobs/${encodeURIComponent(promptId)}`, call);
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
      const answer = await send('POST', `/api/jobs/${encodeURIComponent(promptId)}/cancel`, call, { body: {} });
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
      if (known.targeted === undefined) {
        const text = expectOk(await send('GET', '/system_stats', call), 'GET /system_stats').text;
        known.targeted = hasTargetedInterrupt(parseSystemStats(text).comfyuiVersion);
      }
      return known.targeted;
    },

    free: (what, call) => post('/free', { unload_models: what.unloadModels, free_memory: what.freeMemory }, call),

    uploadImage: (file, call = {}) => upload('/upload/image', file, {}, call),

    uploadMask: (file, original, call = {}) => {
      const { filename, subfolder, type } = original;
      return upload('/upload/mask', file, { original_ref: stringifyJson({ filename, subfolder, type }) }, call);
    },

    view: async (file, call = {}) => {
      const query = new URLSearchParams({ filename: file.filename, subfolder: file.subfolder, type: file.type });
      const stream = await attempt(() =>
        http.open({
          method: 'GET',
          path: `/view?${query.toString()}`,
          timeoutMs: transferTimeoutMs,
          maxBytes: options.maxFileBytes ?? 1024 * 1024 * 1024,
          signal: call.signal,
        }),
      );
      if (stream.status === 200) return stream;
      await stream.body.cancel();
      throw refusal(stream.status, 'GET /view', '');
    },

    systemStats: async (call) =>
      parseSystemStats(expectOk(await send('GET', '/system_stats', call), 'GET /system_stats').text),

    models: async (folder, call) => {
      const what = 'GET /models/…';
      const answer = await send('GET', `/models/${encodeURIComponent(folder)}`, call);
      return answer.status === 404 ? undefined : parseAnswer(names, expectOk(answer, what).text, what);
    },

    modelFolders: (call) => get('/models', names, call),
    embeddings: (call) => get('/embeddings', names, call),
    subscribeLogs: async (enabled, call) => {
      const body = { enabled, clientId: options.clientId };
      const path = '/internal/logs/subscribe';
      expectOk(await send('PATCH', path, call, { body }), `PATCH ${path}`);
    },
    features: (call) => get('/features', jsonObject, call),
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

function expectOk(answer: HttpAnswer, what: string): HttpAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw refusal(answer.status, what, answer.text);
}

/** 502, 503 and 504 are a proxy's words for a ComfyUI that is away. */
function refusal(status: number, what: string, text: string): ComfyError {
  if (status >= 502 && status <= 504) {
    return new ComfyError('unreachable', `ComfyUI could not be reached: ${what} was answered with ${status}.`, {
      status,
      hint: 'Check that ComfyUI runs behind this address.',
    });
  }
  return new ComfyError('refused', `ComfyUI refused ${what} with status ${status}.`, {
    status,
    body: shorten(text),
    ...(status === 401 || status === 403
      ? { hint: 'Check the token or the headers that are set for this server.' }
      : {}),
  });
}
