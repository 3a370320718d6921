/** How much may wait. */
export interface QueueLimits {
  maxQueued: number;
  maxQueuedPerPerson: number;
}

export const defaultQueueLimits: QueueLimits = { maxQueued: 2_000, maxQueuedPerPerson: 50 };

export interface QueueRoom {
  /** Jobs of this call that still fit, from the first on. */
  accepted: number;
  /** What stopped the rest; absent when all fit. */
  limit?: 'queue' | 'person';
}

/** How many of somebody's new jobs the queue takes. */
export function admitJobs(
  queued: { all: number; ofPerson: number },
  adding: number,
  limits: QueueLimits = defaultQueueLimits,
): QueueRoom {
  const ofPerson = Math.max(0, limits.maxQueuedPerPerson - queued.ofPerson);
  const ofAll = Math.max(0, limits.maxQueued - queued.all);
  const accepted = Math.min(adding, ofPerson, ofAll);
  if (accepted === adding) return { accepted };
  return { accepted, limit: ofPerson <= ofAll ? 'person' : 'queue' };
}
