import { z } from 'zod';
import { doorSchema, uuidSchema } from './identity.ts';
import { jobStateSchema } from './job.ts';
import { requestStateSchema } from './request.ts';

/**
 * A request changed. A doorbell: the row in Postgres is the truth, and `version` lets a reader drop what is older than
 * what it has.
 */
export const requestEventSchema = z.strictObject({
  requestId: uuidSchema,
  door: doorSchema,
  state: requestStateSchema,
  version: z.int().min(1),
});
export type RequestEvent = z.infer<typeof requestEventSchema>;

/** A job changed. A doorbell, as {@link requestEventSchema}. `recovered` is set when another worker took it over. */
export const jobEventSchema = z.strictObject({
  jobId: uuidSchema,
  requestId: uuidSchema,
  state: jobStateSchema,
  version: z.int().min(1),
  recovered: z.boolean().optional(),
});

/** A message waits to be sent through this door. */
export const deliveryEventSchema = z.strictObject({
  deliveryId: uuidSchema,
  requestId: uuidSchema,
  door: doorSchema,
});
