import { isJsonObject } from '../../json/is-json-object.ts';
import type { Json, JsonObject } from '../../json/json.ts';
import { parseJson } from '../../json/parse-json.ts';
import { stringifyJson } from '../../json/stringify-json.ts';
import { parseRegistry } from '../../registry/parse-registry.ts';
import {
  readRecordedObjectInfo,
  readRecordedValidations,
  type RecordedVersion,
} from '../../registry/recorded-registry.ts';
import type { Registry } from '../../registry/registry.ts';
import { parseWorkflow } from '../parse-workflow.ts';
import type { Workflow } from '../workflow.ts';

/**
 * A recorded registry, with file names added to its combos as if models had been installed.
 *
 * @param files by class and input, such as `{'UNETLoader.unet_name': ['flux1-dev.safetensors']}`.
 * @param classes further classes, in the form of `/object_info`.
 */
export function recordedRegistry(
  version: RecordedVersion,
  files: Readonly<Record<string, readonly string[]>> = {},
  classes: Readonly<Record<string, Json>> = {},
): Registry {
  const text = readRecordedObjectInfo(version);
  if (Object.keys(files).length === 0 && Object.keys(classes).length === 0) return parseRegistry(text);
  const info = parseJson(text);
  if (!isJsonObject(info)) throw new Error('object_info is no object');
  for (const [key, names] of Object.entries(files)) addFiles(info, key, names);
  for (const [name, value] of Object.entries(classes)) info[name] = value;
  return parseRegistry(stringifyJson(info));
}

function addFiles(info: JsonObject, key: string, names: readonly string[]): void {
  const dot = key.indexOf('.');
  const node = info[key.slice(0, dot)];
  const inputs = isJsonObject(node) && isJsonObject(node['input']) ? node['input'] : {};
  for (const group of Object.values(inputs)) {
    const declaration = isJsonObject(group) ? group[key.slice(dot + 1)] : undefined;
    if (!Array.isArray(declaration)) continue;
    const config = declaration[1];
    const options = Array.isArray(declaration[0])
      ? declaration[0]
      : isJsonObject(config)
        ? config['options']
        : undefined;
    if (Array.isArray(options)) options.push(...names);
  }
}

/** The recorded prompts that have the shape of a workflow. */
export function recordedWorkflows(version: RecordedVersion): { name: string; workflow: Workflow }[] {
  return readRecordedValidations(version).flatMap((line) => {
    const record = parseJson(line);
    if (!isJsonObject(record) || typeof record['name'] !== 'string') return [];
    try {
      return [{ name: record['name'], workflow: parseWorkflow(record['prompt'] ?? null) }];
    } catch {
      return [];
    }
  });
}
