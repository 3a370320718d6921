import type { z } from 'zod';
import { intSetting } from './parse-config.ts';

/** How much may run and wait. Spread into a service's own schema, and read with {@link queueLimitsOf}. */
export const queueSettings = {
  /** Jobs on all GPUs at most; default 10. */
  ATELIER_MAX_RUNNING: intSetting(1, 10_000).optional(),
  /** Another name for ATELIER_MAX_RUNNING, which wins. */
  COMFY_MAX_CONCURRENT: intSetting(1, 10_000).optional(),
  ATELIER_MAX_RUNNING_PER_PERSON: intSetting(1, 10_000).default(2),
  /** Jobs that wait at most. */
  ATELIER_MAX_QUEUED: intSetting(1, 1_000_000).default(2_000),
  /** Jobs of one person that have not ended. */
  ATELIER_MAX_QUEUED_PER_PERSON: intSetting(1, 100_000).default(50),
} as const;

export interface QueueLimits {
  maxRunning: number;
  maxRunningPerPerson: number;
  maxQueued: number;
  maxQueuedPerPerson: number;
}

export const defaultQueueLimits: QueueLimits = {
  maxRunning: 10,
  maxRunningPerPerson: 2,
  maxQueued: 2_000,
  maxQueuedPerPerson: 50,
};

export function queueLimitsOf(settings: z.infer<z.ZodObject<typeof queueSettings>>): QueueLimits {
  return {
    maxRunning: settings.ATELIER_MAX_RUNNING ?? settings.COMFY_MAX_CONCURRENT ?? defaultQueueLimits.maxRunning,
    maxRunningPerPerson: settings.ATELIER_MAX_RUNNING_PER_PERSON,
    maxQueued: settings.ATELIER_MAX_QUEUED,
    maxQueuedPerPerson: settings.ATELIER_MAX_QUEUED_PER_PERSON,
  };
}
