import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { FastifyReply } from 'fastify';
import { AppError } from '@atelier/shared/errors/app-error';
import { principalOf, type GatewayServer } from '../adapters/http/gateway-server.ts';
import type { RouteDeps } from '../adapters/http/routes/route-deps.ts';
import { signLink } from '../core/signed-link.ts';
import { createMcpServer } from './create-mcp-server.ts';
import { createToolDesk } from './tool-desk.ts';
import type { ToolFiles } from './tool-result.ts';

const maxBodyBytes = 4 * 1_024 * 1_024;
const linkMs = 24 * 3_600_000;
/** What the protocol reads of a call's headers. */
const passedOn = ['accept', 'content-type', 'mcp-protocol-version', 'mcp-session-id'] as const;

/**
 * `/mcp`: the agent's tools for programs that speak the Model Context Protocol (Streamable HTTP, without sessions: each POST
 * is answered with JSON, and there is no stream of messages to listen to).
 */
export async function registerMcpRoutes(server: GatewayServer, deps: RouteDeps): Promise<void> {
  const { parts, linkKey, publicUrl } = deps;
  const files: ToolFiles = {
    async read(hash, maxBytes) {
      try {
        const info = await parts.files.head(hash);
        if (info === undefined || info.bytes > maxBytes) return undefined;
        const chunks: Uint8Array[] = [];
        for await (const chunk of await parts.files.get(hash)) chunks.push(chunk as Uint8Array);
        return Buffer.concat(chunks);
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
    linkTo(hash, name) {
      const query = signLink(linkKey, { hash, expiresAtMs: parts.now() + linkMs, name });
      return `${publicUrl()}/files/${hash}?${query.toString()}`;
    },
  };
  const desk = createToolDesk(parts, { files, rules: deps.rules });

  await server.register(async (scope) => {
    // The protocol's own reader takes the text: numbers stay as its messages mean them.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    scope.post('/mcp', { bodyLimit: maxBodyBytes, schema: { hide: true } }, async (request, reply) => {
      const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
      const protocol = createMcpServer(desk, principalOf(request));
      await protocol.connect(transport);
      try {
        const headers = new Headers();
        for (const name of passedOn) {
          const value = request.headers[name];
          if (typeof value === 'string') headers.set(name, value);
        }
        const body = typeof request.body === 'string' ? request.body : '';
        const answer = await transport.handleRequest(
          new Request('http://gateway/mcp', { method: 'POST', headers, body }),
        );
        return await passBack(answer, reply);
      } finally {
        await protocol.close();
      }
    });
    scope.route({
      method: ['GET', 'DELETE'],
      url: '/mcp',
      schema: { hide: true },
      handler: async (_request, reply) =>
        reply
          .code(405)
          .header('allow', 'POST')
          .send({ jsonrpc: '2.0', error: { code: -32_000, message: 'Method not allowed: use POST.' }, id: null }),
    });
  });
}

async function passBack(answer: Response, reply: FastifyReply): Promise<FastifyReply> {
  reply.code(answer.status).header('cache-control', 'no-store');
  const type = answer.headers.get('content-type');
  if (type !== null) reply.type(type);
  return reply.serializer(String).send(await answer.text());
}
