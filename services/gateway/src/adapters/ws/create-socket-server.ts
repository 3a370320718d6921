import type { IncomingMessage, Server } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { requireScope, type Principal } from '../../core/principal.ts';
import { problem, toProblem } from '../../core/problems/to-problem.ts';
import type { Call, Identity } from '../../identity/create-identity.ts';
import type { GatewayParts } from '../../ports.ts';
import type { ClientHub } from '../../state/client-hub.ts';
import type { JobDesk } from '../job-desk.ts';
import { toAppError } from '../http/to-app-error.ts';
import { clientIdSchema, clientMessageSchema, type ClientMessage } from './client-message.ts';
import { createClientSocket, keepAlive, textOf } from './client-socket.ts';
import { takeUpgrades } from './take-upgrades.ts';

export interface SocketServerOptions {
  parts: GatewayParts;
  identity: Identity;
  hub: ClientHub;
  desk: JobDesk;
  /** How often a socket is pinged and its caller looked at again. */
  pingMs?: number;
}

export interface SocketServer {
  /** Takes over the upgrades of a server. */
  listen(server: Server): void;
  close(): Promise<void>;
}

const path = /^\/api\/v1\/ws\/([^/]+)$/;
const protocol = 'atelier.v1';
/** A workflow with its envelope. */
const maxMessageBytes = 6 * 1_024 * 1_024;
const maxSocketsOfPerson = 500;
const maxSockets = 5_000;
/** Messages of a socket in a window, above which they are refused. */
const maxMessages = 200;
const windowMs = 10_000;
const closeCodes = { goingAway: 1001, refused: 1008 };

/** Who came in, and what for. */
interface Visitor {
  principal: Principal;
  clientId: string;
  call: Call;
  lastEventId: string | undefined;
}

/** WebSockets of programs: `/api/v1/ws/{client_id}[?last_event_id=…]`. */
export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { parts, identity, hub, desk } = options;
  const { log, metrics } = parts;
  const pingMs = options.pingMs ?? 25_000;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });
  const ofPerson = new Map<string, number>();
  const gauge = metrics.openSockets.labels({ kind: 'api' });

  async function admit(request: IncomingMessage, url: URL): Promise<Visitor> {
    const clientId = clientIdOf(url);
    const call: Call = { headers: request.headers, remoteAddress: request.socket.remoteAddress, acts: true };
    const principal = await identity.require(call);
    requireScope(principal, 'read');
    if (sockets.clients.size >= maxSockets || (ofPerson.get(principal.personId) ?? 0) >= maxSocketsOfPerson) {
      throw problem('RATE_LIMITED', 'Too many sockets are open: close some.', '打开的连接过多：请先关闭一些。');
    }
    return { principal, clientId, call, lastEventId: url.searchParams.get('last_event_id') ?? undefined };
  }

  function serve(webSocket: WebSocket, who: Visitor): void {
    const { principal, clientId } = who;
    const client = { personId: principal.personId, clientId };
    const counted = ofPerson.get(principal.personId) ?? 0;
    ofPerson.set(principal.personId, counted + 1);
    gauge.inc();
    let messages = 0;
    let windowEndsAt = 0;

    const out = createClientSocket(webSocket);
    const say = (data: Record<string, unknown>): void =>
      out.send(JSON.stringify({ type: 'system', data }), { lossy: false });

    async function handle(message: ClientMessage): Promise<void> {
      const ref = message.ref === undefined ? {} : { ref: message.ref };
      switch (message.type) {
        case 'submit': {
          const { request, idempotency_key: idempotencyKey, private: isPrivate } = message.data;
          const submitted = await desk.submit(principal, { body: request, clientId, idempotencyKey, isPrivate });
          const waiting = await desk.placeOf(principal, await desk.readJob(principal, submitted.requestId));
          say({
            event: 'accepted',
            ...ref,
            prompt_id: submitted.requestId,
            created: submitted.created,
            ...(waiting === undefined ? {} : { waiting }),
          });
          return;
        }
        case 'cancel':
          requireScope(principal, 'submit');
          await desk.cancel(principal, message.data.prompt_id);
          say({ event: 'cancelling', ...ref, prompt_id: message.data.prompt_id });
          return;
        case 'subscribe': {
          await desk.readJob(principal, message.data.prompt_id);
          const facts = await desk.readFacts(message.data.prompt_id);
          say({ event: 'subscribed', ...ref, prompt_id: message.data.prompt_id });
          if (facts !== undefined) hub.subscribe(client, facts);
          return;
        }
        case 'ping':
          say({ event: 'pong', ...ref });
          return;
      }
    }

    function receive(data: RawData, isBinary: boolean): void {
      const now = performance.now();
      if (now > windowEndsAt) {
        windowEndsAt = now + windowMs;
        messages = 0;
      }
      messages += 1;
      if (messages > 2 * maxMessages) {
        webSocket.close(closeCodes.refused, 'too many messages');
        return;
      }
      let ref: unknown;
      Promise.resolve()
        .then(() => {
          if (messages > maxMessages) throw problem('RATE_LIMITED', 'Slow down.', '请放慢速度。');
          const message = readMessage(data, isBinary);
          ref = message.ref;
          return handle(message);
        })
        .catch((thrown: unknown) => {
          const error = toAppError(thrown);
          if (error.code === 'internal') log.error({ err: thrown }, 'a message of a socket was not handled');
          const told = toProblem(error, { instance: `urn:uuid:${parts.randomId()}`, language: principal.language });
          say({ event: 'error', ...(ref === undefined ? {} : { ref }), ...told });
        });
    }

    keepAlive(webSocket, { pingMs, identity, call: who.call, personId: principal.personId });
    const detach = hub.attach(client, out, who.lastEventId);
    webSocket.on('message', receive);
    webSocket.on('error', (error) => log.debug({ err: error }, 'a socket broke'));
    webSocket.on('close', () => {
      detach();
      gauge.dec();
      const left = (ofPerson.get(principal.personId) ?? 1) - 1;
      if (left > 0) ofPerson.set(principal.personId, left);
      else ofPerson.delete(principal.personId);
    });
  }

  return {
    listen: (server) => takeUpgrades(server, { parts, sockets, admit, serve }),
    async close() {
      for (const webSocket of sockets.clients) webSocket.close(closeCodes.goingAway, 'the gateway is stopping');
      const closed = Promise.all(
        [...sockets.clients].map((webSocket) => new Promise((resolve) => webSocket.once('close', resolve))),
      );
      const late = setTimeout(() => {
        for (const webSocket of sockets.clients) webSocket.terminate();
      }, 1_000);
      await closed;
      clearTimeout(late);
      sockets.close();
    },
  };
}

function clientIdOf(url: URL): string {
  const name = path.exec(url.pathname)?.[1];
  if (name === undefined) throw problem('NOT_FOUND', 'There is no socket at this address.', '此地址没有 WebSocket。');
  const clientId = clientIdSchema.safeParse(decodeOrEmpty(name));
  if (clientId.success) return clientId.data;
  throw problem(
    'WEBSOCKET_ERROR',
    'The client id must be 1 to 100 letters, digits or . _ : -',
    '客户端 ID 必须为 1 到 100 个字母、数字或 . _ : -',
  );
}

function decodeOrEmpty(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function readMessage(data: RawData, isBinary: boolean): ClientMessage {
  const parsed = isBinary ? undefined : clientMessageSchema.safeParse(parseOrNothing(textOf(data)));
  if (parsed?.success === true) return parsed.data;
  const where = parsed?.error.issues[0];
  const field = where === undefined ? '' : ` (${where.path.join('.')}: ${where.message})`;
  throw problem(
    'WEBSOCKET_ERROR',
    `This message is not understood${field}: send submit, cancel, subscribe or ping as JSON text.`,
    `无法理解该消息${field}：请以 JSON 文本发送 submit、cancel、subscribe 或 ping。`,
  );
}

function parseOrNothing(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
