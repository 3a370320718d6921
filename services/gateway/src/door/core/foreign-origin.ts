import { isLoopbackHost } from '@atelier/shared/config/is-loopback-host';

/**
 * Whether a page of another address calls a door on this machine: then ComfyUI answers 403, whatever else is shown
 * (server.py, `create_origin_only_middleware`, 0.8.0). An Origin without a host, `null` among them, counts as foreign here.
 *
 * @param allowed pages elsewhere that may call.
 */
export function isForeignOrigin(
  { host, origin }: { host?: string | undefined; origin?: string | undefined },
  allowed: readonly string[],
): boolean {
  if (host === undefined || origin === undefined || allowed.includes(origin)) return false;
  const own = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
  if (own === undefined || !isLocal(own.hostname)) return false;
  return !URL.canParse(origin) || new URL(origin).host !== own.host;
}

function isLocal(hostname: string): boolean {
  return isLoopbackHost(hostname) || hostname.endsWith('.localhost');
}
