import { createServer } from 'node:net';

/** A TCP port of 127.0.0.1 that was free a moment ago; another program can still take it before its user listens. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('the system gave no port'));
        else resolve(address.port);
      });
    });
  });
}

/** A port that nobody else can take. */
export interface HeldPort {
  readonly port: number;
  /** Gives it up, for the program it is meant for. */
  release(): Promise<void>;
}

/** Takes a TCP port of `host` until it is released; undefined when another program has it. */
export function holdPort(port: number, host: string): Promise<HeldPort | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () =>
      resolve({ port, release: () => new Promise((released) => server.close(() => released())) }),
    );
  });
}

/** True when nothing listens on this TCP port of `host` now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const held = await holdPort(port, host);
  await held?.release();
  return held !== undefined;
}
