import type { InstanceRecord } from './instance-store.ts';

/** What is looked at of an instance. */
export type InstanceUse = Pick<InstanceRecord, 'alive' | 'registryHash' | 'reservedFor'>;

/** Whether an instance runs the jobs of a person; of nobody in particular: whether it runs everybody's. */
export function mayUseInstance({ reservedFor }: Pick<InstanceUse, 'reservedFor'>, personId?: string): boolean {
  return reservedFor === null || (personId !== undefined && reservedFor.includes(personId));
}

/**
 * The instances that run a person's jobs and have told what they have: those reserved for them first. Those with a living
 * worker, or, where none lives, those that were last known. Instances that are kept for others do not exist here.
 *
 * @param personId absent: what everybody may use.
 */
export function usableInstances<Instance extends InstanceUse>(
  instances: readonly Instance[],
  personId?: string,
): (Instance & { registryHash: string })[] {
  const known = instances.filter(
    (instance): instance is Instance & { registryHash: string } =>
      instance.registryHash !== null && mayUseInstance(instance, personId),
  );
  const living = known.filter(({ alive }) => alive);
  return (living.length > 0 ? living : known).toSorted(
    (a, b) => Number(a.reservedFor === null) - Number(b.reservedFor === null),
  );
}
