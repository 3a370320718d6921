import { z } from 'zod';
import { uuidSchema } from './identity.ts';

/** What every message carries around its data. `correlationId` is the request's id wherever there is one. */
export function envelopeSchema<T extends z.ZodType>(data: T) {
  return z.strictObject({
    id: uuidSchema,
    correlationId: uuidSchema,
    /** ISO 8601, UTC, of the sender's clock. For people; order comes from versions. */
    time: z.iso.datetime(),
    data,
  });
}

export interface Envelope<T> {
  id: string;
  correlationId: string;
  time: string;
  data: T;
}
