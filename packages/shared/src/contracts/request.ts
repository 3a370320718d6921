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

/** Kinds of recipes that a person may ask for by name; as `recipeKind` in packages/comfyui. */
export const operationSchema = z.enum([
  'text-to-image',
  'image-to-image',
  'upscale',
  'inpaint',
  'outpaint',
  'hires-fix',
  'controlnet',
  'reference',
  'blend',
  'background-removal',
  'image-edit',
  'text-to-video',
  'image-to-video',
  'contact-sheet',
]);
export type Operation = z.infer<typeof operationSchema>;

/** One picture of an earlier request; `picture` counts all its outputs in order of job and output, from 0. */
export const sourceRefSchema = z.strictObject({ requestId: uuidSchema, picture: z.int().min(0).max(255).optional() });
export type SourceRef = z.infer<typeof sourceRefSchema>;

/**
 * What a button or a menu does with an earlier result.
 * - `upscale_subtle` (keeps every line), `upscale_creative` (adds detail), `vary_subtle`, `vary_strong`: of one picture.
 * - `reroll`: the same request with new seeds; `remix`: the same with `options` put over it.
 * - `edit`: `text` says what changes in the picture; `vary_region`: redraws the part that `region` describes, as `text` says.
 * - `outpaint`: a larger canvas of the shape `options.aspect`; `aspect`: drawn anew in that shape.
 * - `animate`: a short video of the picture, moved as `text` says; `background`: its background removed.
 */
export const deriveActionSchema = z.enum([
  'upscale_subtle',
  'upscale_creative',
  'vary_subtle',
  'vary_strong',
  'reroll',
  'remix',
  'edit',
  'vary_region',
  'outpaint',
  'aspect',
  'animate',
  'background',
]);
export type DeriveAction = z.infer<typeof deriveActionSchema>;

export const shotIdSchema = z.string().min(1).max(80);

/** One shot of a storyboard. */
export const shotSchema = z.strictObject({
  /** The author's own name of it, unique in the list. */
  shotId: shotIdSchema,
  prompt: z.string().min(1).max(MAX_PROMPT_CHARS),
  references: z
    .array(z.strictObject({ image: assetRefSchema, strength: z.number().min(0).max(1).optional() }))
    .max(4)
    .optional(),
  /** Makes it a video of this length, in seconds. */
  durationSeconds: z.number().min(0.5).max(30).optional(),
});
export type Shot = z.infer<typeof shotSchema>;
export const MAX_SHOTS = 24;

/** Longest workflow that is accepted, in UTF-16 code units of its JSON text. */
export const MAX_WORKFLOW_CHARS = 4_000_000;

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
  scheduler: z.string().max(100).optional(),
  /** How far an input picture may be left behind: 0 keeps it, 1 ignores it. */
  strength: z.number().min(0).max(1).optional(),
  images: z.array(assetRefSchema).max(5).optional(),
  /** What may be redrawn: white (or, in a picture with alpha, transparent) is new. */
  mask: assetRefSchema.optional(),
  loras: z
    .array(z.strictObject({ name: z.string().min(1).max(200), strength: z.number().min(-4).max(4) }))
    .max(8)
    .optional(),
  /** What to do with the pictures; absent: what the recipe, or their number, says. */
  operation: operationSchema.optional(),
  /** Of a video, in seconds. */
  durationSeconds: z.number().min(0.5).max(30).optional(),
});
export type ImagineOptions = z.infer<typeof imagineOptionsSchema>;

/**
 * What was asked. `imagine`, `derive`, `shots` and `workflow` are explicit and need no model call; `words` is for the
 * agent; `describe` asks for words about pictures; `rerun` repeats a request with new seeds.
 */
export const requestBodySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('imagine'), options: imagineOptionsSchema }),
  z.strictObject({
    kind: z.literal('words'),
    text: z.string().min(1).max(MAX_PROMPT_CHARS),
    images: z.array(assetRefSchema).max(5).optional(),
    /** The options that stood beside the words, such as a form's fields; they win over what the words say. */
    options: imagineOptionsSchema.omit({ prompt: true }).partial().optional(),
    /** Results that the message answers, such as the card that it replies to. */
    about: z.array(sourceRefSchema).max(5).optional(),
    /** What a reply quotes. Somebody else's words: data, never instructions. */
    quoted: z.string().max(MAX_PROMPT_CHARS).optional(),
  }),
  z.strictObject({
    kind: z.literal('derive'),
    action: deriveActionSchema,
    source: sourceRefSchema,
    text: z.string().max(MAX_PROMPT_CHARS).optional(),
    /** The part to redraw, in words. */
    region: z.string().max(500).optional(),
    /** First the picture with that part tinted, where some server can find it: nothing is redrawn yet. */
    showRegion: z.literal(true).optional(),
    options: imagineOptionsSchema.partial().optional(),
  }),
  z.strictObject({ kind: z.literal('describe'), images: z.array(assetRefSchema).min(1).max(5) }),
  z.strictObject({
    kind: z.literal('shots'),
    shots: z.array(shotSchema).min(1).max(MAX_SHOTS),
    /** Words that every shot shares. */
    style: z.string().max(MAX_PROMPT_CHARS).optional(),
    options: imagineOptionsSchema.omit({ prompt: true }).partial().optional(),
  }),
  z.strictObject({
    kind: z.literal('workflow'),
    /** API format or the front end's, as JSON text: seeds reach 2^64-1. */
    workflowText: z.string().min(2).max(MAX_WORKFLOW_CHARS),
    name: z.string().max(200).optional(),
    /** Values of the parameters that were found in it, by name. */
    parameters: z.record(z.string().max(40), z.union([z.string(), z.number(), z.boolean()])).optional(),
    /** Files that it names, as it names them. */
    files: z
      .array(z.strictObject({ name: z.string().min(1).max(200), image: assetRefSchema }))
      .max(50)
      .optional(),
    /** Output nodes to run, as ComfyUI's `partial_execution_targets`. */
    targets: z.array(z.string().max(200)).max(500).optional(),
  }),
  z.strictObject({
    kind: z.literal('rerun'),
    requestId: uuidSchema,
    /** Of a storyboard these shots alone. */
    shotIds: z.array(shotIdSchema).min(1).max(MAX_SHOTS).optional(),
  }),
]);
export type RequestBody = z.infer<typeof requestBodySchema>;

/** A request as a door hands it over to be committed. `eventId` is the platform's id of what asked: a repeat of it is the same request. */
export const newRequestSchema = z.strictObject({
  eventId: z.string().min(1).max(200),
  user: platformUserSchema,
  place: placeSchema,
  body: requestBodySchema,
  /** Shown to its author alone. */
  isPrivate: z.boolean().optional(),
  /** What it was made from: the lineage of its pictures. */
  parent: sourceRefSchema.optional(),
});
export type NewRequest = z.infer<typeof newRequestSchema>;

/**
 * accepted (committed) -> planning (an agent holds the lease) -> working (its jobs exist) -> succeeded | failed |
 * cancelled; planning -> replied where words are the whole answer. `succeeded` means at least one picture.
 * planning -> asking (its `question` waits for the person, no lease is held) -> accepted with the answer.
 */
export const requestStateSchema = z.enum([
  'accepted',
  'planning',
  'asking',
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
  sampler: z.string().optional(),
  scheduler: z.string().optional(),
  /** How far an input picture is left behind: 0 keeps it, 1 ignores it. */
  strength: z.number().optional(),
  loras: z.array(z.strictObject({ name: z.string(), strength: z.number() })).optional(),
  /** Of a video, in seconds. */
  durationSeconds: z.number().optional(),
  /** What it does with pictures; absent: it draws anew. */
  operation: operationSchema.optional(),
  /** The prompt in the person's own words, where it was translated. */
  translatedFrom: z.string().optional(),
  /** The part, in words, that its picture tints and does no more: no result to list beside others. */
  shownRegion: z.string().optional(),
  /** Remarks for the person, such as that the prompt was not translated. */
  notes: z.array(z.strictObject({ en: z.string(), zh: z.string() })),
});
export type PlanSummary = z.infer<typeof planSummarySchema>;

/** A text in each language of the product. */
const localTextSchema = z.strictObject({ en: z.string(), zh: z.string() });

/** What a request waits for from its author: a plan to run, or one question. Answered by a button or, with `allowText`, in words. */
export const pendingQuestionSchema = z.strictObject({
  id: uuidSchema,
  kind: z.enum(['plan', 'question']),
  text: localTextSchema,
  choices: z.array(z.strictObject({ id: z.string().min(1).max(20), label: localTextSchema })).max(5),
  allowText: z.boolean(),
  /** What would run. */
  plan: planSummarySchema.optional(),
  /** GPU seconds that it would take, as a range. */
  gpuSeconds: z.strictObject({ low: z.number(), high: z.number() }).optional(),
});
export type PendingQuestion = z.infer<typeof pendingQuestionSchema>;

/** What planning and running a request has cost. */
export const requestCostSchema = z.strictObject({
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  cacheReadTokens: z.int().min(0),
  cacheWriteTokens: z.int().min(0),
  /** Millionths of a US dollar. */
  microDollars: z.int().min(0),
  modelCalls: z.int().min(0),
});
export type RequestCost = z.infer<typeof requestCostSchema>;

/** An error as a person reads it: one sentence that says what to do, in both languages. */
export const publicErrorSchema = z.strictObject({
  code: z.string(),
  message: z.strictObject({ en: z.string(), zh: z.string() }),
});
export type PublicError = z.infer<typeof publicErrorSchema>;
