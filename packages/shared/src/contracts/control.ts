import { z } from 'zod';
import { uuidSchema } from './identity.ts';
import { publicErrorSchema } from './request.ts';

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
export type WorkerCommand = z.infer<typeof workerCommandSchema>;

/** What this server can make, for menus and completion. */
export const recipeListRequestSchema = z.strictObject({});
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
});
export type RecipeList = z.infer<typeof recipeListSchema>;
