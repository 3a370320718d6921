import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../home/json-file.ts';
import { findFreePort, isPortFree } from './free-port.ts';

export type PortName = 'web' | 'gateway' | 'door' | 'nats' | 'postgres' | 'simulator';

const schema = z.partialRecord(
  z.enum(['web', 'gateway', 'door', 'nats', 'postgres', 'simulator']),
  z.int().min(1).max(65_535),
);

export interface StablePorts {
  /**
   * A free port for `name`: the stored one when it is free, else `preferred` when that is, else any; stored for the next start.
   * One caller at a time for a name.
   */
  choose(name: PortName, options?: { readonly preferred?: number; readonly host?: string }): Promise<number>;
}

/** Ports that stay the same from start to start, so that a bookmark of the page keeps working. */
export async function openStablePorts(portsFile: string): Promise<StablePorts> {
  const stored = (await readJsonFile(portsFile, schema)) ?? {};
  let writing = Promise.resolve();
  return {
    async choose(name, { preferred, host } = {}) {
      const known = stored[name];
      const taken = new Set(Object.entries(stored).map(([other, port]) => (other === name ? undefined : port)));
      for (const port of [known, preferred])
        if (port !== undefined && !taken.has(port) && (await isPortFree(port, host))) return keep(name, port);
      return keep(name, await findFreePort());
    },
  };

  async function keep(name: PortName, port: number): Promise<number> {
    if (stored[name] !== port) {
      stored[name] = port;
      writing = writing.then(() => writeJsonFile(portsFile, stored));
      await writing;
    }
    return port;
  }
}
