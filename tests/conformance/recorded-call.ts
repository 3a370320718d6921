import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { HttpCall } from './transcript.ts';

/** What the recorder uploaded: the recording keeps the answers alone. */
export interface RecordedUpload {
  filename: string;
  bytes: Buffer;
  fields: Record<string, string>;
}

async function dot(colour: string): Promise<Buffer> {
  return sharp({ create: { width: 8, height: 8, channels: 4, background: colour } })
    .png()
    .toBuffer();
}

/** The uploads of a scenario in their order, made to fit the recorded answers. */
export async function uploadsOf(scenario: string): Promise<RecordedUpload[]> {
  if (scenario === 'execution-error')
    return [{ filename: 'broken.png', bytes: Buffer.from('this is no picture'), fields: {} }];
  const [red, blue] = await Promise.all([dot('#ff0000'), dot('#0000ff')]);
  return [
    { filename: 'dot.png', bytes: red, fields: {} },
    { filename: 'dot.png', bytes: red, fields: {} },
    { filename: 'dot.png', bytes: blue, fields: {} },
    { filename: 'dot.png', bytes: red, fields: { subfolder: 'refs' } },
    { filename: 'dot.png', bytes: red, fields: { subfolder: '../..' } },
    { filename: '../../evil.png', bytes: red, fields: {} },
    {
      filename: 'mask.png',
      bytes: blue,
      fields: { original_ref: JSON.stringify({ filename: 'dot.png', subfolder: '', type: 'input' }) },
    },
  ];
}

function multipart({ filename, bytes, fields }: RecordedUpload): { contentType: string; body: Buffer } {
  const boundary = createHash('sha256').update(bytes).digest('hex').slice(0, 24);
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${filename}"\r\nContent-Type: image/png\r\n\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n'), ...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** Replaces recorded prompt ids by those of the replay, wherever they stand. */
export function translateIds<T>(value: T, ids: ReadonlyMap<string, string>): T {
  let text = JSON.stringify(value);
  for (const [recorded, replayed] of ids) text = text.replaceAll(recorded, replayed);
  return JSON.parse(text) as T;
}

/** Sends a recorded call to the server at `url`. @returns the same call with the answer that came now. */
export async function sendRecorded(
  url: string,
  recorded: HttpCall,
  upload?: RecordedUpload,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpCall> {
  const init: RequestInit = { method: recorded.method, headers };
  if (upload !== undefined) {
    const { contentType, body } = multipart(upload);
    init.headers = { ...headers, 'content-type': contentType };
    init.body = body;
  } else if (recorded.body !== undefined) {
    init.body = typeof recorded.body === 'string' ? recorded.body : JSON.stringify(recorded.body);
    if (recorded.body !== '') init.headers = { ...headers, 'content-type': 'application/json' };
  }
  const answer = await fetch(new URL(encodeURI(recorded.path).replaceAll('%25', '%'), url), init);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const contentType = answer.headers.get('content-type') ?? '';
  const disposition = answer.headers.get('content-disposition');
  return {
    method: recorded.method,
    path: recorded.path,
    status: answer.status,
    content_type: contentType,
    ...(disposition === null ? {} : { disposition }),
    response: contentType.startsWith('image/')
      ? { bytes: bytes.length }
      : contentType.startsWith('application/json')
        ? (JSON.parse(bytes.toString('utf8')) as unknown)
        : bytes.toString('utf8'),
  };
}

/** The id that an answer to `POST /prompt` gave, where it took the prompt. */
export function promptIdOf(answer: HttpCall): string | undefined {
  const { response } = answer;
  if (answer.path !== '/prompt' || typeof response !== 'object' || response === null || !('prompt_id' in response))
    return undefined;
  return typeof response.prompt_id === 'string' ? response.prompt_id : undefined;
}
