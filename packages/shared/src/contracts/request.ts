import { z } from 'zod';
import { placeSchema, platformUserSchema, uuidSchema } from './identity.ts';

/** Longest prompt or message that is accepted, in UTF-16 code units. */
export const MAX_PROMPT_CHARS = 4_000;
/** Most pictures that one request may ask for. */
export const MAX_COUNT = 8;

/** SHA-256 of a stored file's bytes, in lowercase hex. */
export const assetHashSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** A stored file that travels with a request: bytes are in the asset store under `hash`. */
export const assetRefSchema = z.strictObject({
  hash: assetHashSchema,
  mediaType: z.string().max(100),
  name: z.string().max(200).optional(),
});
export type AssetRef = z.infer<typeof assetRefSchema>;

/**
 * A seed, as decimal digits: seeds reach 2^64-1, which a JSON number cannot hold. `-1` asks for a random one.
 */
export const seedSchema = z.string().regex(/^(-1|\d{1,20})$/);

/** What a person sets by name; what is absent is the recipe's or the server's choice. */
export const imagineOptionsSchema = z.strictObject({
  prompt: z.string().min(1).max(MAX_PROMPT_CHARS),
  negative: z.string().max(MAX_PROMPT_CHARS).optional(),
  /** Width to height, such as `3:4`. Excludes width and height. */
  aspect: z
    .string()
    .regex(/^\d{1,2}:\d{1,2}$/)
    .optional(),
  /** Pixels. */
  width: z.int().min(16).max(8192).optional(),
  /** Pixels. */
  height: z.int().min(16).max(8192).optional(),
  count: z.int().min(1).max(MAX_COUNT).optional(),
  seed: seedSchema.optional(),
  recipe: z.string().max(100).optional(),
  model: z.string().max(200).optional(),
  style: z.string().max(100).optional(),
  steps: z.int().min(1).max(200).optional(),
  cfg: z.number().min(0).max(50).optional(),
  sampler: z.string().max(100).optional(),
  /** How far an input picture may be left behind: 0 keeps it, 1 ignores it. */
  strength: z.number().min(0).max(1).optional(),
  images: z.array(assetRefSchema).max(5).optional(),
});
export type ImagineOptions = z.infer<typeof imagineOptionsSchema>;

/** What was asked. `imagine` is explicit and needs no model call; `words` is for the agent; `rerun` repeats a request with new seeds. */
export const requestBodySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('imagine'), options: imagineOptionsSchema }),
  z.strictObject({
    kind: z.literal('words'),
    text: z.string().min(1).max(MAX_PROMPT_CHARS),
    images: z.array(assetRefSchema).max(5).optional(),
    /** The options that stood beside the words, such as a form's fields; they win over what the words say. */
    options: imagineOptionsSchema.omit({ prompt: true }).partial().optional(),
  }),
  z.strictObject({ kind: z.literal('rerun'), requestId: uuidSchema }),
]);
export type RequestBody = z.infer<typeof requestBodySchema>;

/** A request as a door hands it over to be committed. `eventId` is the platform's id of what asked: a repeat of it is the same request. */
export const newRequestSchema = z.strictObject({
  eventId: z.string().min(1).max(200),
  user: platformUserSchema,
  place: placeSchema,
  body: requestBodySchema,
});
export type NewRequest = z.infer<typeof newRequestSchema>;

/**
 * accepted (committed) -> planning (an agent holds the lease) -> working (its jobs exist) -> succeeded | failed |
 * cancelled; planning -> replied where words are the whole answer. `succeeded` means at least one picture.
 */
export const requestStateSchema = z.enum([
  'accepted',
  'planning',
  'working',
  'replied',
  'succeeded',
  'failed',
  'cancelled',
]);
export type RequestState = z.infer<typeof requestStateSchema>;

/** States that nothing follows. */
export const finalRequestStates = ['replied', 'succeeded', 'failed', 'cancelled'] as const satisfies RequestState[];

/** What the agent decided, in words a card can show. */
export const planSummarySchema = z.strictObject({
  recipe: z.string(),
  recipeTitle: z.strictObject({ en: z.string(), zh: z.string() }),
  model: z.string().optional(),
  /** The prompt as it goes to the model. */
  prompt: z.string(),
  negative: z.string().optional(),
  /** Pixels. */
  width: z.int().optional(),
  height: z.int().optional(),
  count: z.int().min(1),
  seed: z.string(),
  steps: z.int().optional(),
  cfg: z.number().optional(),
  /** Remarks for the person, such as that the prompt was not translated. */
  notes: z.array(z.strictObject({ en: z.string(), zh: z.string() })),
});
export type PlanSummary = z.infer<typeof planSummarySchema>;

/** An error as a person reads it: one sentence that says what to do, in both languages. */
export const publicErrorSchema = z.strictObject({
  code: z.string(),
  message: z.strictObject({ en: z.string(), zh: z.string() }),
});
export type PublicError = z.infer<typeof publicErrorSchema>;
