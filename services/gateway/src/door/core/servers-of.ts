import type { InstanceRecord } from '@atelier/shared/db/instances/instance-store';

export interface KnownServer {
  id: string;
  registryHash: string;
  version: string | undefined;
}

type Instance = Pick<InstanceRecord, 'id' | 'alive' | 'registryHash' | 'reservedFor' | 'status'>;

/**
 * The servers that run a person's prompts and have told what they have: those reserved for them first. Servers with a
 * living worker, or, where none lives, those that were last known. Servers that are kept for others do not exist here.
 */
export function serversOf(instances: readonly Instance[], personId: string): KnownServer[] {
  const mine = instances.filter(({ reservedFor }) => reservedFor === null || reservedFor.includes(personId));
  const known = mine.flatMap(({ id, alive, registryHash, reservedFor, status }) =>
    registryHash === null
      ? []
      : [{ id, alive, registryHash, isOwn: reservedFor !== null, version: status?.comfyuiVersion }],
  );
  const living = known.filter(({ alive }) => alive);
  return (living.length > 0 ? living : known)
    .toSorted((a, b) => Number(b.isOwn) - Number(a.isOwn))
    .map(({ id, registryHash, version }) => ({ id, registryHash, version }));
}
