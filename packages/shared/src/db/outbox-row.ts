import { z } from 'zod';
import { uuidSchema } from '../contracts/identity.ts';
import { subjects, type SubjectKeyOf } from '../contracts/subjects.ts';

export type StreamSubjectKey = SubjectKeyOf<'stream'>;

const streamKeys = Object.entries(subjects)
  .filter(([, spec]) => spec.kind === 'stream')
  .map(([key]) => key) as StreamSubjectKey[];

/** A message that a committed change owes to NATS. `data` is parsed by the bus when it is published. */
export const outboxRowSchema = z.object({
  id: uuidSchema,
  key: z.enum(streamKeys),
  tokens: z.record(z.string(), z.string()),
  data: z.unknown(),
  correlationId: uuidSchema,
});
export type OutboxRow = z.infer<typeof outboxRowSchema>;
