import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { parsePythonJson } from '@atelier/comfyui/json/python-json';
import type { PyDict } from '@atelier/comfyui/json/python-json';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import type { RecordedVersion } from '@atelier/comfyui/registry/recorded-registry';

/** The recorded `GET /object_info` of a version, with its order, its big integers and the difference of `1` and `1.0`. */
export function loadObjectInfo(version: RecordedVersion): PyDict {
  const parsed = parsePythonJson(readRecordedObjectInfo(version));
  if (parsed instanceof Map) return parsed;
  throw new ComfyError('malformed', `The recorded registry of ${version} is not an object of classes.`);
}
