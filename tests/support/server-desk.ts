import { createServer, type AddressInfo } from 'node:net';
import { z } from 'zod';
import type { RunningServer, ServerName, ServerSource } from './server-source.ts';

/** What the desk answers: the server's address, or why there is none. */
export const deskAnswer = z.union([z.object({ url: z.string() }), z.object({ error: z.string() })]);

export interface ServerDesk {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Hands out test servers to the processes that run test files: a line with the server's name in, a line of JSON out.
 * Each server starts when it is first asked for, once a run, so that a run of unit tests alone starts none.
 */
export async function openServerDesk(source: ServerSource): Promise<ServerDesk> {
  const started = new Map<ServerName, Promise<RunningServer>>();
  const start = (name: ServerName) => {
    const known = started.get(name) ?? source[name]();
    started.set(name, known);
    return known;
  };
  const desk = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.once('data', (chunk: Buffer | string) => {
      const name = chunk.toString().trim() === 'nats' ? 'nats' : 'postgres';
      start(name).then(
        ({ url }) => socket.end(`${JSON.stringify({ url })}\n`),
        (error: unknown) =>
          socket.end(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    desk.once('error', reject);
    desk.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (desk.address() as AddressInfo).port,
    async close() {
      desk.close();
      const servers = await Promise.allSettled(started.values());
      for (const server of servers) if (server.status === 'fulfilled') await server.value.stop();
    },
  };
}
