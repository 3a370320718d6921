import { request } from 'node:http';
import { join } from 'node:path';

const probeTimeoutMs = 1_000;

/** Where a Docker engine may listen, most likely first: what DOCKER_HOST says, else the usual sockets. */
export function dockerAddresses(env: NodeJS.ProcessEnv): { socketPath: string }[] | { host: string; port: number }[] {
  const configured = env['DOCKER_HOST'];
  if (configured !== undefined && configured !== '') {
    if (configured.startsWith('unix://')) return [{ socketPath: configured.slice('unix://'.length) }];
    const url = URL.parse(configured.replace(/^tcp:/, 'http:'));
    return url === null ? [] : [{ host: url.hostname, port: Number(url.port === '' ? 2375 : url.port) }];
  }
  const home = env['HOME'];
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  return [
    { socketPath: '/var/run/docker.sock' },
    ...(runtimeDir === undefined ? [] : [{ socketPath: join(runtimeDir, 'docker.sock') }]),
    ...(home === undefined ? [] : [{ socketPath: join(home, '.docker/run/docker.sock') }]),
  ];
}

/** True when a Docker engine answers a ping within a second. */
export async function dockerEngineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  for (const address of dockerAddresses(env)) {
    const answered = await new Promise<boolean>((resolve) => {
      const ping = request({ ...address, path: '/_ping', timeout: probeTimeoutMs, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      ping.once('timeout', () => ping.destroy(new Error('no answer')));
      ping.once('error', () => resolve(false));
      ping.end();
    });
    if (answered) return true;
  }
  return false;
}
