import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';

/** What a registry of figures can do for us: prom-client's, without its types in every service. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface HealthServerOptions {
  /** 0: a free one, said in the log. */
  port: number;
  host: string;
  service: string;
  log: Logger;
  /** Whether the service can do its work now; asked at each look. */
  isReady: () => boolean;
  metrics: () => Promise<MetricsSource>;
}

export interface HealthServer {
  readonly port: number;
  /** Where this machine reaches it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A reader that is slower than this is cut off. */
const requestTimeoutMs = 10_000;

/**
 * Answers `/healthz` (the process turns), `/readyz` (it can do its work; 503 before) and `/metrics` (Prometheus text), and
 * nothing else. A port that is taken is logged and does not disturb the service: undefined then.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer | undefined> {
  const { log, service } = options;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn({ err: error }, 'a look at the health or the figures was not answered');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.requestTimeout = requestTimeoutMs;
  server.headersTimeout = requestTimeoutMs;
  server.keepAliveTimeout = requestTimeoutMs;
  server.maxHeadersCount = 100;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://service');
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const json = (status: number, body: unknown): void => send(status, 'application/json', `${JSON.stringify(body)}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') json(405, { error: 'GET only' });
    else if (pathname === '/healthz') json(200, { ok: true, service });
    else if (pathname === '/readyz') json(options.isReady() ? 200 : 503, { ok: options.isReady(), service });
    else if (pathname === '/metrics') {
      const source = await options.metrics();
      send(200, source.contentType, await source.metrics());
    } else json(404, { error: 'There are /healthz, /readyz and /metrics.' });
  }

  const opened = await new Promise<boolean>((resolve) => {
    server.once('error', (error) => {
      log.warn(
        { err: error, port: options.port },
        'health and figures are not served: set ATELIER_METRICS_PORT to a free port',
      );
      resolve(false);
    });
    server.listen(options.port, options.host, () => resolve(true));
  });
  if (!opened) return undefined;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  log.info({ host: options.host, port }, 'health and figures are served at /healthz, /readyz and /metrics');
  const named = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host;
  return {
    port,
    url: `http://${named.includes(':') ? `[${named}]` : named}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
