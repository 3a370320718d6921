import { z } from 'zod';
import { doorSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import {
  changeWebhookEndpoint,
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  readWebhookEndpoint,
  webhookEventSchema,
  type WebhookEndpoint,
} from '@atelier/shared/db/gateway/webhook-store';
import { problem } from '../../../core/problems/to-problem.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const endpointSchema = z
  .object({
    id: uuidSchema,
    url: z.string(),
    events: z.array(webhookEventSchema),
    doors: z.array(doorSchema),
    description: z.string(),
    enabled: z.boolean().describe('Switched off by itself after 20 dead messages in a row'),
    deadInRow: z.int(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Webhook' });
const params = z.object({ id: uuidSchema });
const url = z.url({ protocol: /^https?$/, error: 'must be an https:// address' }).max(2_000);
const events = z.array(webhookEventSchema).min(1).max(10);
const doors = z
  .array(doorSchema)
  .min(1)
  .max(10)
  .describe('Jobs that came through these: `api` is programs (HTTP, ComfyUI clients, MCP), the others are chats');
const description = z.string().max(200);
const maxEndpoints = 20;

export interface WebhookRouteDeps extends RouteDeps {
  webhooks: {
    /** @throws AppError (`VALIDATION_ERROR`) for an address that is not sent to. */
    checkTarget: (url: string) => Promise<void>;
    newSecret: () => string;
    /** Something is owed: look now. */
    ring: () => void;
  };
}

/** Webhooks: where the ends of my jobs are told (Standard Webhooks). */
export function registerWebhookRoutes(server: GatewayServer, deps: WebhookRouteDeps): void {
  const { db } = deps.parts;
  const { webhooks } = deps;
  const tags = ['webhooks'];
  const config = { scope: 'webhooks' as const };

  server.post(
    '/api/v1/webhooks',
    {
      config,
      schema: {
        tags,
        summary: 'Add a webhook; its secret is shown once',
        body: z.strictObject({
          url,
          events: events.default(webhookEventSchema.options),
          doors: doors.default(['api']),
          description: description.default(''),
        }),
        response: {
          201: endpointSchema.extend({ secret: z.string() }).meta({ id: 'NewWebhook' }),
          ...problems('QUEUE_OPERATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      const { account, personId } = principalOf(request);
      await webhooks.checkTarget(request.body.url);
      if ((await listWebhookEndpoints(db, personId)).length >= maxEndpoints) {
        throw problem(
          'QUEUE_OPERATION_ERROR',
          `You have ${maxEndpoints} webhooks: remove one first.`,
          `您已有 ${maxEndpoints} 个 webhook：请先删除一个。`,
        );
      }
      const endpoint = await createWebhookEndpoint(db, { ...request.body, account, secret: webhooks.newSecret() });
      reply.code(201);
      return { ...toView(endpoint), secret: endpoint.secret };
    },
  );

  server.get(
    '/api/v1/webhooks',
    {
      config,
      schema: {
        tags,
        summary: 'My webhooks',
        response: { 200: z.object({ webhooks: z.array(endpointSchema) }), ...problems() },
      },
    },
    async (request) => ({ webhooks: (await listWebhookEndpoints(db, principalOf(request).personId)).map(toView) }),
  );

  server.get(
    '/api/v1/webhooks/:id',
    {
      config,
      schema: { tags, summary: 'One webhook', params, response: { 200: endpointSchema, ...problems('NOT_FOUND') } },
    },
    async (request) => {
      const endpoint = await readWebhookEndpoint(db, principalOf(request).personId, request.params.id);
      if (endpoint === undefined) throw noSuchWebhook();
      return toView(endpoint);
    },
  );

  server.patch(
    '/api/v1/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Change a webhook, or switch it on again',
        params,
        body: z.strictObject({
          url: url.optional(),
          events: events.optional(),
          doors: doors.optional(),
          description: description.optional(),
          enabled: z.boolean().optional(),
        }),
        response: { 200: endpointSchema, ...problems('NOT_FOUND', 'UNSUPPORTED_MEDIA_TYPE') },
      },
    },
    async (request) => {
      const { url: newUrl, events: newEvents, doors: newDoors, description: newText, enabled } = request.body;
      if (newUrl !== undefined) await webhooks.checkTarget(newUrl);
      const endpoint = await changeWebhookEndpoint(db, principalOf(request).personId, request.params.id, {
        ...(newUrl === undefined ? {} : { url: newUrl }),
        ...(newEvents === undefined ? {} : { events: newEvents }),
        ...(newDoors === undefined ? {} : { doors: newDoors }),
        ...(newText === undefined ? {} : { description: newText }),
        ...(enabled === undefined ? {} : { enabled }),
      });
      if (endpoint === undefined) throw noSuchWebhook();
      webhooks.ring();
      return toView(endpoint);
    },
  );

  server.delete(
    '/api/v1/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Remove a webhook with all that is owed to it',
        params,
        response: { 204: z.null(), ...problems('NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const removed = await deleteWebhookEndpoint(db, principalOf(request).personId, request.params.id);
      if (!removed) throw noSuchWebhook();
      reply.code(204);
      return null;
    },
  );
}

function toView(endpoint: WebhookEndpoint): z.infer<typeof endpointSchema> {
  const {
    id,
    url: address,
    events: told,
    doors: heard,
    description: text,
    disabledAt,
    deadInRow,
    createdAt,
  } = endpoint;
  return {
    id,
    url: address,
    events: told,
    doors: heard,
    description: text,
    enabled: disabledAt === null,
    deadInRow,
    createdAt: createdAt.toISOString(),
  };
}

export function noSuchWebhook() {
  return problem('NOT_FOUND', 'You have no webhook with this id.', '没有属于你的此 webhook。');
}
