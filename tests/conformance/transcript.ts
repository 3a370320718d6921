import { readFileSync, readdirSync } from 'node:fs';
import { z } from 'zod';

const messageSchema = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) });
const frameSchema = z.object({
  type: z.number(),
  length: z.number(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  image_format: z.number().optional(),
  image_starts: z.string(),
});
const callSchema = z.object({
  method: z.string(),
  path: z.string(),
  body: z.unknown().optional(),
  multipart: z.boolean().optional(),
  status: z.number(),
  content_type: z.string(),
  disposition: z.string().optional(),
  response: z.unknown(),
});
const entrySchema = z.union([
  z.object({ t: z.number(), ws: messageSchema }),
  z.object({ t: z.number(), frame: frameSchema }),
  z.object({ t: z.number(), http: callSchema }),
]);

export type SocketMessage = z.infer<typeof messageSchema>;
export type SocketFrame = z.infer<typeof frameSchema>;
export type HttpCall = z.infer<typeof callSchema>;

/** What a socket received, in order: text messages and frames. */
export type SocketEvent = { message: SocketMessage } | { frame: SocketFrame };

/** One recorded scenario. */
export interface Transcript {
  name: string;
  /** Socket events and HTTP calls in the order in which the recorder saw them. */
  entries: (SocketEvent | { call: HttpCall })[];
}

export const transcriptVersions = ['0.3.64', '0.8.0'] as const;
export type TranscriptVersion = (typeof transcriptVersions)[number];

/** The scenarios in the order in which they were recorded: later ones build on counters, caches and files of earlier ones. */
export const scenarioOrder = [
  'rest-read-only',
  'txt2img-cold',
  'txt2img-all-cached',
  'txt2img-new-seed',
  'txt2img-model-swap',
  'txt2img-batch4-no-preview-metadata',
  'images-only',
  'own-prompt-id',
  'queue-order',
  'interrupt-running',
  'interrupt-everything',
  'uploads',
  'execution-error',
  'bad-bodies',
  'jobs-api',
  'partial-targets',
] as const;

/** Reads all recorded scenarios of a version, in recording order. */
export function loadTranscripts(version: TranscriptVersion): Transcript[] {
  const directory = new URL(`../../packages/comfyui-sim/fixtures/${version}/transcripts/`, import.meta.url);
  const present = readdirSync(directory).map((file) => file.replace(/\.json$/, ''));
  const unknown = present.filter((name) => !scenarioOrder.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`Scenarios without a place in the order: ${unknown.join(', ')}`);
  return scenarioOrder.map((name) => {
    const text = readFileSync(new URL(`${name}.json`, directory), 'utf8');
    const entries = z.array(entrySchema).parse(JSON.parse(text));
    return {
      name,
      entries: entries.map((entry) =>
        'ws' in entry ? { message: entry.ws } : 'frame' in entry ? { frame: entry.frame } : { call: entry.http },
      ),
    };
  });
}

/** Whether an event belongs to a run: `status` and `feature_flags` come in between at their own times. */
export function isRunEvent(event: SocketEvent): boolean {
  return 'frame' in event || (event.message.type !== 'status' && event.message.type !== 'feature_flags');
}
