import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { toProblem } from '../../core/problems/to-problem.ts';
import type { GatewayParts } from '../../ports.ts';
import { toAppError } from '../http/to-app-error.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';

export interface UpgradeOptions<Who> {
  parts: Pick<GatewayParts, 'log' | 'randomId'>;
  sockets: WebSocketServer;
  /** Who comes in. @throws AppError for who does not: it is answered as an HTTP request would be. */
  admit: (request: IncomingMessage, url: URL) => Promise<Who>;
  serve: (webSocket: WebSocket, who: Who) => void;
}

/** Takes over the upgrades of a server. */
export function takeUpgrades<Who>(server: Server, options: UpgradeOptions<Who>): void {
  const { parts, sockets } = options;

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until it is one of ours, its errors are nobody's.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    try {
      const who = await options.admit(request, new URL(request.url ?? '/', 'http://gateway'));
      socket.off('error', ignore);
      sockets.handleUpgrade(request, socket, head, (webSocket) => options.serve(webSocket, who));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') parts.log.error({ err: thrown }, 'an upgrade failed');
      refuseUpgrade(socket, toProblem(error, { instance: `urn:uuid:${parts.randomId()}`, language: 'en' }));
    }
  }

  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
}
