import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import type { NodeId } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import type { HttpAnswer } from './http.ts';
import { idText, json, numeric, optional, parseAnswer, shorten } from './parse-answer.ts';

/** One complaint of ComfyUI's validation. */
export interface ValidationError {
  /** Such as `value_not_in_list`. */
  type: string;
  message: string;
  details: string;
  extraInfo?: Json | undefined;
}

/** What validation said about one node. */
export interface NodeErrors {
  classType: string;
  errors: ValidationError[];
  /** The output nodes that cannot run because of it. */
  dependentOutputs: NodeId[];
}

/** The answer to `POST /prompt`. */
export type PostedPrompt =
  | {
      state: 'accepted';
      promptId: string;
      number: number;
      /** Not empty when some outputs were refused and dropped while the others run. */
      nodeErrors: Readonly<Record<NodeId, NodeErrors>>;
    }
  | {
      /** Surely not queued. */
      state: 'refused';
      status: number;
      error: ValidationError;
      nodeErrors: Readonly<Record<NodeId, NodeErrors>>;
    };

const errorSchema = z.union([
  z
    .looseObject({
      type: z.string(),
      message: optional(z.string()),
      details: optional(json),
      extra_info: optional(json),
    })
    .transform((error): ValidationError => ({
      type: error.type,
      message: error.message ?? '',
      details: typeof error.details === 'string' ? error.details : '',
      extraInfo: error.extra_info,
    })),
  // Proxies and custom nodes that veto a prompt answer with a bare text.
  z.string().transform((message): ValidationError => ({ type: 'refused', message, details: '' })),
]);

const nodeErrorsSchema = z.union([
  z.record(
    z.string(),
    z
      .looseObject({
        class_type: optional(z.string()),
        errors: optional(z.array(errorSchema)),
        dependent_outputs: optional(z.array(idText)),
      })
      .transform((node): NodeErrors => ({
        classType: node.class_type ?? '',
        errors: node.errors ?? [],
        dependentOutputs: node.dependent_outputs ?? [],
      })),
  ),
  // An empty dictionary comes as an empty list from some versions.
  z.array(json).transform((): Record<NodeId, NodeErrors> => ({})),
]);

const acceptedSchema = z.looseObject({
  prompt_id: z.string(),
  number: numeric,
  node_errors: optional(nodeErrorsSchema),
});

const refusedSchema = z.looseObject({ error: errorSchema, node_errors: optional(nodeErrorsSchema) });

/**
 * Reads the answer to `POST /prompt`.
 *
 * A 4xx or a redirect came before anything was queued, so it is `refused`. A 5xx may come from a proxy that gave up waiting, or from
 * ComfyUI failing to write its answer after it had queued the prompt; 408 likewise: these are unknown outcomes, like a 200 that
 * is cut or is not ComfyUI's.
 *
 * @throws ComfyError `unreachable` (with the status) when the prompt may or may not have been queued.
 */
export function parsePostAnswer(answer: HttpAnswer): PostedPrompt {
  const { status, text } = answer;
  if (status >= 200 && status < 300) {
    try {
      const accepted = parseAnswer(acceptedSchema, text, 'POST /prompt');
      return {
        state: 'accepted',
        promptId: accepted.prompt_id,
        number: accepted.number,
        nodeErrors: accepted.node_errors ?? {},
      };
    } catch (error) {
      throw unknownOutcome(answer, error);
    }
  }
  if (status >= 500 || status === 408) throw unknownOutcome(answer, undefined);
  return { state: 'refused', status, ...parseRefusal(answer) };
}

function parseRefusal(answer: HttpAnswer): Pick<PostedPrompt & { state: 'refused' }, 'error' | 'nodeErrors'> {
  try {
    const refused = parseAnswer(refusedSchema, answer.text, 'POST /prompt');
    return { error: refused.error, nodeErrors: refused.node_errors ?? {} };
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    const details = answer.text.trim().startsWith('<') ? '' : shorten(answer.text.trim());
    return {
      error: { type: `http_${answer.status}`, message: `The server answered ${answer.status}.`, details },
      nodeErrors: {},
    };
  }
}

function unknownOutcome(answer: HttpAnswer, cause: unknown): ComfyError {
  return new ComfyError(
    'unreachable',
    `POST /prompt was answered with ${answer.status}, which does not tell whether the prompt was queued.`,
    { hint: 'Look for the prompt in queue and history.', status: answer.status, body: shorten(answer.text), cause },
  );
}
