import type { WebSocket } from 'ws';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { RunEvents } from '../executor/run-events.ts';
import type { FaultBoard } from '../faults/fault-board.ts';

/** ComfyUI's sockets by client id, with its quirks. */
export interface SocketHub extends RunEvents {
  /** Takes a new socket. `clientId` empty: it gets an id of its own. */
  accept: (socket: WebSocket, clientId: string) => void;
  /** Tells everybody the length of the queue. */
  broadcastStatus: () => void;
  /** Whether a socket of this client is known. */
  isRegistered: (clientId: string) => boolean;
  closeAll: (how: 'close' | 'terminate') => void;
}

export interface SocketHubOptions {
  /** What `feature_flags` answers. */
  features: JsonObject;
  faults: FaultBoard;
  remaining: () => number;
  newId: () => string;
}

interface Connection {
  socket: WebSocket;
  wantsMetadata: boolean;
}

/** A client that stops reading loses messages beyond this, instead of filling memory. */
const maxBufferedBytes = 64 * 1024 * 1024;

const binaryTypes = { preview: 1, previewWithMetadata: 4 } as const;
const imageFormats = { jpeg: 1, png: 2 } as const;

export function createSocketHub(options: SocketHubOptions): SocketHub {
  const { faults } = options;
  /** By client id; a newer socket of the same id takes the place of the older. */
  const registered = new Map<string, Connection>();
  const open = new Set<WebSocket>();
  let runningClient: string | undefined;
  let runningNode: string | undefined;

  function deliver(connection: Connection, clientId: string, type: string, data: string | Buffer): void {
    const { socket } = connection;
    if (socket.readyState !== socket.OPEN || socket.bufferedAmount > maxBufferedBytes) return;
    if (faults.has('hang') || faults.losesMessage(type, clientId)) return;
    socket.send(data);
  }

  function to(clientId: string | undefined, type: string, data: string | Buffer): void {
    if (clientId !== undefined) {
      const connection = registered.get(clientId);
      if (connection !== undefined) deliver(connection, clientId, type, data);
      return;
    }
    for (const [id, connection] of registered) deliver(connection, id, type, data);
  }

  const send = (type: string, data: JsonObject, clientId: string | undefined): void => {
    if (clientId === undefined ? registered.size === 0 : !registered.has(clientId)) return;
    to(clientId, type, stringifyJson({ type, data }, { nonFinite: 'literal' }));
  };

  const status = (): JsonObject => ({ status: { exec_info: { queue_remaining: options.remaining() } } });

  function onFirstMessage(connection: Connection, clientId: string, text: string): void {
    let message: unknown;
    try {
      message = parseJson(text, { maxChars: 1_000_000, maxDepth: 50 });
    } catch {
      return;
    }
    if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'feature_flags')
      return;
    const flags = 'data' in message ? message.data : undefined;
    connection.wantsMetadata =
      typeof flags === 'object' &&
      flags !== null &&
      'supports_preview_metadata' in flags &&
      flags.supports_preview_metadata === true;
    deliver(connection, clientId, 'feature_flags', stringifyJson({ type: 'feature_flags', data: options.features }));
  }

  return {
    accept: (socket, clientId) => {
      const id = clientId === '' ? options.newId() : clientId;
      const connection: Connection = { socket, wantsMetadata: false };
      const isReconnect = registered.has(id) || runningClient === id;
      registered.set(id, connection);
      open.add(socket);
      deliver(connection, id, 'status', stringifyJson({ type: 'status', data: { ...status(), sid: id } }));
      if (runningClient === id && runningNode !== undefined) {
        deliver(connection, id, 'executing', stringifyJson({ type: 'executing', data: { node: runningNode } }));
      }
      if (isReconnect && faults.take('unregister-on-reconnect') !== undefined) registered.delete(id);
      socket.once('message', (data, isBinary) => {
        if (!isBinary && Buffer.isBuffer(data)) onFirstMessage(connection, id, data.toString('utf8'));
      });
      // A socket that breaks is closed by ws; without a listener the error would end the process.
      socket.on('error', () => socket.terminate());
      socket.on('close', () => {
        open.delete(socket);
        // As in ComfyUI, whatever socket has the id by now: closing the old one unregisters the new one.
        registered.delete(id);
      });
    },
    send,
    wantsMetadata: (clientId) => clientId !== undefined && registered.get(clientId)?.wantsMetadata === true,
    sendPreview: (jpeg, metadata, clientId) => {
      const json = Buffer.from(stringifyJson(metadata));
      const head = Buffer.alloc(8);
      head.writeUInt32BE(binaryTypes.previewWithMetadata, 0);
      head.writeUInt32BE(json.length, 4);
      to(clientId, 'preview', Buffer.concat([head, json, jpeg]));
    },
    sendPlainPreview: (image, format, clientId) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(binaryTypes.preview, 0);
      head.writeUInt32BE(imageFormats[format], 4);
      to(clientId, 'preview', Buffer.concat([head, image]));
    },
    noteNode: (id) => {
      runningNode = id;
    },
    noteClient: (clientId) => {
      runningClient = clientId;
    },
    isRegistered: (clientId) => registered.has(clientId),
    broadcastStatus: () => send('status', status(), undefined),
    closeAll: (how) => {
      for (const socket of open) {
        if (how === 'terminate') socket.terminate();
        else socket.close(1001);
      }
      registered.clear();
    },
  };
}
