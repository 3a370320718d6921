import type { AddressInfo } from 'node:net';
import { AppError } from '../errors/app-error.ts';

/** As much of an HTTP server as is needed to open its port. */
export interface PortOpener {
  listen(at: { host: string; port: number }): Promise<unknown>;
  server: { address(): AddressInfo | string | null };
}

/**
 * Opens a server's port; 0 takes a free one.
 *
 * @param setting the beginning of the settings that say where, such as `ATELIER_WEB` of `ATELIER_WEB_HOST` and `_PORT`.
 * @returns the address under which this machine reaches it.
 * @throws AppError `config` where it cannot listen there.
 */
export async function listenAt(
  opener: PortOpener,
  { host, port }: { host: string; port: number },
  setting: string,
): Promise<string> {
  try {
    await opener.listen({ host, port });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const reason =
      code === 'EADDRINUSE'
        ? `${setting}_PORT: another program listens at ${host}:${port}; set another port, or 0 for a free one`
        : `${setting}_HOST: cannot listen at ${host}:${port} (${code}); set an address of this machine`;
    throw new AppError('config', `These settings are missing or wrong:\n  ${reason}`, { cause });
  }
  const bound = opener.server.address();
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const open = typeof bound === 'object' && bound !== null ? bound.port : port;
  return `http://${name.includes(':') ? `[${name}]` : name}:${open}`;
}
