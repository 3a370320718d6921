import type { ServerResponse } from 'node:http';

/** Above this, what may be lost (progress, previews) is left out. */
const lossyBytes = 256 * 1_024;
/** A reader this far behind is cut off; the page connects again and fetches the whole. */
const maxBytes = 4 * 1_024 * 1_024;
const heartbeatMs = 15_000;

/** One open `text/event-stream` answer. */
export interface EventStream {
  /** Sends an event; `lossy` ones are left out while the reader is slow. */
  send(event: string, data: unknown, options?: { lossy?: boolean }): void;
  close(): void;
}

/**
 * Server-sent events with a bound on what waits for a slow reader. The heartbeat keeps proxies from closing a quiet
 * connection and lets the page notice a dead one.
 *
 * @param onClose called once, whoever ended it.
 */
export function openEventStream(response: ServerResponse, onClose: () => void): EventStream {
  let open = true;
  response.writeHead(200, {
    ...response.getHeaders(),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'keep-alive',
  });
  response.write('retry: 1000\n\n');
  const heartbeat = setInterval(() => send('heartbeat', {}), heartbeatMs);

  function end(): void {
    if (!open) return;
    open = false;
    clearInterval(heartbeat);
    onClose();
  }

  function send(event: string, data: unknown, options: { lossy?: boolean } = {}): void {
    if (!open || (options.lossy === true && response.writableLength > lossyBytes)) return;
    if (response.writableLength > maxBytes) {
      response.destroy();
      end();
      return;
    }
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  response.once('close', end);
  response.once('error', end);
  return {
    send,
    close() {
      if (open) response.end();
      end();
    },
  };
}
