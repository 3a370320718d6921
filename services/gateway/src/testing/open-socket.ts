import { WebSocket } from 'ws';
import { z } from 'zod';

const eventSchema = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()), id: z.string().optional() });
export type HeardEvent = z.infer<typeof eventSchema>;

/** A client's socket in a test: all that it heard, and waiting for what it will hear. */
export interface TestSocket {
  readonly events: HeardEvent[];
  readonly frames: Buffer[];
  /** The id of the last event that had one. */
  readonly lastId: string | undefined;
  send(message: unknown): void;
  /** The first event, heard or yet to be, that `matches`. */
  until(matches: (event: HeardEvent) => boolean, withinMs?: number): Promise<HeardEvent>;
  untilFrame(): Promise<Buffer>;
  /** With the close code. */
  closed: Promise<number>;
  close(): Promise<number>;
  /** Cuts the connection as a broken network does. */
  cut(): void;
}

export async function openSocket(
  gatewayUrl: string,
  path: string,
  headers: Record<string, string> = {},
  protocols: string[] = [],
): Promise<TestSocket> {
  const socket = new WebSocket(new URL(path, gatewayUrl.replace(/^http/, 'ws')), protocols, { headers });
  const events: HeardEvent[] = [];
  const frames: Buffer[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) frames.push(data);
    else events.push(eventSchema.parse(JSON.parse(data.toString('utf8'))));
    for (const look of waiting) look();
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      reject(new Error(`the upgrade was answered with ${response.statusCode ?? 0}`));
      socket.terminate();
    });
  });

  function wait<T>(find: () => T | undefined, what: () => string, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`not heard within ${withinMs} ms; heard: ${what()}`));
      }, withinMs);
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(late);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }
  const heard = (): string =>
    events.map(({ type, data }) => `${type} ${JSON.stringify(data).slice(0, 150)}`).join('; ');
  return {
    events,
    frames,
    closed,
    get lastId() {
      return events.findLast(({ id }) => id !== undefined)?.id;
    },
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    until: (matches, withinMs = 10_000) => wait(() => events.find(matches), heard, withinMs),
    untilFrame: () => wait(() => frames[0], heard, 10_000),
    close() {
      socket.close();
      return closed;
    },
    cut: () => socket.terminate(),
  };
}
