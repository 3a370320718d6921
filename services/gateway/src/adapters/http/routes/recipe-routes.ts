import { z } from 'zod';
import type { RecipeList } from '@atelier/shared/contracts/control';
import { imagineOptionsSchema } from '@atelier/shared/contracts/request';
import { problem } from '../../../core/problems/to-problem.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';
import { submissionRoute, submitFields, takeSubmission } from './submission-route.ts';

const recipeSchema = z
  .object({
    id: z.string(),
    title: z.object({ en: z.string(), zh: z.string() }),
    runnable: z.boolean(),
    model: z.string().optional().describe('The model that it would pick'),
    reasons: z.array(z.string()).describe('Why it cannot run here'),
  })
  .meta({ id: 'Recipe' });

const recipeParams = z.object({ id: z.string().regex(/^[\w.-]{1,100}$/) });
const agentTimeoutMs = 3_000;

/** Recipes, and asking for them. */
export function registerRecipeRoutes(server: GatewayServer, deps: RouteDeps): void {
  const tags = ['catalogue'];

  const readRecipes = (personId: string): Promise<RecipeList> =>
    deps.parts.bus().ask('recipeList', {}, { personId }, { timeoutMs: agentTimeoutMs, repeat: true });

  server.get(
    '/api/v1/recipes',
    {
      schema: {
        tags,
        summary: 'Recipes, and whether they run here',
        response: { 200: z.object({ recipes: z.array(recipeSchema) }), ...problems() },
      },
    },
    async (request) => ({ recipes: (await readRecipes(principalOf(request).personId)).recipes }),
  );

  server.get(
    '/api/v1/recipes/:id',
    {
      schema: {
        tags,
        summary: 'One recipe',
        params: recipeParams,
        response: { 200: recipeSchema, ...problems('NOT_FOUND') },
      },
    },
    async (request) => {
      const { recipes } = await readRecipes(principalOf(request).personId);
      const recipe = recipes.find(({ id }) => id === request.params.id);
      if (recipe === undefined) throw noSuchRecipe();
      return recipe;
    },
  );

  const running = submissionRoute({
    tags,
    summary: 'Ask for a recipe with its parameters',
    body: z.strictObject({ ...submitFields, parameters: imagineOptionsSchema.omit({ recipe: true }) }),
    codes: ['NOT_FOUND'],
  });
  server.post(
    '/api/v1/recipes/:id/run',
    { ...running, schema: { ...running.schema, params: recipeParams } },
    (request, reply) => {
      const options = { ...request.body.parameters, recipe: request.params.id };
      return takeSubmission(deps, reply, request, { kind: 'imagine', options });
    },
  );
}

function noSuchRecipe() {
  return problem('NOT_FOUND', 'There is no such recipe: see /api/v1/recipes.', '没有此配方：请查看 /api/v1/recipes。');
}
