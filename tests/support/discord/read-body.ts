import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { SentFile } from './check-message.ts';
import { invalidForm } from './discord-error.ts';

export interface RequestContent {
  json: unknown;
  /** By the number in their part's name `files[n]`. */
  files: SentFile[];
}

/** A request's JSON, and its files where it is a multipart form. @throws DiscordError 50035 */
export async function readBody(request: IncomingMessage): Promise<RequestContent> {
  const bytes = await buffer(request);
  const contentType = request.headers['content-type'] ?? '';
  if (bytes.length === 0) return { json: undefined, files: [] };
  if (!contentType.startsWith('multipart/form-data')) return { json: parseJson(bytes.toString()), files: [] };
  const form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  const files: SentFile[] = [];
  for (const [name, value] of form) {
    if (name === 'payload_json') continue;
    const index = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (index === undefined || typeof value === 'string') throw invalidForm({ [name]: 'unknown part' });
    files[Number(index)] = {
      name: value.name,
      contentType: value.type,
      bytes: new Uint8Array(await value.arrayBuffer()),
    };
  }
  const payload = form.get('payload_json');
  return { json: typeof payload === 'string' ? parseJson(payload) : undefined, files };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidForm({ body: 'not JSON' });
  }
}
