import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemCodes } from '../../core/problems/problem-codes.ts';
import type { GatewayServer } from './gateway-server.ts';

const description = `Programs share the team's GPUs with the chats: what is asked for here waits in the same fair queue.

- **Sign in** with \`Authorization: Bearer <token>\` (make one with \`npm run token -- create\`), or by a sign-in link from the chat.
- **Accepted is committed**: a 202 survives every crash. With an \`Idempotency-Key\` you may repeat a request whose answer was lost.
- **Errors** are \`application/problem+json\` (RFC 9457); \`code\` is one of the table below.
- **Lists** come in pages: pass \`nextCursor\` as \`cursor\`.
- **Live**: a WebSocket at \`/api/v1/ws/{client_id}\` tells what happens to jobs that name this \`client_id\`.

| code | status | meaning |
| --- | --- | --- |
${Object.entries(problemCodes)
  .map(([code, { status, title, help }]) => `| \`${code}\` | ${status} | ${title}. ${help} |`)
  .join('\n')}`;

const upload = z.object({
  file: z.string().describe('The picture: PNG, JPEG, WebP, GIF or AVIF'),
  overwrite: z.enum(['true', 'false']).optional(),
  subfolder: z.string().optional(),
  type: z.enum(['input', 'temp']).optional(),
});

/** The OpenAPI 3.1 document, from the same schemas that check what comes in and goes out. */
export async function registerOpenapi(server: GatewayServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Atelier', version: '1', description },
      servers: [{ url: '/', description: 'This gateway' }],
      security: [{ token: [] }, { key: [] }, { session: [] }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
          session: { type: 'apiKey', in: 'cookie', name: 'atelier_session' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject(input) {
      const document = jsonSchemaTransformObject(input);
      const post = 'paths' in document ? document.paths?.['/api/v1/images/upload']?.post : undefined;
      if (post !== undefined && 'responses' in post) {
        const schema = z.toJSONSchema(upload);
        Object.assign(post, { requestBody: { required: true, content: { 'multipart/form-data': { schema } } } });
      }
      return document;
    },
  });
}
