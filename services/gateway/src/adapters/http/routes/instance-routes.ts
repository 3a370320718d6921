import { z } from 'zod';
import { instanceStatusSchema, readInstanceStatus } from '@atelier/shared/db/operators/instance-status';
import { problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const instancesSchema = z
  .object({
    instances: z.array(
      instanceStatusSchema.extend({
        seenAt: z.iso.datetime(),
        reported: instanceStatusSchema.shape.reported
          .unwrap()
          .describe('What its worker said last: stored when it changes, and every half minute'),
      }),
    ),
  })
  .meta({ id: 'Instances' });

/** The ComfyUI servers as operators see them. */
export function registerInstanceRoutes(server: GatewayServer, deps: Pick<RouteDeps, 'parts'>): void {
  server.get(
    '/api/v1/instances',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['queue'],
        summary: 'Every ComfyUI: what it runs, holds, how fast it is and what failed there',
        response: { 200: instancesSchema, ...problems() },
      },
    },
    async () => {
      const instances = await readInstanceStatus(deps.parts.db);
      return { instances: instances.map((one) => ({ ...one, seenAt: one.seenAt.toISOString() })) };
    },
  );
}
