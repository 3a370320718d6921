import { WebSocket } from 'ws';
import type { SocketEvent, SocketMessage } from './transcript.ts';

/** A client's socket that keeps what it receives. */
export interface RecordingSocket {
  events: readonly SocketEvent[];
  /** Resolves as soon as the condition holds; looks again at each event. Rejects after `timeoutMs`. */
  until: (condition: () => boolean, what: string, timeoutMs?: number) => Promise<void>;
  /** Resolves when everything that the server sent before has been received. */
  sync: () => Promise<void>;
  close: () => Promise<void>;
}

function parseFrame(data: Buffer): SocketEvent {
  const type = data.readUInt32BE(0);
  const second = data.readUInt32BE(4);
  const start = type === 4 ? 8 + second : 8;
  const image = data.subarray(start);
  const common = { type, length: data.length, image_starts: image.subarray(0, 4).toString('hex') };
  if (type === 4) {
    return {
      frame: { ...common, metadata: JSON.parse(data.subarray(8, start).toString('utf8')) as Record<string, unknown> },
    };
  }
  return { frame: { ...common, image_format: second } };
}

/** Connects, sends its feature flags, and waits for the server's. */
export async function connectRecordingSocket(
  url: string,
  clientId: string,
  wantsMetadata: boolean,
  headers: Readonly<Record<string, string>> = {},
): Promise<RecordingSocket> {
  const address = `${url.replace(/^http/, 'ws')}/ws?clientId=${encodeURIComponent(clientId)}`;
  const socket = new WebSocket(address, { headers });
  const events: SocketEvent[] = [];
  let watchers: (() => void)[] = [];
  let pongs: (() => void)[] = [];
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  socket.on('message', (data, isBinary) => {
    if (!Buffer.isBuffer(data)) return;
    events.push(isBinary ? parseFrame(data) : { message: JSON.parse(data.toString('utf8')) as SocketMessage });
    notify();
  });
  socket.on('pong', () => pongs.shift()?.());
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const pong of pongs) pong();
      pongs = [];
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });

  const until: RecordingSocket['until'] = async (condition, what, timeoutMs = 10_000) => {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const watcher = (): void => {
        if (condition()) finish();
      };
      const timer = setTimeout(() => finish(new Error(`Not seen within ${timeoutMs} ms: ${what}`)), timeoutMs);
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        watchers = watchers.filter((other) => other !== watcher);
        if (error === undefined) resolve();
        else reject(error);
      };
      watchers.push(watcher);
    });
  };

  await until(() => events.length > 0, 'the first status');
  socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: wantsMetadata } }));
  await until(
    () => events.some((event) => 'message' in event && event.message.type === 'feature_flags'),
    'feature_flags',
  );
  return {
    events,
    until,
    sync: async () => {
      if (socket.readyState !== socket.OPEN) return;
      await new Promise<void>((resolve) => {
        pongs.push(resolve);
        socket.ping();
      });
    },
    close: async () => {
      socket.close();
      await closed;
    },
  };
}
