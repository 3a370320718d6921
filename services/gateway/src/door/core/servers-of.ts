import type { InstanceRecord } from '@atelier/shared/db/instances/instance-store';
import { usableInstances } from '@atelier/shared/db/instances/usable-instances';

export interface KnownServer {
  id: string;
  registryHash: string;
  version: string | undefined;
}

type Instance = Pick<InstanceRecord, 'id' | 'alive' | 'registryHash' | 'reservedFor' | 'status'>;

/** The servers that run a person's prompts: see {@link usableInstances}. */
export function serversOf(instances: readonly Instance[], personId: string): KnownServer[] {
  return usableInstances(instances, personId).map(({ id, registryHash, status }) => ({
    id,
    registryHash,
    version: status?.comfyuiVersion,
  }));
}
