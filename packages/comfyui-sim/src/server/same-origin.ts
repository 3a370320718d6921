import { isIPv4, isIPv6 } from 'node:net';

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return host === '::1';
  return host === 'localhost' || host.endsWith('.localhost');
}

/** What `urllib.parse` takes for the host and port of `//text`. */
function parts(netloc: string): { hostname: string; port: string | undefined } {
  const bare = netloc.slice(netloc.lastIndexOf('@') + 1);
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(bare);
  const hostname = (match?.[1] ?? bare).replace(/^\[|\]$/g, '').toLowerCase();
  return { hostname, port: match?.[2] === '' ? undefined : match?.[2] };
}

/**
 * Whether ComfyUI answers 403: the Host is loopback and the Origin names another (server.py, `create_origin_only_middleware`). An
 * Origin without a host, `null` among them, passes.
 */
export function isForeignOrigin(host: string | undefined, origin: string | undefined): boolean {
  if (host === undefined || origin === undefined) return false;
  const netloc = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(origin)?.[1]?.toLowerCase() ?? '';
  const originParts = parts(netloc);
  const hostParts = parts(host.toLowerCase());
  const hostDomain = originParts.port === undefined ? hostParts.hostname : host.toLowerCase();
  const originDomain = hostParts.port === undefined ? originParts.hostname : netloc;
  return isLoopback(hostParts.hostname) && hostDomain !== '' && originDomain !== '' && hostDomain !== originDomain;
}
