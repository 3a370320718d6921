import { z } from 'zod';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import {
  listWebhookDeliveries,
  oweTestWebhook,
  readWebhookEndpoint,
  retryWebhookDelivery,
  type WebhookDelivery,
} from '@atelier/shared/db/gateway/webhook-store';
import { decodeCursor, encodeCursor } from '../../../core/cursor.ts';
import { problem } from '../../../core/problems/to-problem.ts';
import { pageQuery, principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import { noSuchWebhook, type WebhookRouteDeps } from './webhook-routes.ts';

const deliverySchema = z
  .object({
    id: uuidSchema.describe('`webhook-id` of the message'),
    event: z.string(),
    jobId: uuidSchema.optional(),
    state: z.enum(['pending', 'sent', 'dead']),
    attempts: z.int(),
    createdAt: z.iso.datetime(),
    sentAt: z.iso.datetime().optional(),
    nextTryAt: z.iso.datetime().optional(),
    status: z.int().optional(),
    error: z.string().optional(),
  })
  .meta({ id: 'WebhookDelivery' });

const params = z.object({ id: uuidSchema });
const deliveryParams = z.object({ id: uuidSchema, delivery: uuidSchema });

/** What was told to a webhook, and is still to be told. */
export function registerWebhookDeliveryRoutes(server: GatewayServer, { parts, webhooks }: WebhookRouteDeps): void {
  const { db } = parts;
  const tags = ['webhooks'];
  const config = { scope: 'webhooks' as const };

  server.post(
    '/api/v1/webhooks/:id/test',
    {
      config,
      schema: {
        tags,
        summary: 'Send a message that tries it out',
        params,
        response: { 202: deliverySchema, ...problems('NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const endpoint = await readWebhookEndpoint(db, principalOf(request).personId, request.params.id);
      if (endpoint === undefined) throw noSuchWebhook();
      const delivery = await oweTestWebhook(db, endpoint.id);
      webhooks.ring();
      reply.code(202);
      return toDeliveryView(delivery);
    },
  );

  server.get(
    '/api/v1/webhooks/:id/deliveries',
    {
      config,
      schema: {
        tags,
        summary: 'What was sent, is owed, and was given up (`dead`)',
        params,
        querystring: z.object({ ...pageQuery, state: z.enum(['pending', 'sent', 'dead']).optional() }),
        response: {
          200: z.object({ deliveries: z.array(deliverySchema), nextCursor: z.string().optional() }),
          ...problems('NOT_FOUND'),
        },
      },
    },
    async (request) => {
      const { personId } = principalOf(request);
      const { limit, cursor, state } = request.query;
      const endpointId = request.params.id;
      if ((await readWebhookEndpoint(db, personId, endpointId)) === undefined) throw noSuchWebhook();
      const listed = await listWebhookDeliveries(db, {
        personId,
        endpointId,
        state,
        before: decodeCursor(cursor),
        limit,
      });
      const last = listed.at(-1);
      return {
        deliveries: listed.map(toDeliveryView),
        ...(last === undefined || listed.length < limit ? {} : { nextCursor: encodeCursor(last.id) }),
      };
    },
  );

  server.post(
    '/api/v1/webhooks/:id/deliveries/:delivery/retry',
    {
      config,
      schema: {
        tags,
        summary: 'Send a dead message again',
        params: deliveryParams,
        response: { 202: z.object({ retried: z.literal(true) }), ...problems('NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { id: endpointId, delivery: id } = request.params;
      if (!(await retryWebhookDelivery(db, { personId: principalOf(request).personId, endpointId, id }))) {
        throw problem('NOT_FOUND', 'There is no dead message with this id.', '没有此编号的失败消息。');
      }
      webhooks.ring();
      reply.code(202);
      return { retried: true as const };
    },
  );
}

function toDeliveryView(delivery: WebhookDelivery): z.infer<typeof deliverySchema> {
  const { id, event, requestId, state, attempts, createdAt, sentAt, notBefore, status, error } = delivery;
  return {
    id,
    event,
    state,
    attempts,
    createdAt: createdAt.toISOString(),
    ...(requestId === null ? {} : { jobId: requestId }),
    ...(sentAt === null ? {} : { sentAt: sentAt.toISOString() }),
    ...(state !== 'pending' || notBefore === null ? {} : { nextTryAt: notBefore.toISOString() }),
    ...(status === null ? {} : { status }),
    ...(error === null ? {} : { error }),
  };
}
