import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be broken, for what a client must survive. */
export interface TcpProxy {
  /** On 127.0.0.1; stays the same when the way is cut and opened again. */
  readonly port: number;
  /** Breaks every connection and refuses new ones, as a server that was killed. */
  cut(): void;
  /** Accepts connections again. */
  open(): void;
  /** Passes nothing on, in either direction, and breaks nothing, as a network that went silent. `open` ends it. */
  stall(): void;
  close(): Promise<void>;
}

/** Passes TCP connections on to `target`, a port of 127.0.0.1 or a URL with a host and a port. */
export async function openTcpProxy(target: number | string): Promise<TcpProxy> {
  const { host, port } =
    typeof target === 'number' ? { host: '127.0.0.1', port: target } : { host: hostOf(target), port: portOf(target) };
  const sockets = new Set<Socket>();
  let state: 'open' | 'cut' | 'stalled' = 'open';

  function keep(socket: Socket, peer: Socket): void {
    sockets.add(socket);
    if (state === 'stalled') socket.pause();
    socket.on('data', (bytes) => {
      if (!peer.write(bytes)) socket.pause();
    });
    peer.on('drain', () => {
      if (state === 'open') socket.resume();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      peer.destroy();
    });
  }

  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = createConnection({ host, port });
    keep(client, upstream);
    keep(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function breakAll(): void {
    for (const socket of sockets) socket.destroy();
  }

  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      breakAll();
    },
    open() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    stall() {
      state = 'stalled';
      for (const socket of sockets) socket.pause();
    },
    async close() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const hostOf = (url: string): string => new URL(url).hostname;
const portOf = (url: string): number => Number(new URL(url).port);
