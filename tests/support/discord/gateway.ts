import type { IncomingMessage, Server } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';

export const guildMessagesIntent = 1 << 9;
export const directMessagesIntent = 1 << 12;
export const messageContentIntent = 1 << 15;

const frameSchema = z.object({ op: z.int(), d: z.unknown() });
const identifySchema = z.object({ token: z.string(), intents: z.int(), properties: z.looseObject({ os: z.string() }) });
const resumeSchema = z.object({ token: z.string(), session_id: z.string(), seq: z.int() });

export interface GatewayOptions {
  token: string;
  /** Whether the privileged intent is switched on for the application. */
  allowMessageContent: boolean;
  heartbeatIntervalMs: number;
  newId: () => string;
  /** The address that a client resumes at. */
  url: () => string;
  /** What READY says beside the session. */
  ready: () => Record<string, unknown>;
  /** Events that follow READY. */
  afterReady: () => { t: string; d: unknown }[];
  onChange: () => void;
}

interface Session {
  id: string;
  intents: number;
  seq: number;
  /** Everything that was dispatched, for whoever resumes. */
  sent: { t: string; d: unknown; s: number }[];
  socket: WebSocket | undefined;
}

/** Discord's gateway: hello, identify, heartbeats, resume and dispatch. */
export function createGateway(options: GatewayOptions) {
  const sockets = new WebSocketServer({ noServer: true });
  let session: Session | undefined;
  let heartbeats = 0;
  let identifies = 0;
  let resumes = 0;

  function accept(socket: WebSocket): void {
    socket.on('message', (data) => receive(socket, data));
    socket.on('close', () => {
      if (session?.socket === socket) session.socket = undefined;
      options.onChange();
    });
    socket.on('error', () => socket.terminate());
    send(socket, { op: 10, d: { heartbeat_interval: options.heartbeatIntervalMs } });
  }

  function receive(socket: WebSocket, data: RawData): void {
    const parsed = frameSchema.safeParse(parseJson(data));
    if (!parsed.success) {
      socket.close(4002, 'Error while decoding payload.');
      return;
    }
    const { op, d } = parsed.data;
    if (op === 1) {
      heartbeats += 1;
      send(socket, { op: 11 });
    } else if (op === 2) identify(socket, d);
    else if (op === 6) resume(socket, d);
    else if (op !== 3) socket.close(4001, 'Unknown opcode.');
  }

  function identify(socket: WebSocket, d: unknown): void {
    const identified = identifySchema.safeParse(d);
    if (!identified.success || identified.data.token !== options.token) {
      socket.close(4004, 'Authentication failed.');
      return;
    }
    const { intents } = identified.data;
    if ((intents & messageContentIntent) !== 0 && !options.allowMessageContent) {
      socket.close(4014, 'Disallowed intent(s).');
      return;
    }
    identifies += 1;
    session?.socket?.close(4000, 'replaced');
    session = { id: options.newId(), intents, seq: 0, sent: [], socket };
    dispatch('READY', { ...options.ready(), session_id: session.id, resume_gateway_url: options.url(), shard: [0, 1] });
    for (const { t, d: data } of options.afterReady()) dispatch(t, data);
    options.onChange();
  }

  function resume(socket: WebSocket, d: unknown): void {
    const asked = resumeSchema.safeParse(d);
    if (!asked.success || asked.data.token !== options.token || asked.data.session_id !== session?.id) {
      send(socket, { op: 9, d: false });
      return;
    }
    resumes += 1;
    session.socket = socket;
    for (const event of session.sent) if (event.s > asked.data.seq) send(socket, { op: 0, ...event });
    dispatch('RESUMED', {});
    options.onChange();
  }

  function dispatch(t: string, d: unknown): void {
    if (session === undefined) return;
    session.seq += 1;
    const event = { t, d, s: session.seq };
    session.sent.push(event);
    if (session.socket !== undefined) send(session.socket, { op: 0, ...event });
  }

  return {
    dispatch,
    attach(server: Server): void {
      server.on('upgrade', (request: IncomingMessage, socket, head) => {
        sockets.handleUpgrade(request, socket, head, accept);
      });
    },
    get connected() {
      return session?.socket !== undefined;
    },
    get intents() {
      return session?.intents ?? 0;
    },
    get counts() {
      return { heartbeats, identifies, resumes };
    },
    /** Asks the client to come again and resume. */
    askToReconnect(): void {
      if (session?.socket !== undefined) send(session.socket, { op: 7, d: null });
    },
    /** The line breaks. */
    drop(): void {
      session?.socket?.terminate();
    },
    /** The session cannot be resumed. */
    forget(): void {
      session?.socket?.terminate();
      session = undefined;
    },
    close(): void {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}
export type Gateway = ReturnType<typeof createGateway>;

function send(socket: WebSocket, frame: { op: number; d?: unknown; s?: number; t?: string }): void {
  socket.send(JSON.stringify({ s: null, t: null, d: null, ...frame }));
}

function parseJson(data: RawData): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(data) ? data.toString() : '');
  } catch {
    return undefined;
  }
}
