import { z } from 'zod';
import { languageSchema, placeSchema, uuidSchema } from './identity.ts';
import { assetHashSchema, operationSchema, publicErrorSchema } from './request.ts';

/** Every control answer: done, or why not. */
export const controlAnswerSchema = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true) }),
  z.strictObject({ ok: z.literal(false), error: publicErrorSchema }),
]);
export type ControlAnswer = z.infer<typeof controlAnswerSchema>;

/**
 * Wakes who can act on a cancel: `cancel_requested_at` in Postgres is the intent, this only saves the wait for the
 * next sweep. Published, not asked.
 */
export const cancelWakeSchema = z.strictObject({ requestId: uuidSchema, jobIds: z.array(uuidSchema) });
export type CancelWake = z.infer<typeof cancelWakeSchema>;

export const workerCommandSchema = z.strictObject({
  instanceId: z.string().min(1),
  command: z.enum(['pause', 'resume', 'free_memory']),
});

/** What this server can make, for menus and completion: for a person also what is reserved for them. */
export const recipeListRequestSchema = z.strictObject({ personId: uuidSchema.optional() });
export const recipeListSchema = z.strictObject({
  recipes: z.array(
    z.strictObject({
      id: z.string(),
      title: z.strictObject({ en: z.string(), zh: z.string() }),
      runnable: z.boolean(),
      /** The model that it would pick. */
      model: z.string().optional(),
      /** Why it cannot run here. */
      reasons: z.array(z.string()),
    }),
  ),
  models: z.array(z.string()),
  loras: z.array(z.string()).optional(),
  samplers: z.array(z.string()).optional(),
  schedulers: z.array(z.string()).optional(),
  /** Named styles that `options.style` understands; any other words are taken as they are. */
  styles: z
    .array(z.strictObject({ id: z.string(), title: z.strictObject({ en: z.string(), zh: z.string() }) }))
    .optional(),
  /** What can be done with pictures here. */
  operations: z.array(operationSchema).optional(),
});
export type RecipeList = z.infer<typeof recipeListSchema>;

/** Asks for the workflow of a job as ComfyUI's front end saves it. */
export const workflowExportRequestSchema = z.strictObject({ jobId: uuidSchema });
/** JSON text that the front end opens; absent where it cannot be said, such as for node classes that are gone. */
export const workflowExportSchema = z.strictObject({ workflowText: z.string().optional() });
export type WorkflowExport = z.infer<typeof workflowExportSchema>;

/** Asks what workflows may use here: all packs, and classes of one, or those that fit to what somebody types. */
export const policyViewRequestSchema = z.strictObject({
  pack: z.string().max(200).optional(),
  /** Part of a class's name. */
  search: z.string().max(200).optional(),
  /** Classes in the answer; 0: packs alone. */
  limit: z.int().min(0).max(100),
});
export type PolicyViewRequest = z.infer<typeof policyViewRequestSchema>;

/** What should make an operator look twice at a class; `explainPolicy` says what each means. */
const suspicionSchema = z.enum(['custom_pack', 'file_input', 'address_input', 'api_node', 'denied_by_default']);
export type PolicySuspicion = z.infer<typeof suspicionSchema>;

export const policyViewSchema = z.strictObject({
  packs: z.array(
    z.strictObject({
      pack: z.string(),
      allowed: z.boolean(),
      classes: z.int(),
      /** How many of them may not be used. */
      denied: z.int(),
      /** How many have a suspicion beside that of their pack. */
      suspicious: z.int(),
    }),
  ),
  /** Suspicious ones first. */
  classes: z.array(
    z.strictObject({
      name: z.string(),
      pack: z.string(),
      allowed: z.boolean(),
      /** Why not, as a clause. */
      reason: z.string().optional(),
      suspicions: z.array(suspicionSchema),
      /** Inputs that the suspicions mean. */
      inputs: z.array(z.string()),
    }),
  ),
  /** Classes that fit, also beyond the limit. */
  total: z.int(),
});
export type PolicyView = z.infer<typeof policyViewSchema>;

/** Asks which of the agent's tools other doors may call. */
export const toolListRequestSchema = z.strictObject({});
export const toolListSchema = z.strictObject({
  tools: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      /** JSON Schema of its arguments. */
      inputSchema: z.record(z.string(), z.unknown()),
      /** It changes nothing and costs no GPU time. */
      readOnly: z.boolean(),
    }),
  ),
});
export type ToolList = z.infer<typeof toolListSchema>;

/** A call of one of the agent's tools, for the person in the envelope: never for one named in the arguments. */
export const toolCallSchema = z.strictObject({
  /** The caller's id of the call: a repeat has the same effect once, and the same answer. */
  callId: z.string().min(1).max(200),
  tool: z.string().min(1).max(100),
  arguments: z.record(z.string(), z.unknown()),
  personId: uuidSchema,
  language: languageSchema,
  /** Drafts and the conversation belong to a place. */
  place: placeSchema,
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/** What a tool answered: text, and pictures by their hash in the asset store. */
export const toolAnswerSchema = z.strictObject({
  isError: z.boolean(),
  text: z.string(),
  images: z.array(z.strictObject({ hash: assetHashSchema, mediaType: z.string() })),
});
export type ToolAnswer = z.infer<typeof toolAnswerSchema>;
