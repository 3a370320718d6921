import { Socket } from 'node:net';

/** Where the client library wants to connect to: one address, or several that are tried in turn. */
export interface SocketTarget {
  host: string | readonly string[];
  port: number | readonly number[];
  /** Of a Unix socket, instead. */
  path?: string | false | undefined;
}

/** Between two looks at what is unanswered. */
const lookMs = 500;

/**
 * Opens sockets that break when the other side stays silent for `answerMs` although it was sent something: a connection
 * whose other end is gone without a word (a machine switched off, a firewall that forgot it) would otherwise hold its
 * statement, and whoever waits for it, until TCP gives up after many minutes.
 *
 * A socket is returned while it still connects; what is written meanwhile waits in it.
 */
export function createAnsweringSockets(answerMs: number): (target: SocketTarget) => Socket {
  let turn = 0;
  return ({ host, port, path }) => {
    const hosts = [host].flat();
    const ports = [port].flat();
    const socket = new Socket();
    watch(socket, answerMs);
    if (typeof path === 'string' && path !== '') return socket.connect(path);
    const at = turn++ % Math.max(1, hosts.length);
    const address = { host: hosts[at] ?? 'localhost', port: ports[at % ports.length] ?? 5432 };
    // Where the connection is encrypted, the library takes the server's name from here.
    return Object.assign(socket, address).connect(address.port, address.host);
  };
}

function watch(socket: Socket, answerMs: number): void {
  /** What had been sent when the other side was last heard. */
  let answeredBytes = 0;
  let unansweredSince: number | undefined;
  const timer = setInterval(() => {
    if (socket.bytesWritten <= answeredBytes) return;
    unansweredSince ??= performance.now();
    if (performance.now() - unansweredSince < answerMs) return;
    // Without an error: after one, what is asked before the socket has closed would never be answered by the library.
    socket.destroy();
  }, lookMs);
  timer.unref();
  socket.on('data', () => {
    answeredBytes = socket.bytesWritten;
    unansweredSince = undefined;
  });
  socket.once('close', () => clearInterval(timer));
}
