import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiScope } from '@atelier/shared/db/gateway/api-tokens';
import type { AppError } from '@atelier/shared/errors/app-error';
import type { Principal } from '../../core/principal.ts';
import { problemCodes, type ProblemCode } from '../../core/problems/problem-codes.ts';
import { problemSchema } from '../../core/problems/to-problem.ts';
import { unauthenticated } from '../../identity/create-identity.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Reachable without a token. */
    isPublic?: boolean;
    /** What the caller's token must have; `read` unless said. */
    scope?: ApiScope;
  }
  interface FastifyRequest {
    /** Who calls; absent where they showed nothing. */
    principal: Principal | undefined;
    /** Why what they showed is not valid. */
    identityError: AppError | undefined;
  }
}

export type GatewayServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Who calls. @throws AppError `UNAUTHENTICATED` */
export function principalOf(request: Pick<FastifyRequest, 'principal'>): Principal {
  if (request.principal === undefined) throw unauthenticated();
  return request.principal;
}

/** Codes that every address that needs a token can answer with. */
const everywhere: readonly ProblemCode[] = [
  'VALIDATION_ERROR',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'INTERNAL_ERROR',
  'CONNECTION_ERROR',
];

/** Answers of an address besides its good ones, for the documentation: grouped by status. */
export function problems(...codes: ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...everywhere, ...codes])) {
    const { status } = problemCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${problemCodes[code].title}`).join('; '),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}

/** `Idempotency-Key`; other headers stay as they are. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Sending the same request again with the same key is the same request'),
});

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(30),
  cursor: z.string().max(200).optional().describe('`nextCursor` of the page before'),
};
