import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Json, JsonObject } from '../../json/json.ts';
import { parseJson } from '../../json/parse-json.ts';
import { stringifyJson } from '../../json/stringify-json.ts';

/** What a test says of one request; returning false leaves it to the standard behaviour. */
export type FakeHandler = (request: FakeRequest, response: ServerResponse) => boolean | Promise<boolean>;

export interface FakeRequest {
  method: string;
  /** Path with query, as it came. */
  path: string;
  body: Buffer;
  headers: IncomingMessage['headers'];
}

/** One socket as the fake server holds it. */
export interface FakeSocket {
  clientId: string;
  /** The first text message, which is where ComfyUI reads the feature flags. */
  firstMessage: Promise<Json>;
  ws: WebSocket;
}

/** A ComfyUI whose every move a test decides: nothing runs by itself. It speaks 0.8.0 unless told otherwise. */
export interface FakeComfy {
  readonly baseUrl: string;
  /** Requests in order of arrival: `POST /prompt`, … */
  readonly requests: FakeRequest[];
  readonly sockets: FakeSocket[];
  /** Asked before the standard behaviour. */
  handler: FakeHandler | undefined;
  /** Whether `/api/jobs` exists. */
  jobsApi: boolean;
  version: string;
  /** Ids in ComfyUI's queue. */
  readonly running: string[];
  readonly pending: string[];
  readonly history: Map<string, JsonObject>;
  /** Moves a pending prompt to running. */
  start(promptId: string): void;
  /** Moves a running prompt to history. */
  finish(promptId: string, status: 'success' | 'error' | 'interrupted', outputs?: JsonObject): void;
  /** Sends to every open socket. */
  send(type: string, data: JsonObject): void;
  sendBinary(frame: Uint8Array): void;
  /** Resolves when `count` sockets have connected since the start. */
  untilSockets(count: number): Promise<void>;
  /** Resolves when a request whose `METHOD path` begins so has come `count` times. */
  untilRequests(prefix: string, count: number): Promise<void>;
  /** Drops connections, queue and history, as a restart does; comes back on the same port. */
  restart(): Promise<void>;
  /** Ends it and all its connections. */
  stop(): Promise<void>;
}

/** Starts a fake on a free port of the loopback interface. */
export async function startFakeComfy(): Promise<FakeComfy> {
  const connections = new Set<Socket>();
  const watchers = new Set<() => void>();
  let server: Server;
  let port = 0;
  let number = 0;

  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };

  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        watchers.delete(check);
        resolve();
      };
      watchers.add(check);
      check();
    });

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const request: FakeRequest = {
      method: message.method ?? '',
      path: message.url ?? '',
      body: Buffer.concat(chunks),
      headers: message.headers,
    };
    fake.requests.push(request);
    notify();
    if ((await fake.handler?.(request, response)) === true) return;
    standard(request, response);
  }

  function standard(request: FakeRequest, response: ServerResponse): void {
    const path = request.path.split('?')[0] ?? '';
    const route = `${request.method} ${path}`;
    if (route === 'GET /queue') {
      sendJson(response, 200, { queue_running: fake.running.map(item), queue_pending: fake.pending.map(item) });
    } else if (route === 'POST /queue') {
      for (const id of deletedIds(request)) remove(fake.pending, id);
      response.end();
    } else if (route === 'POST /prompt') {
      const id = textOf(bodyOf(request)['prompt_id']);
      fake.pending.push(id);
      sendJson(response, 200, { prompt_id: id, number: number++, node_errors: {} });
    } else if (route === 'POST /interrupt') {
      response.end();
    } else if (route === 'GET /system_stats') {
      sendJson(response, 200, { system: { comfyui_version: fake.version }, devices: [] });
    } else if (path.startsWith('/history/')) {
      const id = decodeURIComponent(path.slice('/history/'.length));
      const entry = fake.history.get(id);
      sendJson(response, 200, entry === undefined ? {} : { [id]: entry });
    } else if (fake.jobsApi && route.startsWith('GET /api/jobs/')) {
      job(decodeURIComponent(path.slice('/api/jobs/'.length)), response);
    } else {
      response.writeHead(path.endsWith('/cancel') ? 405 : 404).end();
    }
  }

  function job(id: string, response: ServerResponse): void {
    const entry = fake.history.get(id);
    if (entry !== undefined) {
      const status = entry['status'] as JsonObject;
      sendJson(response, 200, {
        id,
        status: status['status_str'] === 'success' ? 'completed' : 'failed',
        outputs: entry['outputs'] ?? {},
        execution_status: status,
      });
    } else if (fake.running.includes(id)) {
      sendJson(response, 200, { id, status: 'in_progress', priority: 1 });
    } else if (fake.pending.includes(id)) {
      sendJson(response, 200, { id, status: 'pending', priority: 1 });
    } else {
      sendJson(response, 404, { error: 'Job not found' });
    }
  }

  async function listen(): Promise<void> {
    server = createServer((message, response) => {
      answer(message, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.on('connection', (socket) => {
      connections.add(socket);
      socket.on('close', () => connections.delete(socket));
    });
    const sockets = new WebSocketServer({ server, path: '/ws' });
    sockets.on('connection', (ws, message) => {
      const clientId = new URL(message.url ?? '', 'http://localhost').searchParams.get('clientId') ?? '';
      const firstMessage = new Promise<Json>((resolve) => {
        ws.once('message', (data) => resolve(parseJson((data as Buffer).toString('utf8'))));
      });
      ws.on('error', () => ws.terminate());
      fake.sockets.push({ clientId, firstMessage, ws });
      ws.send(
        stringifyJson({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid: clientId } }),
      );
      notify();
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  }

  async function drop(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of connections) connection.destroy();
    await closed;
  }

  const fake: FakeComfy = {
    get baseUrl() {
      return `http://127.0.0.1:${port}`;
    },
    requests: [],
    sockets: [],
    handler: undefined,
    jobsApi: true,
    version: '0.8.0',
    running: [],
    pending: [],
    history: new Map(),
    start: (promptId) => {
      remove(fake.pending, promptId);
      fake.running.push(promptId);
    },
    finish: (promptId, status, outputs = {}) => {
      remove(fake.running, promptId);
      fake.history.set(promptId, historyEntry(promptId, status, outputs));
    },
    send: (type, data) => {
      for (const { ws } of fake.sockets) if (ws.readyState === ws.OPEN) ws.send(stringifyJson({ type, data }));
    },
    sendBinary: (frame) => {
      for (const { ws } of fake.sockets) if (ws.readyState === ws.OPEN) ws.send(frame);
    },
    untilSockets: (count) => until(() => fake.sockets.length >= count),
    untilRequests: (prefix, count) =>
      until(() => fake.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(prefix)).length >= count),
    restart: async () => {
      await drop();
      fake.running.length = 0;
      fake.pending.length = 0;
      fake.history.clear();
      await listen();
    },
    stop: drop,
  };
  await listen();
  return fake;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: Json): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(stringifyJson(value));
}

/** The body of a request as a JSON object. */
export function bodyOf(request: FakeRequest): JsonObject {
  return parseJson(request.body.toString('utf8')) as JsonObject;
}

/** An entry as `GET /history/{id}` holds it, recorded on 0.8.0. */
export function historyEntry(
  promptId: string,
  status: 'success' | 'error' | 'interrupted',
  outputs: JsonObject = {},
): JsonObject {
  const end: Record<typeof status, JsonObject> = {
    success: { prompt_id: promptId, timestamp: 1_700_000_002_000 },
    error: {
      prompt_id: promptId,
      node_id: '3',
      node_type: 'KSampler',
      executed: ['4'],
      exception_message: 'Allocation on device 0 would exceed allowed memory.',
      exception_type: 'torch.OutOfMemoryError',
      traceback: ['  File "execution.py"'],
      timestamp: 1_700_000_002_000,
    },
    interrupted: { prompt_id: promptId, node_id: '3', node_type: 'KSampler', executed: ['4'] },
  };
  return {
    prompt: [1, promptId, {}, { client_id: 'worker-1' }, ['9']],
    outputs,
    status: {
      status_str: status === 'success' ? 'success' : 'error',
      completed: status === 'success',
      messages: [
        ['execution_start', { prompt_id: promptId, timestamp: 1_700_000_001_000 }],
        [`execution_${status}`, end[status]],
      ],
    },
  };
}

function item(promptId: string, index: number): Json {
  return [index, promptId, {}, { client_id: 'worker-1' }, ['9']];
}

function deletedIds(request: FakeRequest): string[] {
  const ids = bodyOf(request)['delete'];
  return Array.isArray(ids) ? ids.map(textOf) : [];
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function remove(list: string[], id: string): void {
  const index = list.indexOf(id);
  if (index >= 0) list.splice(index, 1);
}
