import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiScopeSchema } from '@atelier/shared/db/gateway/api-tokens';
import { problemSchema } from './core/problems/to-problem.ts';
import {
  callArbitrary,
  documentSchema,
  type GeneratedCall,
  type OpenapiDocument,
} from './testing/request-arbitrary.ts';
import { startTestGateway, type TestGateway, type TestPerson } from './testing/start-gateway.ts';

let gateway: TestGateway;
let mei: TestPerson;
let document: OpenapiDocument;
const runs = process.env['ATELIER_TEST_FULL'] === '1' ? 400 : 10;

beforeAll(async () => {
  gateway = await startTestGateway({ ATELIER_GATEWAY_PER_MINUTE: '1000000' });
  // As the agent does.
  gateway.bus.answer('recipeList', {}, async () => ({ recipes: [], models: [] }));
  mei = await gateway.person({ scopes: apiScopeSchema.options });
  document = documentSchema.parse(await (await fetch(`${gateway.url}/openapi.json`)).json());
});
afterAll(() => gateway.stop());

/** A refusal says what the document says it may, and nothing of how the gateway is made. */
function expectDocumented(refused: { answer: Response; text: string; documented: string[] }): void {
  const { answer, text, documented } = refused;
  expect(text).not.toMatch(/postgres|node_modules|select .* from|at \w+ \(/i);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(problemSchema.parse(JSON.parse(text)).status).toBe(answer.status);
  // An address that was changed by what was put into it is another one, or none.
  expect([...documented, '404', '405']).toContain(String(answer.status));
}

const countRequests = async (): Promise<number> => {
  const [row] = await gateway.db.sql`select count(*)::int as requests from requests`;
  return Number(row?.['requests']);
};

describe('every address of the document', () => {
  it('answers anything with what it documents: no crash, no leak, nothing queued by what is refused', async () => {
    let accepted = 0;
    const before = await countRequests();
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        await fc.assert(
          fc.asyncProperty(callArbitrary(document, path, operation), async (call: GeneratedCall) => {
            const answer = await fetch(new URL(call.path, gateway.url), {
              method: method.toUpperCase(),
              headers: { authorization: `Bearer ${mei.token}`, ...call.headers },
              redirect: 'manual',
              ...(call.body === undefined ? {} : { body: call.body }),
            });
            const text = await answer.text();
            const status = String(answer.status);
            // No worker has told what its ComfyUI has: a part is away, and said to be.
            if (answer.status >= 500 && !text.includes('"code":"CONNECTION_ERROR"'))
              throw new Error(`${status}: ${text}`);
            if (answer.status >= 400) expectDocumented({ answer, text, documented: Object.keys(operation.responses) });
            if (answer.status === 202 && answer.headers.has('location')) accepted += 1;
          }),
          { numRuns: runs, seed: 20_261_121 },
        );
      }
    }
    // Repeats by Idempotency-Key are accepted and are no new request.
    expect((await countRequests()) - before).toBeLessThanOrEqual(accepted);
  }, 240_000);

  it('lists every code that it answers with', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (/^\/(healthz|readyz)$/.test(path)) continue;
        expect(Object.keys(operation.responses), `${method} ${path}`).toEqual(expect.arrayContaining(['401', '429']));
      }
    }
  });
});

describe('requests that are no requests', () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname);
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
      socket.end(text);
    });

  it.each([
    ['GET /api/v1/jobs HTTP/1.1\r\n\r\n', '400'],
    ['NONSENSE\r\n\r\n', '400'],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, '431'],
    [
      'POST /api/v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', '404'],
    ['GET //etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', '404'],
  ])('%j is answered with %s', async (text, status) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  });

  it('a body beyond the limit ends early', async () => {
    const body = JSON.stringify({ clear: true, more: 'x'.repeat(600_000) });
    const answer = await mei.send('POST', '/api/v1/queue/clear', JSON.parse(body));
    expect([answer.status, problemSchema.parse(await answer.json()).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});
