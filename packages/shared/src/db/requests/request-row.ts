import { z } from 'zod';
import { doorSchema, languageSchema, placeSchema, uuidSchema } from '../../contracts/identity.ts';
import {
  pendingQuestionSchema,
  planSummarySchema,
  publicErrorSchema,
  requestBodySchema,
  requestCostSchema,
  requestStateSchema,
} from '../../contracts/request.ts';

/** A request as services see it. Dates are the database's. */
export const requestRecordSchema = z.object({
  id: uuidSchema,
  door: doorSchema,
  eventId: z.string(),
  personId: uuidSchema,
  personName: z.string(),
  place: placeSchema,
  language: languageSchema,
  body: requestBodySchema,
  state: requestStateSchema,
  version: z.int(),
  plan: planSummarySchema.nullable(),
  reply: z.string().nullable(),
  error: publicErrorSchema.nullable(),
  cancelRequestedAt: z.date().nullable(),
  agentEpoch: z.int(),
  jobsTotal: z.int(),
  jobsOpen: z.int(),
  jobsSucceeded: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
  finishedAt: z.date().nullable(),
  /** What it waits for while `asking`. */
  question: pendingQuestionSchema.nullable(),
  isPrivate: z.boolean(),
  parentRequestId: uuidSchema.nullable(),
  parentPicture: z.int().nullable(),
  cost: requestCostSchema.nullable(),
});
export type RequestRecord = z.infer<typeof requestRecordSchema>;
