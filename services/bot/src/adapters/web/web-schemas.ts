import { z } from 'zod';
import { languageSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import { assetHashSchema, assetRefSchema } from '@atelier/shared/contracts/request';

/** POST /api/requests. `text` is checked by the chat core, whose sentences say what to change. */
export const submitSchema = z.strictObject({
  /** The client's id of this request, a UUID: sending it again is the same request. */
  eventId: uuidSchema,
  text: z.string(),
  /** By name, as `readOptionFields` takes them. */
  options: z.record(z.string().max(40), z.union([z.string().max(5_000), z.number()])).optional(),
  images: z
    .array(assetRefSchema.pick({ hash: true, name: true }))
    .max(5)
    .optional(),
});

/** POST /api/requests/:id/retry */
export const retrySchema = z.strictObject({ eventId: uuidSchema });

/** PUT /api/me */
export const profileSchema = z.strictObject({
  displayName: z
    .string()
    .trim()
    .min(1)
    .max(60)
    .regex(/^[^\p{Cc}]*$/u),
});

export const requestParamsSchema = z.object({ id: uuidSchema });
export const assetParamsSchema = z.object({ hash: assetHashSchema });
export const assetQuerySchema = z.object({ download: z.string().max(200).optional() });
export const timelineQuerySchema = z.object({
  before: uuidSchema.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(30),
  lang: languageSchema.optional(),
});
export const languageQuerySchema = z.object({ lang: languageSchema.optional() });
export const signInSchema = z.strictObject({ token: z.string().max(500) });
