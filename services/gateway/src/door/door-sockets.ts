import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { z } from 'zod';
import { AppError } from '@atelier/shared/errors/app-error';
import { requireScope, type Principal } from '../core/principal.ts';
import { toProblem } from '../core/problems/to-problem.ts';
import { refuseUpgrade } from '../adapters/ws/refuse-upgrade.ts';
import { toAppError } from '../adapters/http/to-app-error.ts';
import type { ClientSocket } from '../state/client-hub.ts';
import { isForeignOrigin } from './core/foreign-origin.ts';
import type { DoorContext } from './door-context.ts';
import type { DoorClient } from './door-hub.ts';
import { serverFeatures } from './routes/server-routes.ts';

/** Unread bytes beyond which progress and previews are left out, and beyond which the socket is given up. */
const lossyBytes = 256 * 1_024;
const maxUnreadBytes = 16 * 1_024 * 1_024;
const maxSockets = 2_000;
const maxSocketsOfPerson = 100;
const maxClientIdChars = 200;
const usualPingMs = 25_000;
const featureFlagsSchema = z.object({
  type: z.literal('feature_flags'),
  data: z.object({ supports_preview_metadata: z.boolean().optional() }),
});

export interface DoorSockets {
  listen(server: Server): void;
  close(): Promise<void>;
}

/** ComfyUI's `/ws?clientId=…`. */
export function createDoorSockets(context: DoorContext): DoorSockets {
  const { parts, identity, hub, config } = context;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536, perMessageDeflate: false });
  const gauge = parts.metrics.openSockets.labels({ kind: 'comfyui' });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until it is one of ours, its errors are nobody's.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    try {
      const url = new URL(request.url ?? '/', 'http://door');
      if (url.pathname !== '/ws' && url.pathname !== '/api/ws') throw new AppError('not_found', 'no such socket');
      const call = { headers: request.headers, remoteAddress: request.socket.remoteAddress, acts: true };
      if (isForeignOrigin(request.headers, config.origins))
        throw new AppError('forbidden', 'a page of another address');
      const principal = await identity.require(call);
      requireScope(principal, 'read');
      if (sockets.clients.size >= maxSockets || hub.clientsOf(principal.personId) >= maxSocketsOfPerson) {
        throw new AppError('rate_limited', 'too many sockets are open');
      }
      // The first message says how long the queue is.
      hub.announceQueue(await context.remaining());
      const given = url.searchParams.get('clientId') ?? '';
      const clientId = given === '' ? parts.randomId() : given.slice(0, maxClientIdChars);
      socket.off('error', ignore);
      sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, principal, clientId));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') parts.log.error({ err: thrown }, 'an upgrade failed');
      refuseUpgrade(socket, toProblem(error, { instance: `urn:uuid:${parts.randomId()}`, language: 'en' }));
    }
  }

  function serve(webSocket: WebSocket, { personId }: Principal, clientId: string): void {
    gauge.inc();
    let isHeard = true;
    const socket: ClientSocket = {
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
    const client: DoorClient = { personId, clientId, socket, wantsMetadata: false };
    const leave = hub.attach(client);
    let isFirst = true;
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      // Only the first word says what a client can.
      if (!isFirst || isBinary) return;
      isFirst = false;
      const flags = featureFlagsSchema.safeParse(parsed(textOf(data)));
      if (!flags.success) return;
      client.wantsMetadata = flags.data.data.supports_preview_metadata === true;
      socket.send(JSON.stringify({ type: 'feature_flags', data: serverFeatures(config) }), { lossy: false });
    });
    webSocket.on('pong', () => {
      isHeard = true;
    });
    webSocket.on('error', (error) => parts.log.debug({ err: error }, 'a socket of a ComfyUI client broke'));
    const ping = setInterval(() => {
      if (!isHeard) webSocket.terminate();
      isHeard = false;
      if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
    }, config.pingMs ?? usualPingMs);
    webSocket.on('close', () => {
      clearInterval(ping);
      gauge.dec();
      leave();
    });
  }

  return {
    listen(server) {
      server.on(
        'upgrade',
        (request: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(request, socket, head),
      );
    },
    async close() {
      for (const webSocket of sockets.clients) webSocket.close(1001);
      const closing = new Promise<void>((resolve) => sockets.close(() => resolve()));
      for (const webSocket of sockets.clients) webSocket.terminate();
      await closing;
    },
  };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
