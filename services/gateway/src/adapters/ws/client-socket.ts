import type { RawData, WebSocket } from 'ws';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Call, Identity } from '../../identity/create-identity.ts';
import type { ClientSocket } from '../../state/client-hub.ts';

/** Unread bytes beyond which lossy messages are left out, and beyond which the socket is given up. */
const lossyBytes = 256 * 1_024;
const maxUnreadBytes = 16 * 1_024 * 1_024;

/** A socket as those who tell it things see it: who reads too slowly misses what may be missed, and is let go in the end. */
export function createClientSocket(webSocket: WebSocket): ClientSocket {
  return {
    send(text, { lossy }) {
      if (webSocket.readyState !== webSocket.OPEN) return;
      if (lossy && webSocket.bufferedAmount > lossyBytes) return;
      if (webSocket.bufferedAmount > maxUnreadBytes) webSocket.terminate();
      else webSocket.send(text);
    },
    sendBytes(bytes) {
      if (webSocket.readyState === webSocket.OPEN && webSocket.bufferedAmount <= lossyBytes) webSocket.send(bytes);
    },
  };
}

/** RFC 6455 leaves 4000 to 4999 to programs; 1012 asks a client to connect again. */
const closeCodes = { unauthenticated: 4401, again: 1012 };

export interface KeepAliveOptions {
  pingMs: number;
  identity: Identity;
  /** What opened it: looked at again with each ping. */
  call: Call;
  /** Who that was. */
  personId: string;
}

/** Pings it; lets it go where it has said nothing until the next time, or its token or session has ended meanwhile. */
export function keepAlive(webSocket: WebSocket, { pingMs, identity, call, personId }: KeepAliveOptions): void {
  let isHeard = true;
  const hear = (): void => {
    isHeard = true;
  };
  webSocket.on('pong', hear).on('message', hear);
  const timer = setInterval(() => {
    if (!isHeard) {
      webSocket.terminate();
      return;
    }
    isHeard = false;
    if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
    identity.require(call).then(
      (now) => {
        if (now.personId !== personId) webSocket.close(closeCodes.again, 'the account was linked');
      },
      (error: unknown) => {
        // While the database is away, nobody is turned out.
        if (error instanceof AppError && error.code === 'forbidden') {
          webSocket.close(closeCodes.unauthenticated, 'the token or session has ended');
        }
      },
    );
  }, pingMs);
  webSocket.on('close', () => clearInterval(timer));
}

/** A message as text. */
export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
