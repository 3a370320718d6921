import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { subWorkflow } from '@atelier/comfyui/graph/topology';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import type { Policy, PolicyReason } from '@atelier/comfyui/policy/policy';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { ServerNodeError } from '@atelier/comfyui/validate/prompt-verdict';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import { refusal, type PromptBody, type PromptRefusal } from './prompt-body.ts';

/** A ComfyUI behind the door. */
export interface DoorServer {
  id: string;
  version: string | undefined;
  registry: Registry;
}

/** A prompt that may run, and what ComfyUI would say of it. */
export interface JudgedPrompt {
  /** Errors of outputs that are left out, where others are good. */
  nodeErrors: JsonObject;
  /** Output nodes that run. */
  outputs: string[];
  /** Some of the prompt's outputs do not run: they were not asked for, or are wrong. */
  isPartial: boolean;
}

export interface RefusedPrompt {
  outcome: 'refused';
  status: 400 | 500 | 503;
  error: JsonObject | null;
  nodeErrors: JsonObject;
}

export interface JudgedBody extends Pick<PromptBody, 'prompt' | 'targets'> {
  workflowText: string;
  /** Uploaded files that it may read. */
  files: readonly string[];
  policy: Policy;
}

export function isRefused(verdict: object): verdict is RefusedPrompt {
  return 'outcome' in verdict && verdict.outcome === 'refused';
}

/** A refusal of the body as a refusal of the prompt. */
export function refused({ status, error }: PromptRefusal): RefusedPrompt {
  return { outcome: 'refused', status, error, nodeErrors: {} };
}

/** The verdict of the first server that takes it; where none does, that of the first asked. */
export function judgePrompt(servers: readonly DoorServer[], body: JudgedBody): JudgedPrompt | RefusedPrompt {
  let first: RefusedPrompt | undefined;
  for (const server of servers) {
    const verdict = judge(server, body);
    if (!isRefused(verdict)) return verdict;
    first ??= verdict;
  }
  const none = refusal(500, 'no_server', 'No ComfyUI has told what it has yet: try again in a moment');
  return first ?? { ...refused(none), status: 503 };
}

/** ComfyUI's own verdict first, then ours. */
function judge(server: DoorServer, body: JudgedBody): JudgedPrompt | RefusedPrompt {
  const verdict = validatePrompt(server.registry, body.workflowText, {
    files: body.files,
    ...(server.version === undefined ? {} : { version: server.version }),
    ...(body.targets === undefined ? {} : { targets: body.targets }),
  });
  const nodeErrors = nodeErrorsJson(verdict.node_errors);
  if (verdict.status !== 200) {
    const error = verdict.error === undefined ? null : { ...verdict.error };
    return { outcome: 'refused', status: verdict.status, error, nodeErrors };
  }
  const isPartial = body.targets !== undefined || Object.keys(nodeErrors).length > 0;
  // What is left out never reaches a ComfyUI, so nothing in it can be wrong.
  const runs = isPartial ? subWorkflow(parseWorkflow(body.prompt), verdict.outputs) : body.prompt;
  const decision = checkPolicy(server.registry, runs, body.policy, { files: body.files });
  if (!decision.allowed) return byPolicy(decision.reasons, body.prompt);
  return { nodeErrors, outputs: verdict.outputs, isPartial };
}

function byPolicy(reasons: readonly PolicyReason[], prompt: Json): RefusedPrompt {
  const details = reasons.map(({ message }) => message).join('\n');
  const byNode = new Map<string, JsonObject[]>();
  for (const { nodeId, message, code } of reasons) {
    if (nodeId === undefined) continue;
    const error = { type: `policy_${code}`, message: 'Not allowed here', details: message, extra_info: {} };
    byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), error]);
  }
  const nodeErrors = Object.fromEntries(
    [...byNode].map(([id, errors]) => [id, { errors, dependent_outputs: [], class_type: classTypeIn(prompt, id) }]),
  );
  const error = { type: 'prompt_not_allowed', message: 'This workflow may not run here', details, extra_info: {} };
  return { outcome: 'refused', status: 400, error, nodeErrors };
}

/** The class of a node in a prompt; empty where it has none. */
export function classTypeIn(prompt: Json, nodeId: string): string {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt)) return '';
  const node = Object.hasOwn(prompt, nodeId) ? prompt[nodeId] : undefined;
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return '';
  const name = node['class_type'];
  return typeof name === 'string' ? name : '';
}

function nodeErrorsJson(errors: Readonly<Record<string, ServerNodeError>>): JsonObject {
  return Object.fromEntries(
    Object.entries(errors).map(([id, entry]) => [
      id,
      { ...entry, errors: entry.errors.map((error) => ({ ...error })) },
    ]),
  );
}
