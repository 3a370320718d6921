import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';

/** What several servers have, as `/object_info` gives it. */
export interface ObjectInfo {
  /** JSON text of each class, by name. */
  classes: ReadonlyMap<string, string>;
  /** Classes with a list of input files: each person sees their own there. */
  uploading: ReadonlyMap<string, JsonObject>;
}

/** The classes of all servers; of one that several have, the first's. */
export function mergeObjectInfo(texts: readonly string[]): ObjectInfo {
  const classes = new Map<string, string>();
  const uploading = new Map<string, JsonObject>();
  for (const text of texts) {
    const info = parseJson(text);
    if (!isJsonObject(info)) continue;
    for (const [name, entry] of Object.entries(info)) {
      if (entry === undefined || classes.has(name)) continue;
      classes.set(name, stringifyJson(entry, { nonFinite: 'literal' }));
      if (isJsonObject(entry) && uploadInputs(entry).length > 0) uploading.set(name, entry);
    }
  }
  return { classes, uploading };
}

/** `/object_info` of a person: lists of input files hold theirs. @param only one class, or undefined for all. */
export function writeObjectInfo(info: ObjectInfo, files: readonly string[], only?: string): string {
  const names = only === undefined ? [...info.classes.keys()] : info.classes.has(only) ? [only] : [];
  const parts = names.map((name) => {
    const entry = info.uploading.get(name);
    const text =
      entry === undefined ? info.classes.get(name) : stringifyJson(withFiles(entry, files), { nonFinite: 'literal' });
    return `${JSON.stringify(name)}:${text ?? '{}'}`;
  });
  return `{${parts.join(',')}}`;
}

const groups = ['required', 'optional'] as const;

function uploadInputs(entry: JsonObject): { group: string; input: string }[] {
  const declared = entry['input'];
  if (!isJsonObject(declared)) return [];
  return groups.flatMap((group) => {
    const inputs = declared[group];
    if (!isJsonObject(inputs)) return [];
    return Object.entries(inputs).flatMap(([input, value]) => (listsUploads(value) ? [{ group, input }] : []));
  });
}

function listsUploads(value: Json | undefined): boolean {
  if (!Array.isArray(value)) return false;
  const [, config] = value;
  if (!isJsonObject(config)) return false;
  const isUpload = ['image_upload', 'audio_upload', 'video_upload', 'file_upload'].some((key) => config[key] === true);
  return isUpload && (config['image_folder'] === undefined || config['image_folder'] === 'input');
}

function withFiles(entry: JsonObject, files: readonly string[]): JsonObject {
  const declared: JsonObject = { ...(entry['input'] as JsonObject) };
  for (const { group, input } of uploadInputs(entry)) {
    const inputs: JsonObject = { ...(declared[group] as JsonObject) };
    const [type, config] = inputs[input] as [Json, JsonObject];
    // The older form lists values in the type's place, the newer one among the settings.
    inputs[input] = Array.isArray(type) ? [[...files], config] : [type, { ...config, options: [...files] }];
    declared[group] = inputs;
  }
  return { ...entry, input: declared };
}
