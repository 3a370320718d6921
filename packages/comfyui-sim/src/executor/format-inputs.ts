import type { WorkflowNode } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import type { RunScope } from './run-node.ts';

/** Inputs as `execution_error` shows them: literals as they are, anything else as a text, each in a list. */
export function formatInputs(node: Readonly<WorkflowNode> | undefined, scope: RunScope): JsonObject {
  return Object.fromEntries(
    Object.entries(node?.inputs ?? {}).map(([name, value]) => [
      name,
      [isLink(value) ? linkedText(scope, value[0], value[1]) : scalar(value)],
    ]),
  );
}

function linkedText(scope: RunScope, from: string, slot: number): Json {
  const value = scope.result(from)?.outputs[slot];
  if (value === undefined) return null;
  return value.kind === 'literal' ? scalar(value.value) : `<${value.kind}>`;
}

function scalar(value: Json): Json {
  return typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
    : value;
}
