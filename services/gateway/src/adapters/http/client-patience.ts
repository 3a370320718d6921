/** How long a client may take: whoever is slower is cut off, so that nobody holds connections for nothing. */
export interface ClientPatience {
  /** From a connection's first byte to the end of the headers. */
  headersMs: number;
  /** To the end of the whole request, an upload included. */
  requestMs: number;
  /** Without a byte in either direction: slow readers and half-open connections. */
  idleMs: number;
  /** How often the first two are looked at: a client may be late by as much. */
  checkMs: number;
}

export const usualPatience: ClientPatience = {
  headersMs: 15_000,
  requestMs: 120_000,
  idleMs: 60_000,
  checkMs: 5_000,
};

const maxHeaderBytes = 16_384;

/** The same as options of an HTTP server. Slow requests are answered 408, where an answer still reaches the client. */
export function connectionLimits({ headersMs, requestMs, idleMs, checkMs }: ClientPatience) {
  return {
    requestTimeout: requestMs,
    connectionTimeout: idleMs,
    forceCloseConnections: true,
    http: { headersTimeout: headersMs, connectionsCheckingInterval: checkMs, maxHeaderSize: maxHeaderBytes },
  };
}
