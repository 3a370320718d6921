import type { IncomingMessage, Server } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { z } from 'zod';
import { AppError } from '@atelier/shared/errors/app-error';
import { requireScope, type Principal } from '../core/principal.ts';
import { createClientSocket, keepAlive, textOf } from '../adapters/ws/client-socket.ts';
import { takeUpgrades } from '../adapters/ws/take-upgrades.ts';
import type { Call } from '../identity/create-identity.ts';
import { isForeignOrigin } from './core/foreign-origin.ts';
import type { DoorContext } from './door-context.ts';
import type { DoorClient } from './door-hub.ts';
import { serverFeatures } from './routes/server-routes.ts';

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

interface Visitor {
  principal: Principal;
  call: Call;
  clientId: string;
}

/** ComfyUI's `/ws?clientId=…`. */
export function createDoorSockets(context: DoorContext): DoorSockets {
  const { parts, identity, hub, config } = context;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536, perMessageDeflate: false });
  const gauge = parts.metrics.openSockets.labels({ kind: 'comfyui' });

  async function admit(request: IncomingMessage, url: URL): Promise<Visitor> {
    if (url.pathname !== '/ws' && url.pathname !== '/api/ws') throw new AppError('not_found', 'no such socket');
    const call: Call = { headers: request.headers, remoteAddress: request.socket.remoteAddress, acts: true };
    if (isForeignOrigin(request.headers, config.origins)) throw new AppError('forbidden', 'a page of another address');
    const principal = await identity.require(call);
    requireScope(principal, 'read');
    if (sockets.clients.size >= maxSockets || hub.clientsOf(principal.personId) >= maxSocketsOfPerson) {
      throw new AppError('rate_limited', 'too many sockets are open');
    }
    // The first message says how long the queue is.
    hub.announceQueue(await context.remaining());
    const given = url.searchParams.get('clientId') ?? '';
    return { principal, call, clientId: given === '' ? parts.randomId() : given.slice(0, maxClientIdChars) };
  }

  function serve(webSocket: WebSocket, who: Visitor): void {
    const { principal, clientId, call } = who;
    const { personId } = principal;
    gauge.inc();
    const socket = createClientSocket(webSocket);
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
    webSocket.on('error', (error) => parts.log.debug({ err: error }, 'a socket of a ComfyUI client broke'));
    keepAlive(webSocket, { pingMs: config.pingMs ?? usualPingMs, identity, call, personId });
    webSocket.on('close', () => {
      gauge.dec();
      leave();
    });
  }

  return {
    listen: (server) => takeUpgrades(server, { parts, sockets, admit, serve }),
    async close() {
      for (const webSocket of sockets.clients) webSocket.close(1001);
      const closing = new Promise<void>((resolve) => sockets.close(() => resolve()));
      for (const webSocket of sockets.clients) webSocket.terminate();
      await closing;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
