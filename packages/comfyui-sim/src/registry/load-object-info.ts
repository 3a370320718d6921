import type { JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import type { RecordedVersion } from '@atelier/comfyui/registry/recorded-registry';

/** The recorded `GET /object_info` of a version, parsed without losing an integer. */
export function loadObjectInfo(version: RecordedVersion): JsonObject {
  return parseJson(readRecordedObjectInfo(version)) as JsonObject;
}
