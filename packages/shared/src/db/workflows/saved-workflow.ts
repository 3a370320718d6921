import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';

/** Values of a workflow's parameters, by name. */
export const workflowValuesSchema = z.record(z.string().max(40), z.union([z.string(), z.number(), z.boolean()]));
export type WorkflowValues = z.infer<typeof workflowValuesSchema>;

/** A workflow that somebody keeps, as lists show it. */
export const savedWorkflowSummarySchema = z.object({
  id: uuidSchema,
  /** Its owner. */
  personId: uuidSchema,
  personName: z.string(),
  name: z.string(),
  title: z.string(),
  /** Whether everybody may use it. */
  shared: z.boolean(),
  /** Values that its owner set in place of the workflow's own. */
  defaults: workflowValuesSchema,
  createdAt: z.date(),
  updatedAt: z.date(),
});
export type SavedWorkflowSummary = z.infer<typeof savedWorkflowSummarySchema>;

export const savedWorkflowSchema = savedWorkflowSummarySchema.extend({
  /** API format or the front end's, as JSON text: seeds reach 2^64-1. */
  workflowText: z.string(),
});
export type SavedWorkflow = z.infer<typeof savedWorkflowSchema>;

const RECIPE_PREFIX = 'wf:';

/** The name under which `imagine.recipe` means this workflow. */
export function workflowRecipeId(id: string): string {
  return `${RECIPE_PREFIX}${id}`;
}

/** The id in such a name, or the name itself where it is not one. */
export function workflowOfRecipe(recipe: string): string {
  const name = recipe.trim();
  return name.toLowerCase().startsWith(RECIPE_PREFIX) ? name.slice(RECIPE_PREFIX.length).trim() : name;
}

/** Whether a recipe's name can only be that of a saved workflow. */
export function isWorkflowRecipe(recipe: string): boolean {
  return recipe.trim().toLowerCase().startsWith(RECIPE_PREFIX);
}
