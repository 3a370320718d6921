import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import {
  readRecordedObjectInfo,
  readRecordedValidations,
  recordedVersions,
} from '@atelier/comfyui/registry/recorded-registry';
import type { RecordedVersion } from '@atelier/comfyui/registry/recorded-registry';
import type { PromptVerdict } from '@atelier/comfyui/validate/prompt-verdict';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import { z } from 'zod';

/** One recorded answer that the validator does not give. */
export interface Disagreement {
  name: string;
  /** The recorded answer and ours, as JSON with sorted nodes. */
  recorded: string;
  ours: string;
}

export interface ValidationResult {
  version: RecordedVersion;
  agreed: number;
  total: number;
  disagreements: Disagreement[];
}

const recordedCase = z.looseObject({ name: z.string(), status: z.number() });

/**
 * Validates every recorded prompt of both versions and compares with what the server answered: the status and the whole of `error` and
 * `node_errors`, messages and order of errors included. Only tracebacks are left out.
 */
export function runValidationCases(): ValidationResult[] {
  return recordedVersions.map((version) => {
    const registry = parseRegistry(readRecordedObjectInfo(version));
    const disagreements: Disagreement[] = [];
    const lines = readRecordedValidations(version);
    for (const line of lines) {
      const { name, status } = recordedCase.parse(JSON.parse(line));
      const recorded = comparable(status, status === 500 ? null : parseJson(textBetween(line, '"response":', '}')));
      const verdict = validatePrompt(registry, textBetween(line, '"prompt":', ',"status":'), { version });
      const ours = comparable(verdict.status, answerOf(verdict));
      if (recorded !== ours) disagreements.push({ name, recorded, ours });
    }
    return { version, agreed: lines.length - disagreements.length, total: lines.length, disagreements };
  });
}

/** A prompt is taken as it stands in the line: parsing it would lose the difference between `1` and `1.0`. */
function textBetween(line: string, start: string, end: string): string {
  return line.slice(line.indexOf(start) + start.length, line.lastIndexOf(end));
}

function answerOf({ error, node_errors }: PromptVerdict): JsonObject {
  return error === undefined ? { node_errors } : { error, node_errors };
}

function comparable(status: number, answer: Json): string {
  if (status === 500 || !isJsonObject(answer)) return String(status);
  const { error = null, node_errors = {} } = answer;
  return stringifyJson(normalised([status, error, node_errors]));
}

/** Object keys sorted, bigints as texts, tracebacks emptied. */
function normalised(value: Json): Json {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  const sorted: { [key: string]: Json } = {};
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) sorted[key] = key === 'traceback' ? [] : normalised(member);
  }
  return sorted;
}
