import { z } from 'zod';
import type { NodeClass } from '@atelier/comfyui/registry/registry';
import { createRegistrySearch } from '@atelier/comfyui/registry/search-registry';
import { problem } from '../../../core/problems/to-problem.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

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

const maxOptions = 200;

/** What the servers have: models and nodes. */
export function registerCatalogRoutes(server: GatewayServer, deps: RouteDeps): void {
  const tags = ['catalogue'];

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
