import type { IncomingMessage, Server } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';

export const guildsIntent = 1 << 0;
export const guildMessagesIntent = 1 << 9;
export const guildReactionsIntent = 1 << 10;
export const directMessagesIntent = 1 << 12;
export const directReactionsIntent = 1 << 13;
export const messageContentIntent = 1 << 15;

const frameSchema = z.object({ op: z.int(), d: z.unknown() });
const identifySchema = z.object({
  token: z.string(),
  intents: z.int(),
  properties: z.looseObject({ os: z.string() }),
  shard: z.tuple([z.int().min(0), z.int().min(1)]).optional(),
});
const resumeSchema = z.object({ token: z.string(), session_id: z.string(), seq: z.int() });

/** Something that happened in one server, or (without one) in direct messages. */
export interface GatewayEvent {
  t: string;
  guildId?: string;
  /** At least one of them must have been asked for; none for events that everybody gets. */
  intents?: number;
  /** What whoever asked for these intents sees. */
  d: object | ((intents: number) => object);
}

export interface GatewayOptions {
  token: string;
  /** Whether the privileged intent is switched on for the application. */
  allowMessageContent: boolean;
  heartbeatIntervalMs: number;
  newId: () => string;
  /** The address that a client resumes at. */
  url: () => string;
  /** What READY says beside the session, to the shard that owns these servers. */
  ready: (owns: (guildId: string) => boolean) => Record<string, unknown>;
  /** Events that follow READY. */
  afterReady: () => GatewayEvent[];
  onChange: () => void;
}

interface Session {
  id: string;
  intents: number;
  shard: readonly [number, number];
  seq: number;
  /** Everything that was dispatched, for whoever resumes. */
  sent: { t: string; d: unknown; s: number }[];
  socket: WebSocket | undefined;
}

/** Events that are kept for a session that may resume. */
const keptEvents = 2_000;

/**
 * Discord's gateway: hello, identify, heartbeats, resume and dispatch. Each shard gets the events of its own servers; two
 * clients that identify as the same shard both get them, as with Discord.
 */
export function createGateway(options: GatewayOptions) {
  const sockets = new WebSocketServer({ noServer: true });
  const sessions = new Map<string, Session>();
  let heartbeats = 0;
  let identifies = 0;
  let resumes = 0;
  let silent = false;

  function accept(socket: WebSocket): void {
    socket.on('message', (data) => receive(socket, data));
    socket.on('close', (code) => {
      for (const session of sessions.values()) {
        if (session.socket !== socket) continue;
        session.socket = undefined;
        // A client that says goodbye does not come back.
        if (code === 1000 || code === 1001) sessions.delete(session.id);
      }
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
      if (!silent) send(socket, { op: 11 });
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
    const { intents, shard = [0, 1] as const } = identified.data;
    if (shard[0] >= shard[1]) {
      socket.close(4010, 'Invalid shard.');
      return;
    }
    if ((intents & messageContentIntent) !== 0 && !options.allowMessageContent) {
      socket.close(4014, 'Disallowed intent(s).');
      return;
    }
    identifies += 1;
    const session: Session = { id: options.newId(), intents, shard, seq: 0, sent: [], socket };
    sessions.set(session.id, session);
    deliver(session, 'READY', {
      ...options.ready((guildId) => owns(session, guildId)),
      session_id: session.id,
      resume_gateway_url: options.url(),
      shard,
    });
    for (const event of options.afterReady()) dispatchTo(session, event);
    options.onChange();
  }

  function resume(socket: WebSocket, d: unknown): void {
    const asked = resumeSchema.safeParse(d);
    const session = sessions.get(asked.data?.session_id ?? '');
    if (asked.data?.token !== options.token || session === undefined) {
      send(socket, { op: 9, d: false });
      return;
    }
    resumes += 1;
    session.socket = socket;
    for (const event of session.sent) if (event.s > asked.data.seq) send(socket, { op: 0, ...event });
    deliver(session, 'RESUMED', {});
    options.onChange();
  }

  function owns({ shard: [index, count] }: Session, guildId: string | undefined): boolean {
    return guildId === undefined ? index === 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)) === index;
  }

  function dispatchTo(session: Session, { t, d, guildId, intents }: GatewayEvent): void {
    if (!owns(session, guildId) || (intents !== undefined && (session.intents & intents) === 0)) return;
    deliver(session, t, typeof d === 'function' ? (d as (intents: number) => object)(session.intents) : d);
  }

  function deliver(session: Session, t: string, d: unknown): void {
    session.seq += 1;
    const event = { t, d, s: session.seq };
    session.sent.push(event);
    if (session.sent.length > keptEvents) session.sent.shift();
    if (session.socket !== undefined) send(session.socket, { op: 0, ...event });
  }

  const open = (): Session[] => [...sessions.values()].filter((session) => session.socket !== undefined);

  return {
    /** @returns how many sessions it reached. */
    dispatch(event: GatewayEvent): number {
      for (const session of sessions.values()) dispatchTo(session, event);
      return open().filter((session) => owns(session, event.guildId)).length;
    },
    attach(server: Server): void {
      server.on('upgrade', (request: IncomingMessage, socket, head) => {
        sockets.handleUpgrade(request, socket, head, accept);
      });
    },
    get connected() {
      return open().length > 0;
    },
    /** The shards that are connected, as `index/count`. */
    get shards() {
      return open().map(({ shard: [index, count] }) => `${index}/${count}`);
    },
    get intents() {
      return open()[0]?.intents ?? 0;
    },
    get counts() {
      return { heartbeats, identifies, resumes };
    },
    /** Asks the clients to come again and resume. */
    askToReconnect(): void {
      for (const { socket } of open()) if (socket !== undefined) send(socket, { op: 7, d: null });
    },
    /** Heartbeats are answered no more, or again. */
    fallSilent(value: boolean): void {
      silent = value;
    },
    /** The lines break. */
    drop(): void {
      for (const { socket } of open()) socket?.terminate();
    },
    /** The sessions cannot be resumed. */
    forget(): void {
      for (const { socket } of open()) socket?.terminate();
      sessions.clear();
    },
    /** The session is invalid: the client identifies anew, on the same line. */
    invalidate(): void {
      for (const { id, socket } of open()) {
        if (socket !== undefined) send(socket, { op: 9, d: false });
        sessions.delete(id);
      }
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
