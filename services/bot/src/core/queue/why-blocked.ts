import { instanceOffer, type RegistryOffers } from '@atelier/queue/forecast-snapshot';
import { mismatchOf, type InstanceMismatch } from '@atelier/queue/match-instance';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

/** What keeps a job from every GPU at this moment. */
export type Blocked =
  /** No worker is connected, or its ComfyUI does not answer. */
  | { kind: 'no_gpu' }
  | { kind: 'paused' }
  /** Files that no connected ComfyUI has together, as `folder/name`. */
  | { kind: 'missing_models'; names: string[] }
  | { kind: 'missing_nodes'; names: string[] }
  | { kind: 'too_little_memory'; vramGb: number }
  /** Every one that could run it is reserved for others. */
  | { kind: 'reserved' };

/** Why nobody runs this job now: said of the ComfyUI that lacks the least. */
export function whyBlocked(
  job: QueueSnapshot['queued'][number],
  snapshot: QueueSnapshot,
  offers: RegistryOffers | undefined,
): Blocked {
  const connected = snapshot.instances.filter(({ alive, answers }) => alive && answers);
  if (connected.length === 0) return { kind: 'no_gpu' };
  const found = connected.map((instance) => ({
    paused: instance.paused,
    mismatch: mismatchOf(job, instanceOffer(instance, offers)),
  }));
  if (found.some(({ mismatch }) => mismatch === undefined)) return { kind: 'paused' };
  const mismatches = found.flatMap(({ mismatch }) => mismatch ?? []);
  const [nearest] = mismatches.toSorted((a, b) => lacks(a) - lacks(b));
  if (nearest === undefined || nearest.reserved) return { kind: 'reserved' };
  if (nearest.models.length > 0) return { kind: 'missing_models', names: nearest.models };
  if (nearest.classes.length > 0) return { kind: 'missing_nodes', names: nearest.classes };
  return { kind: 'too_little_memory', vramGb: nearest.vramGb ?? job.vramGb };
}

/** What is reserved for others says the least about what is missing, unless nothing is. */
function lacks({ classes, models, vramGb, reserved }: InstanceMismatch): number {
  const missing = classes.length + models.length + (vramGb === undefined ? 0 : 1);
  return missing === 0 ? 0.5 : missing + (reserved ? 1_000 : 0);
}
