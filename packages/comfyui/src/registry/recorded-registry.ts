import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The versions of ComfyUI whose answers were recorded. */
export const recordedVersions = ['0.3.64', '0.8.0'] as const;

export type RecordedVersion = (typeof recordedVersions)[number];

/** What a real server of that version answered to `GET /object_info` (379 and 442 classes; tooltips and descriptions are left out). */
export function readRecordedObjectInfo(version: RecordedVersion): string {
  return readFixture(`${version}/object_info.json.gz`);
}

/** One JSON object a line, `{name, prompt, status, response}`: what a real server answered to `POST /prompt`. */
export function readRecordedValidations(version: RecordedVersion): string[] {
  return readFixture(`${version}/validation.jsonl.gz`).trimEnd().split('\n');
}

function readFixture(path: string): string {
  return gunzipSync(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url))).toString('utf8');
}
