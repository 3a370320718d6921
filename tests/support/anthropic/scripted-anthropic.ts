import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { messageEvents, messageOf, type ScriptedBlock, type ScriptedMessage } from './message-events.ts';

/** What the server does with one request, in the order of the script. */
export type ScriptedStep =
  /** Answers with a message: as server-sent events where the request asks for a stream, else in one piece. */
  | ({ kind: 'message' } & ScriptedMessage)
  /** Answers with an error. */
  | {
      kind: 'error';
      status: number;
      /** Such as `rate_limit_error` or `overloaded_error`. */
      type: string;
      message?: string;
      /** `details.error_code`, such as `contract_spend_limit_reached`. */
      errorCode?: string;
      headers?: Record<string, string>;
    }
  /** Streams a message and breaks the connection after so many events. */
  | ({ kind: 'cut'; afterEvents: number } & ScriptedMessage)
  /** Streams a message and ends it with an `error` event after so many events. */
  | ({ kind: 'stream_error'; afterEvents: number; type: string } & ScriptedMessage)
  /** Answers nothing until the client gives up. */
  | { kind: 'hang' }
  /** Answers with these bytes as the body. */
  | { kind: 'raw'; status: number; contentType: string; body: string }
  /** Decides by what was asked. */
  | { kind: 'when'; answer: (request: ReceivedRequest) => ScriptedStep };

const requestSchema = z.looseObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  stream: z.boolean().optional(),
  system: z.unknown(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content: z.unknown() })).min(1),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
});
export type ReceivedRequest = z.infer<typeof requestSchema> & { headers: IncomingMessage['headers'] };

export interface ScriptedAnthropic {
  /** For `ANTHROPIC_BASE_URL`. */
  readonly url: string;
  /** Every request that arrived, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** Adds steps; a request beyond the script is answered with 500. */
  script(...steps: ScriptedStep[]): void;
  /** Steps that no request has taken yet. */
  readonly left: number;
  /** Forgets requests and steps. */
  reset(): void;
  close(): Promise<void>;
}

/** A text as the only content of a message. */
export function textMessage(content: string, options: Partial<ScriptedMessage> = {}): ScriptedStep {
  const block: ScriptedBlock = { type: 'text', text: content };
  return { kind: 'message', content: [block], ...options };
}

/**
 * A server that speaks the Messages API over HTTP and server-sent events and follows a script, for the real SDK to talk
 * to. What a request lacks is refused as the API refuses it: no key is 401, a body that does not parse 400.
 */
export async function startScriptedAnthropic(
  /** Says what a step costs, in place of the script. */
  meter?: (step: ScriptedStep, request: ReceivedRequest) => ScriptedStep,
): Promise<ScriptedAnthropic> {
  const steps: ScriptedStep[] = [];
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.method !== 'POST' || request.url?.split('?')[0] !== '/v1/messages') {
      sendError(response, { status: 404, type: 'not_found_error' });
      return;
    }
    if (request.headers['x-api-key'] === undefined && request.headers.authorization === undefined) {
      sendError(response, { status: 401, type: 'authentication_error' });
      return;
    }
    const parsed = requestSchema.safeParse(parseJsonOrUndefined(body));
    if (!parsed.success) {
      sendError(response, { status: 400, type: 'invalid_request_error', message: parsed.error.message });
      return;
    }
    requests.push({ ...parsed.data, headers: request.headers });
    const problem = messageProblem(parsed.data.messages);
    if (problem !== undefined) {
      sendError(response, { status: 400, type: 'invalid_request_error', message: problem });
      return;
    }
    const received: ReceivedRequest = { ...parsed.data, headers: request.headers };
    let step = steps.shift();
    while (step?.kind === 'when') step = step.answer(received);
    if (step === undefined) sendError(response, { status: 500, type: 'api_error', message: 'the script has ended' });
    else await play(meter === undefined ? step : meter(step, received), parsed.data.stream === true, response);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (...more) => void steps.push(...more),
    get left() {
      return steps.length;
    },
    reset() {
      steps.length = 0;
      requests.length = 0;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function play(step: ScriptedStep, stream: boolean, response: ServerResponse): Promise<void> {
  switch (step.kind) {
    case 'error':
      sendError(response, step);
      return;
    case 'raw':
      response.writeHead(step.status, { 'content-type': step.contentType }).end(step.body);
      return;
    case 'hang':
    case 'when':
      return;
    case 'message':
      if (!stream) {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(messageOf(step)));
        return;
      }
      await sendEvents(response, messageEvents(step), step);
      response.end();
      return;
    case 'cut':
      await sendEvents(response, messageEvents(step).slice(0, step.afterEvents), step);
      response.destroy();
      return;
    case 'stream_error':
      break;
  }
  await sendEvents(response, messageEvents(step).slice(0, step.afterEvents), step);
  const error = { type: 'error', error: { type: step.type, message: step.type }, request_id: 'req_scripted' };
  response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`);
}

async function sendEvents(
  response: ServerResponse,
  events: readonly { type: string }[],
  { eventDelayMs, hold }: Pick<ScriptedMessage, 'eventDelayMs' | 'hold'>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_scripted' });
  for (const [index, event] of events.entries()) {
    if (index === hold?.afterEvents) await hold.until;
    if (eventDelayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, eventDelayMs));
    // Waiting for each write lets a cut happen behind what was really sent.
    await new Promise<void>((resolve) => {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`, () => resolve());
    });
    if (response.destroyed) return;
  }
}

function sendError(
  response: ServerResponse,
  error: { status: number; type: string; message?: string; errorCode?: string; headers?: Record<string, string> },
): void {
  const details = error.errorCode === undefined ? {} : { details: { error_code: error.errorCode } };
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'request-id': 'req_scripted',
    ...error.headers,
  });
  response.end(
    JSON.stringify({
      type: 'error',
      error: { type: error.type, message: error.message ?? error.type, ...details },
      request_id: 'req_scripted',
    }),
  );
}

function parseJsonOrUndefined(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const blockSchema = z.looseObject({ type: z.string(), id: z.string().optional(), tool_use_id: z.string().optional() });

/** What the API refuses in a conversation: roles that do not alternate, and tool uses without their results. */
function messageProblem(messages: readonly { role: string; content: unknown }[]): string | undefined {
  let owed: string[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    if ((index % 2 === 0) !== (role === 'user')) return `messages.${index}: roles must alternate`;
    const blocks = typeof content === 'string' ? [] : z.array(blockSchema).min(1).parse(content);
    const results = blocks.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id ?? ''] : []));
    if (owed.some((id) => !results.includes(id)) || results.some((id) => !owed.includes(id))) {
      return `messages.${index}: tool_use ids and tool_result blocks do not match: ${owed.join()} and ${results.join()}`;
    }
    owed = blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id ?? ''] : []));
  }
  return owed.length === 0 ? undefined : `tool_use without tool_result: ${owed.join()}`;
}
