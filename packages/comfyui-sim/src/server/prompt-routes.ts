import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { jsonFromPython, parsePythonJson } from '@atelier/comfyui/json/python-json';
import type { PyDict, PyValue } from '@atelier/comfyui/json/python-json';
import { pythonStr } from '@atelier/comfyui/json/python-text';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { ServerError, ServerNodeError } from '@atelier/comfyui/validate/prompt-verdict';
import { pythonFloat } from '@atelier/comfyui/validate/python-conversion';
import { PythonException } from '@atelier/comfyui/validate/python-exception';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { FileStore } from '../files/file-store.ts';
import type { FaultBoard } from '../faults/fault-board.ts';
import type { PromptQueue } from '../queue/prompt-queue.ts';
import type { VersionTraits } from '../version/sim-version.ts';
import { canonicalUuid } from './canonical-uuid.ts';
import { jsonAnswer, serverTrouble } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import { pythonJsonText } from '../json/python-json-text.ts';

export interface PromptRouteDependencies {
  queue: PromptQueue;
  traits: VersionTraits;
  files: FileStore;
  faults: FaultBoard;
  registry: () => Registry;
  now: () => number;
  newId: () => string;
  /** Prints a line to the server's console. */
  announce: (line: string) => void;
  delay: (ms: number) => Promise<void>;
}

/** An answer that never comes, or a connection that breaks instead. */
export type LostAnswer = { lost: 'silence' | 'reset' };

const sensitiveKeys = ['auth_token_comfy_org', 'api_key_comfy_org'];

function refusal(type: string, message: string, details: string): HttpAnswer {
  return jsonAnswer({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function errorJson({ type, message, details, extra_info: extraInfo }: ServerError): JsonObject {
  return { type, message, details, extra_info: extraInfo };
}

function nodeErrorsJson(nodeErrors: Readonly<Record<string, ServerNodeError>>): JsonObject {
  return Object.fromEntries(
    Object.entries(nodeErrors).map(([id, entry]) => [id, { ...entry, errors: entry.errors.map(errorJson) }]),
  );
}

/** Whether Python takes the value for true. */
function isTruthy(value: PyValue | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== 0n && value !== '';
}

/** The prompt's number, as server.py finds it; undefined where `float()` raises. */
function numberOf(data: PyDict, queue: PromptQueue): number | undefined {
  const given = data.get('number');
  if (given === undefined) {
    const next = queue.nextNumber();
    return isTruthy(data.get('front')) ? -next : next;
  }
  try {
    return pythonFloat(given);
  } catch (error) {
    if (error instanceof PythonException) return undefined;
    throw error;
  }
}

/** Node ids that the prompt's text names, in its order. */
function orderOf(prompt: PyValue): string[] {
  return prompt instanceof Map ? [...prompt.keys()] : [];
}

/** Files that the validator shall take to exist: those of the input folder, and annotated ones where the prompt names such. */
function filesFor(store: FileStore, promptText: string): string[] {
  const files = [...store.names('input')];
  for (const folder of ['output', 'temp', 'input'] as const) {
    if (promptText.includes(`[${folder}]`)) files.push(...store.names(folder).map((name) => `${name} [${folder}]`));
  }
  return files;
}

export function createPromptRoutes(dependencies: PromptRouteDependencies): {
  get: Route;
  post: (exchange: HttpExchange) => Promise<HttpAnswer | LostAnswer>;
} {
  const { queue, traits, files, faults } = dependencies;

  function parseBody(body: Buffer): PyValue | undefined {
    try {
      return parsePythonJson(body.toString('utf8'));
    } catch (error) {
      if (error instanceof ComfyError) return undefined;
      throw error;
    }
  }

  function accept(data: PyDict): HttpAnswer {
    dependencies.announce('got prompt');
    const number = numberOf(data, queue);
    if (number === undefined) return serverTrouble;
    const prompt = data.get('prompt');
    if (prompt === undefined) return refusal('no_prompt', 'No prompt provided', 'No prompt provided');
    const given = data.get('prompt_id');
    const isMinted = given === undefined || (given === null && traits.requiresCanonicalPromptId);
    const promptId = isMinted ? dependencies.newId() : pythonStr(given);
    if (
      traits.requiresCanonicalPromptId &&
      (!canonicalUuid.test(promptId) || (!isMinted && typeof given !== 'string'))
    ) {
      const details =
        'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one';
      return refusal('invalid_prompt_id', 'prompt_id must be a valid UUID', details);
    }
    const targets = data.get('partial_execution_targets');
    const promptText = pythonJsonText(prompt);
    const verdict = validatePrompt(dependencies.registry(), promptText, {
      files: filesFor(files, promptText),
      version: traits.version,
      ...(Array.isArray(targets) ? { targets: targets.filter((target) => typeof target === 'string') } : {}),
    });
    if (verdict.status === 500) return serverTrouble;
    const nodeErrors = nodeErrorsJson(verdict.node_errors);
    if (verdict.status === 400) {
      const error = verdict.error === undefined ? null : errorJson(verdict.error);
      return jsonAnswer({ error, node_errors: nodeErrors }, 400);
    }
    const extra = data.get('extra_data');
    const extraData = extra instanceof Map ? (jsonFromPython(extra) as JsonObject) : {};
    const clientId = data.get('client_id');
    if (clientId !== undefined) extraData['client_id'] = jsonFromPython(clientId);
    if (traits.stampsCreateTime) extraData['create_time'] = dependencies.now();
    const sensitive: JsonObject = {};
    for (const key of sensitiveKeys) {
      const secret = extraData[key];
      if (secret === undefined) continue;
      sensitive[key] = secret;
      delete extraData[key];
    }
    const shown = jsonFromPython(prompt) as JsonObject;
    const nodeOrder = orderOf(prompt);
    queue.put({
      number,
      promptId,
      prompt: shown,
      workflow: parseWorkflow(shown),
      nodeOrder,
      extraData,
      sensitive,
      // A Python set at the server, so any order would do: that of the prompt is the same at every run.
      outputs: verdict.outputs,
    });
    return jsonAnswer({ prompt_id: promptId, number, node_errors: nodeErrors });
  }

  return {
    get: ({ method, path }) =>
      method === 'GET' && path === '/prompt'
        ? jsonAnswer({ exec_info: { queue_remaining: queue.remaining() } })
        : undefined,
    post: async (exchange) => {
      const body = await exchange.readBody();
      const slow = faults.take('slow-post');
      if (slow !== undefined) await dependencies.delay(slow.delayMs);
      const data = parseBody(body);
      // `"number" in data` works on lists and texts too, and raises on the rest.
      const answer =
        data instanceof Map
          ? accept(data)
          : Array.isArray(data) || typeof data === 'string'
            ? refusal('no_prompt', 'No prompt provided', 'No prompt provided')
            : serverTrouble;
      if (answer.status !== 200) return answer;
      const lost = faults.take('lost-post-answer');
      return lost === undefined ? answer : { lost: lost.mode };
    },
  };
}
