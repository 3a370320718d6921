import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';

/** The recorded `GET /object_info` of a version, parsed without losing an integer. */
export function loadObjectInfo(version: '0.3.64' | '0.8.0'): JsonObject {
  const source = import.meta.resolve('@atelier/comfyui/registry/parse-registry');
  const file = fileURLToPath(new URL(`../../fixtures/${version}/object_info.json.gz`, source));
  return parseJson(gunzipSync(readFileSync(file)).toString('utf8')) as JsonObject;
}
