import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { ComfyError } from '../errors/comfy-error.ts';
import { abortedError, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { ComfyEvent } from './comfy-event.ts';
import { basicAuthorization, joinUrl, parseBaseUrl, publicUrl } from './http.ts';
import { parseEvent } from './parse-event.ts';
import { parseFrame } from './parse-frame.ts';

/**
 * The states of a socket.
 *
 * - `idle`: built, not started. Leaves by `start`.
 * - `connecting`: the handshake runs. Leaves to `open` or `waiting`.
 * - `open`: events come. Leaves to `closing` (`recycle`, `close`, no answer to a ping) or `waiting` (the server closed it).
 * - `closing`: waits for the old connection's end. Leaves to `waiting` or `closed`.
 * - `waiting`: the next try is scheduled. Leaves to `connecting`.
 * - `closed`: after `close`. Final.
 */
export type SocketState = 'idle' | 'connecting' | 'open' | 'closing' | 'waiting' | 'closed';

export interface SocketListener {
  onEvent?: (event: ComfyEvent) => void;
  onState?: (state: SocketState) => void;
}

export interface ComfySocketOptions extends SocketListener {
  baseUrl: string;
  /** ComfyUI sends a prompt's events to the socket that has the prompt's client id. */
  clientId: string;
  headers?: Record<string, string>;
  /** Whether previews shall say which prompt and node they are of. On unless given. */
  previewMetadata?: boolean;
  /** Between pings; also how long a pong may take. 10,000 unless given. */
  pingMs?: number;
  /** For the handshake, and for the server's half of a polite close. 10,000 unless given. */
  handshakeTimeoutMs?: number;
  /** The first wait before a reconnect, doubled at each failure. 250 unless given. */
  minBackoffMs?: number;
  /** 10,000 unless given. */
  maxBackoffMs?: number;
  /** For one message. 64 MiB unless given. */
  maxMessageBytes?: number;
  clock?: Clock;
  /** Spreads the waits; from 0 to below 1. */
  random?: () => number;
}

/**
 * ComfyUI's socket, kept open.
 *
 * What happened while it was away is lost, since ComfyUI buffers nothing: whoever follows a prompt looks at queue and history each
 * time the state becomes `open`. ComfyUI forgets a client id when a connection of that id ends, even if a newer one has come since;
 * so the next connection is only begun after the old one's close, and whoever hears nothing while a prompt runs calls `recycle`.
 */
export interface ComfySocket {
  readonly state: SocketState;
  /** Why the last connection failed, if it did. */
  readonly lastError: ComfyError | undefined;
  /** Begins to connect and keeps at it. */
  start(): void;
  /** Calls the listener for every event and state from now on, in order. Returns what ends it. */
  subscribe(listener: SocketListener): () => void;
  /** Closes the connection politely and opens a new one. Does nothing unless it is open. */
  recycle(): void;
  /** Resolves as soon as the socket is open. @throws ComfyError `aborted`, or `unreachable` once it is closed. */
  whenOpen(signal?: AbortSignal): Promise<void>;
  /** Ends it; resolves when the connection is gone. */
  close(): Promise<void>;
}

/** Builds a socket; `start` opens it. */
export function createComfySocket(options: ComfySocketOptions): ComfySocket {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const pingMs = options.pingMs ?? 10_000;
  const handshakeTimeoutMs = options.handshakeTimeoutMs ?? 10_000;
  const minBackoffMs = options.minBackoffMs ?? 250;
  const maxBackoffMs = options.maxBackoffMs ?? 10_000;
  const base = parseBaseUrl(options.baseUrl);
  const headers = { ...basicAuthorization(base), ...options.headers };
  const url = joinUrl(base, `/ws?clientId=${encodeURIComponent(options.clientId)}`);
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  url.username = '';
  url.password = '';

  const listeners = new Set<SocketListener>([options]);
  let state: SocketState = 'idle';
  let lastError: ComfyError | undefined;
  let current: WebSocket | undefined;
  let failures = 0;
  let ending = false;
  let cancelRetry = (): void => {};

  function setState(next: SocketState): void {
    if (state === next) return;
    state = next;
    for (const listener of listeners) listener.onState?.(next);
  }

  function emit(event: ComfyEvent): void {
    for (const listener of listeners) listener.onEvent?.(event);
  }

  function connect(): void {
    setState('connecting');
    const ws = new WebSocket(url, {
      headers,
      handshakeTimeout: handshakeTimeoutMs,
      maxPayload: options.maxMessageBytes ?? 64 * 1024 * 1024,
      perMessageDeflate: false,
      followRedirects: false,
    });
    current = ws;
    const heartbeat = createHeartbeat(ws, clock, pingMs);
    ws.on('open', () => {
      // It must be the first message: ComfyUI reads the flags from that one alone.
      ws.send(
        JSON.stringify({
          type: 'feature_flags',
          data: { supports_preview_metadata: options.previewMetadata ?? true },
        }),
      );
      heartbeat.start();
      lastError = undefined;
      setState('open');
    });
    ws.on('message', (data: RawData, isBinary: boolean) => {
      failures = 0;
      heartbeat.heard();
      const bytes = toBytes(data);
      emit(isBinary ? parseFrame(bytes) : parseEvent(new TextDecoder().decode(bytes)));
    });
    ws.on('pong', () => heartbeat.heard());
    ws.on('error', (error) => {
      lastError = new ComfyError('unreachable', `ComfyUI's socket at ${publicUrl(url)} failed: ${reasonOf(error)}.`, {
        hint: 'Check that ComfyUI runs and that its address is right.',
        cause: error,
      });
    });
    ws.on('close', () => {
      heartbeat.stop();
      current = undefined;
      if (ending) setState('closed');
      else retryLater();
    });
  }

  function retryLater(): void {
    const longestMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures, 16));
    failures += 1;
    setState('waiting');
    cancelRetry = clock.schedule(connect, longestMs * (0.5 + random() / 2));
  }

  /** Asks for a close, and hangs up if the server does not answer. */
  function hangUp(ws: WebSocket): void {
    setState('closing');
    const cancel = clock.schedule(() => ws.terminate(), handshakeTimeoutMs);
    ws.once('close', cancel);
    ws.close(1000);
  }

  function subscribe(listener: SocketListener): () => void {
    // Wrapped, so that the same listener can be subscribed twice and ended once.
    const own: SocketListener = {
      onEvent: (event) => listener.onEvent?.(event),
      onState: (next) => listener.onState?.(next),
    };
    listeners.add(own);
    return () => listeners.delete(own);
  }

  function reached(wanted: SocketState, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (now: SocketState): void => {
        if (now !== wanted && now !== 'closed') return;
        stop();
        if (now === wanted) resolve();
        else reject(lastError ?? new ComfyError('unreachable', 'The socket was closed.'));
      };
      const onAbort = (): void => {
        stop();
        reject(abortedError(signal));
      };
      const unsubscribe = subscribe({ onState: settle });
      const stop = (): void => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      else settle(state);
    });
  }

  return {
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    start: () => {
      if (state === 'idle') connect();
    },
    subscribe,
    recycle: () => {
      if (state === 'open' && current !== undefined) hangUp(current);
    },
    whenOpen: (signal) => reached('open', signal),
    close: async () => {
      ending = true;
      cancelRetry();
      if (current === undefined) setState('closed');
      else if (state !== 'closing') hangUp(current);
      await reached('closed');
    },
  };
}

interface Heartbeat {
  start(): void;
  heard(): void;
  stop(): void;
}

/** Pings a quiet connection, and hangs up when nothing at all came since the last ping: a half-open one looks just like a quiet one. */
function createHeartbeat(ws: WebSocket, clock: Clock, pingMs: number): Heartbeat {
  let heard = true;
  let cancel = (): void => {};
  const beat = (): void => {
    if (!heard) {
      ws.terminate();
      return;
    }
    heard = false;
    ws.ping();
    cancel = clock.schedule(beat, pingMs);
  };
  return {
    start: () => {
      cancel = clock.schedule(beat, pingMs);
    },
    heard: () => {
      heard = true;
    },
    stop: () => cancel(),
  };
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** System error codes and ws's own short texts; neither holds a header or a query. */
function reasonOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? error.message;
}
