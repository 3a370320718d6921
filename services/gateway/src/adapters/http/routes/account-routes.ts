import { z } from 'zod';
import { languageSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import {
  apiScopeSchema,
  createApiToken,
  listApiTokens,
  revokeApiToken,
  usualScopes,
  type ApiTokenRecord,
} from '@atelier/shared/db/gateway/api-tokens';
import { hasScope } from '../../../core/principal.ts';
import { problem } from '../../../core/problems/to-problem.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const limit = z.int().min(1).max(1_000_000).nullable();
const tokenSchema = z
  .object({
    id: uuidSchema,
    name: z.string(),
    hint: z.string().describe('Its first characters'),
    scopes: z.array(apiScopeSchema),
    limits: z.object({ perMinute: limit, perDay: limit, openRequests: limit }),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().optional(),
    lastUsedAt: z.iso.datetime().optional(),
    revokedAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'Token' });
const dayMs = 24 * 3_600_000;
const maxTokens = 100;

/** Who I am, and the tokens of my programs. */
export function registerAccountRoutes(server: GatewayServer, deps: RouteDeps): void {
  const { parts } = deps;
  const { db } = parts;
  const tags = ['account'];
  const config = { scope: 'tokens' as const };

  server.get(
    '/api/v1/me',
    {
      schema: {
        tags,
        summary: 'Who I am to the gateway',
        response: {
          200: z.object({
            personId: uuidSchema,
            displayName: z.string(),
            language: languageSchema,
            kind: z.enum(['token', 'session', 'local']),
            scopes: z.array(apiScopeSchema),
          }),
          ...problems(),
        },
      },
    },
    async (request) => {
      const { personId, displayName, language, kind, scopes } = principalOf(request);
      return { personId, displayName, language, kind, scopes: [...scopes] };
    },
  );

  server.get(
    '/api/v1/tokens',
    {
      config,
      schema: {
        tags,
        summary: 'My tokens',
        response: { 200: z.object({ tokens: z.array(tokenSchema) }), ...problems() },
      },
    },
    async (request) => ({ tokens: (await listApiTokens(db, principalOf(request).personId)).map(toView) }),
  );

  server.post(
    '/api/v1/tokens',
    {
      config,
      schema: {
        tags,
        summary: 'Make a token with no more rights than mine; it is shown once',
        body: z.strictObject({
          name: z.string().trim().min(1).max(100),
          scopes: z
            .array(apiScopeSchema)
            .min(1)
            .max(10)
            .default([...usualScopes]),
          expiresInDays: z.int().min(1).max(3_650).optional(),
          limits: z
            .strictObject({ perMinute: limit.optional(), perDay: limit.optional(), openRequests: limit.optional() })
            .optional(),
        }),
        response: {
          201: tokenSchema.extend({ token: z.string() }).meta({ id: 'NewToken' }),
          ...problems('QUEUE_OPERATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { name, scopes, expiresInDays, limits } = request.body;
      const missing = scopes.find((scope) => !hasScope(principal, scope));
      if (missing !== undefined) {
        throw problem('FORBIDDEN', `You cannot give away the scope "${missing}".`, `您不能授予权限 "${missing}"。`);
      }
      if (
        (await listApiTokens(db, principal.personId)).filter((token) => token.revokedAt === null).length >= maxTokens
      ) {
        throw problem(
          'QUEUE_OPERATION_ERROR',
          `You have ${maxTokens} tokens: revoke one first.`,
          `您已有 ${maxTokens} 个令牌：请先撤销一个。`,
        );
      }
      const made = await createApiToken(db, {
        account: principal.account,
        name,
        scopes: [...new Set(scopes)],
        // A limited token does not make an unlimited one.
        limits: {
          perMinute: tighter(limits?.perMinute, principal.limits.perMinute),
          perDay: tighter(limits?.perDay, principal.limits.perDay),
          openRequests: tighter(limits?.openRequests, principal.limits.openRequests),
        },
        expiresAt: expiresInDays === undefined ? undefined : new Date(parts.now() + expiresInDays * dayMs),
      });
      reply.code(201).header('cache-control', 'no-store');
      return { ...toView(made.token), token: made.secret };
    },
  );

  server.delete(
    '/api/v1/tokens/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke a token: it ends at once',
        params: z.object({ id: uuidSchema }),
        response: { 204: z.null(), ...problems('NOT_FOUND') },
      },
    },
    async (request, reply) => {
      if (!(await revokeApiToken(db, request.params.id, principalOf(request).personId))) {
        throw problem('NOT_FOUND', 'You have no token with this id.', '没有属于你的此令牌。');
      }
      reply.code(204);
      return null;
    },
  );
}

function tighter(asked: number | null | undefined, own: number | null): number | null {
  if (asked === undefined || asked === null) return own;
  return own === null ? asked : Math.min(asked, own);
}

function toView(token: ApiTokenRecord): z.infer<typeof tokenSchema> {
  const { id, name, hint, scopes, perMinute, perDay, openRequests, createdAt, expiresAt, lastUsedAt, revokedAt } =
    token;
  return {
    id,
    name,
    hint,
    scopes,
    limits: { perMinute, perDay, openRequests },
    createdAt: createdAt.toISOString(),
    ...(expiresAt === null ? {} : { expiresAt: expiresAt.toISOString() }),
    ...(lastUsedAt === null ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
    ...(revokedAt === null ? {} : { revokedAt: revokedAt.toISOString() }),
  };
}
