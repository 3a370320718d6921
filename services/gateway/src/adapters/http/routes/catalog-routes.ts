import { z } from 'zod';
import type { NodeClass } from '@atelier/comfyui/registry/registry';
import { createRegistrySearch } from '@atelier/comfyui/registry/search-registry';
import { imagineOptionsSchema } from '@atelier/shared/contracts/request';
import type { RecipeList } from '@atelier/shared/contracts/control';
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

const nodeSummarySchema = z
  .object({
    class: z.string(),
    displayName: z.string(),
    category: z.string(),
    pack: z.string(),
    takes: z.array(z.string()),
    gives: z.array(z.string()),
  })
  .meta({ id: 'NodeSummary' });

const nodeSchema = nodeSummarySchema
  .extend({
    description: z.string(),
    isOutputNode: z.boolean(),
    deprecated: z.boolean(),
    isApiNode: z.boolean(),
    inputs: z.array(
      z.object({
        name: z.string(),
        group: z.enum(['required', 'optional']),
        type: z.string(),
        options: z.array(z.string()).optional().describe('At most 200'),
        default: z.string().optional().describe('As JSON'),
      }),
    ),
    outputs: z.array(z.object({ name: z.string(), type: z.string(), isList: z.boolean() })),
  })
  .meta({ id: 'Node' });

const recipeParams = z.object({ id: z.string().regex(/^[\w.-]{1,100}$/) });
const maxOptions = 200;
const agentTimeoutMs = 3_000;

/** What the servers have, and the recipes that run on them. */
export function registerCatalogRoutes(server: GatewayServer, deps: RouteDeps): void {
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

  server.get(
    '/api/v1/models',
    {
      schema: {
        tags,
        summary: 'Model files, by folder',
        querystring: z.object({ folder: z.string().max(100).optional() }),
        response: {
          200: z.object({
            models: z.array(
              z.object({ folder: z.string(), name: z.string(), family: z.string(), instances: z.array(z.string()) }),
            ),
          }),
          ...problems(),
        },
      },
    },
    async (request) => {
      const { folder } = request.query;
      const models = await deps.nodes.models(principalOf(request).personId);
      return { models: folder === undefined ? models : models.filter((model) => model.folder === folder) };
    },
  );

  server.get(
    '/api/v1/nodes',
    {
      schema: {
        tags,
        summary: 'Node classes, by words and by the types that go in and out',
        querystring: z.object({
          query: z.string().max(200).default(''),
          takes: z.string().max(100).optional(),
          gives: z.string().max(100).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(50),
        }),
        response: { 200: z.object({ nodes: z.array(nodeSummarySchema) }), ...problems() },
      },
    },
    async (request) => {
      const { query, takes, gives, limit } = request.query;
      const found = new Map<string, NodeClass>();
      for (const registry of await deps.nodes.registries(principalOf(request).personId)) {
        const options = {
          limit,
          ...(takes === undefined ? {} : { takes }),
          ...(gives === undefined ? {} : { gives }),
        };
        for (const { nodeClass } of createRegistrySearch(registry).search(query, options)) {
          if (!found.has(nodeClass.name)) found.set(nodeClass.name, nodeClass);
        }
      }
      return { nodes: [...found.values()].slice(0, limit).map(toSummary) };
    },
  );

  server.get(
    '/api/v1/nodes/:class',
    {
      schema: {
        tags,
        summary: 'One node class',
        params: z.object({ class: z.string().min(1).max(300) }),
        response: { 200: nodeSchema, ...problems('NOT_FOUND') },
      },
    },
    async (request) => {
      for (const registry of await deps.nodes.registries(principalOf(request).personId)) {
        const nodeClass = registry.classes.get(request.params.class);
        if (nodeClass !== undefined) return toNode(nodeClass);
      }
      throw problem('NOT_FOUND', 'No server has this node class.', '没有服务器具有该节点类型。');
    },
  );
}

function noSuchRecipe() {
  return problem('NOT_FOUND', 'There is no such recipe: see /api/v1/recipes.', '没有此配方：请查看 /api/v1/recipes。');
}

function toSummary(node: NodeClass): z.infer<typeof nodeSummarySchema> {
  return {
    class: node.name,
    displayName: node.displayName,
    category: node.category,
    pack: node.pack,
    takes: [...new Set(node.inputs.map(({ type }) => type))],
    gives: node.outputs.map(({ type }) => type),
  };
}

function toNode(node: NodeClass): z.infer<typeof nodeSchema> {
  return {
    ...toSummary(node),
    description: node.description,
    isOutputNode: node.isOutputNode,
    deprecated: node.deprecated,
    isApiNode: node.isApiNode,
    inputs: node.inputs.map(({ name, group, type, options, default: value }) => ({
      name,
      group,
      type,
      ...(options === undefined ? {} : { options: options.slice(0, maxOptions).map(String) }),
      ...(value === undefined ? {} : { default: typeof value === 'bigint' ? String(value) : JSON.stringify(value) }),
    })),
    outputs: node.outputs.map(({ name, type, isList }) => ({ name, type, isList })),
  };
}
