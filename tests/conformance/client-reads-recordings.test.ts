import { readFileSync, readdirSync } from 'node:fs';
import { parseEvent } from '@atelier/comfyui/client/parse-event';
import { followPrompt } from '@atelier/comfyui/client/follow-prompt';
import { parseHistoryEntry } from '@atelier/comfyui/client/finished-prompt';
import type { FinishedPrompt } from '@atelier/comfyui/client/finished-prompt';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import { parseFrame } from '@atelier/comfyui/client/parse-frame';
import { parseJobList, parseQueue } from '@atelier/comfyui/client/parse-queue';
import { parsePostAnswer } from '@atelier/comfyui/client/post-answer';
import { createManualClock } from '@atelier/comfyui/client/testing/manual-clock';
import { createScriptedPrompt } from '@atelier/comfyui/client/testing/scripted-prompt';
import type { ComfyEvent } from '@atelier/comfyui/client/comfy-event';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { describe, expect, it } from 'vitest';

const fixtures = new URL('../../packages/comfyui-sim/fixtures/', import.meta.url);

interface Transcript {
  name: string;
  entries: JsonObject[];
}

function transcripts(version: string): Transcript[] {
  const folder = new URL(`${version}/transcripts/`, fixtures);
  return readdirSync(folder).map((file) => {
    const entries = parseJson(readFileSync(new URL(file, folder), 'utf8'));
    if (!Array.isArray(entries)) throw new Error(`${file} is not a list`);
    return { name: file, entries: entries.filter(isJsonObject) };
  });
}

function member(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key];
  return isJsonObject(value) ? value : undefined;
}

function text(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}

/** The calls of a transcript that were answered with 200: method, path without query, and the answer as text. */
function answers(transcript: Transcript): { route: string; body: string }[] {
  return transcript.entries.flatMap((entry) => {
    const http = member(entry, 'http');
    if (http?.['status'] !== 200) return [];
    const route = `${text(http, 'method')} ${text(http, 'path').split('?')[0] ?? ''}`;
    return [{ route, body: stringifyJson(http['response'] ?? null) }];
  });
}

/** The event that an entry of a transcript stands for; the recordings keep only the heads of binary frames. */
function eventOf(entry: JsonObject): ComfyEvent | undefined {
  const message = member(entry, 'ws');
  if (message !== undefined) return parseEvent(stringifyJson(message));
  const frame = member(entry, 'frame');
  if (frame === undefined) return undefined;
  const image = Buffer.from(text(frame, 'image_starts'), 'hex');
  const metadata = frame['type'] === 4 ? Buffer.from(stringifyJson(frame['metadata'] ?? {}), 'utf8') : undefined;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(Number(frame['type']), 0);
  head.writeUInt32BE(metadata?.byteLength ?? Number(frame['image_format']), 4);
  return parseFrame(Buffer.concat([head, metadata ?? Buffer.alloc(0), image]));
}

/** The prompts of a transcript whose history was asked for at their end. */
function finishedIn(transcript: Transcript): FinishedPrompt[] {
  const found = new Map<string, FinishedPrompt>();
  for (const { route, body } of answers(transcript)) {
    const history = route.startsWith('GET /history/') ? parseJson(body) : {};
    for (const [id, entry] of Object.entries(history ?? {})) found.set(id, parseHistoryEntry(id, entry as Json));
  }
  return [...found.values()];
}

describe.each(['0.3.64', '0.8.0'])('recordings of ComfyUI %s', (version) => {
  it.each(transcripts(version))('$name: every message and answer is understood', (transcript) => {
    const kinds = transcript.entries.map((entry) => eventOf(entry)?.type);
    expect(kinds).not.toContain('unknown');
    const bodies = (wanted: string) =>
      answers(transcript)
        .filter(({ route }) => route === wanted)
        .map(({ body }) => body);
    for (const body of bodies('GET /queue')) expect(parseQueue(body).running.length).toBeLessThanOrEqual(1);
    for (const body of bodies('GET /api/jobs')) expect(parseJobList(body)).not.toEqual([]);
    for (const body of bodies('POST /prompt')) {
      expect(parsePostAnswer({ status: 200, contentType: undefined, text: body }).state).toBe('accepted');
    }
  });

  it.each(transcripts(version).filter((transcript) => finishedIn(transcript).length > 0))(
    '$name: each prompt is followed to the end that its history tells',
    async (transcript) => {
      for (const finished of finishedIn(transcript)) {
        const script = createScriptedPrompt(finished.promptId);
        const clock = createManualClock();
        const fractions: number[] = [];
        let previews = 0;
        const following = followPrompt({
          client: script.client,
          socket: script.socket,
          promptId: finished.promptId,
          clock,
          onPreview: () => {
            previews += 1;
          },
          onProgress: (progress) => fractions.push(progress.nodesDone),
        });
        await clock.advance(1);
        let expectedPreviews = 0;
        let runs = false;
        for (const entry of transcript.entries) {
          const event = eventOf(entry);
          if (event === undefined) continue;
          if (event.type === 'execution_start') runs = event.promptId === finished.promptId;
          if (event.type === 'preview' && runs) expectedPreviews += 1;
          if (event.type === 'execution_start' && runs) script.place = 'running';
          // The history is written between the success and the last `executing`.
          if (event.type === 'executing' && event.nodeId === null && event.promptId === finished.promptId) {
            script.place = finished;
          }
          script.emit(event);
        }
        await clock.advance(1_000);
        const result = await following;
        expect(result.state).toBe(finished.outcome);
        expect(result.outputs).toEqual(finished.outputs);
        expect(previews).toBe(expectedPreviews);
        expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
      }
    },
  );
});
