import { z } from 'zod';
import { languageSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import { assetHashSchema, assetRefSchema, sourceRefSchema } from '@atelier/shared/contracts/request';
import { commandNames, suggestSources } from '../../core/commands/command-spec.ts';
import { findCommand } from '../../core/commands/command-table.ts';

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
  /** Earlier results that the words are about. */
  about: z.array(sourceRefSchema).max(5).optional(),
});

/** POST /api/commands. Values are checked by the chat core. */
export const commandSchema = z.strictObject({
  eventId: uuidSchema,
  command: z.enum(commandNames),
  subcommand: z.string().max(32).optional(),
  values: z.record(z.string().max(40), z.union([z.string().max(10_000), z.number(), z.boolean()])).optional(),
  images: submitSchema.shape.images,
  about: submitSchema.shape.about,
});

/** POST /api/press */
export const pressSchema = z.strictObject({ eventId: uuidSchema, id: z.string().max(64) });
/** POST /api/forms */
export const formSchema = z.strictObject({
  eventId: uuidSchema,
  id: z.string().max(64),
  values: z.record(z.string().max(40), z.string().max(5_000)),
});
/** POST /api/link */
export const linkSchema = z.strictObject({ code: z.string().min(1).max(20) });
/** GET /api/suggest */
export const suggestQuerySchema = z.object({
  source: z.enum(suggestSources),
  typed: z.string().max(200).default(''),
  /** As it is typed, in either language; what is no command counts as one that draws. */
  command: z
    .string()
    .max(100)
    .optional()
    .transform((name) => (name === undefined ? undefined : findCommand(name)?.name)),
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
/** GET /files/:hash/:signature/:name */
export const signedParamsSchema = z.object({ hash: assetHashSchema, signature: z.string().max(64), name: z.string() });
export const assetQuerySchema = z.object({ download: z.string().max(200).optional() });
export const timelineQuerySchema = z.object({
  before: uuidSchema.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(30),
  lang: languageSchema.optional(),
});
export const signInSchema = z.union([z.strictObject({ token: z.string().max(500) }), linkSchema]);
