import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ToolAnswer, ToolCall } from '@atelier/shared/contracts/control';
import { setAccessRule } from '@atelier/shared/db/chat/chat-settings';
import { startTestGateway, type TestGateway, type TestPerson } from '../testing/start-gateway.ts';
import { maxImageBytes } from './tool-result.ts';

let gateway: TestGateway;
let mei: TestPerson;
const calls: ToolCall[] = [];
let answer: (call: ToolCall) => ToolAnswer = () => ({ isError: false, text: 'done', images: [] });
const clients: Client[] = [];

beforeAll(async () => {
  gateway = await startTestGateway();
  mei = await gateway.person();
  const schema = { type: 'object', properties: { text: { type: 'string' } } };
  gateway.bus.answer('toolList', {}, () =>
    Promise.resolve({
      tools: [
        { name: 'look', description: 'Shows pictures.', inputSchema: schema, readOnly: true },
        { name: 'cancel', description: 'Stops jobs.', inputSchema: schema, readOnly: false },
        { name: 'run', description: 'Makes pictures.', inputSchema: schema, readOnly: false },
      ],
    }),
  );
  gateway.bus.answer('toolCall', {}, (call) => {
    calls.push(call);
    return Promise.resolve(answer(call));
  });
});
afterEach(async () => {
  calls.length = 0;
  answer = () => ({ isError: false, text: 'done', images: [] });
  for (const client of clients.splice(0)) await client.close();
});
afterAll(() => gateway.stop());

async function connect({ token }: Pick<TestPerson, 'token'>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const headers = { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', gateway.url), { requestInit: { headers } });
  await client.connect(transport);
  clients.push(client);
  return client;
}

const call = async (client: Client, name: string, more: Record<string, unknown> = {}): Promise<CallToolResult> =>
  (await client.callTool({ name, arguments: { text: 'a fox' }, ...more })) as CallToolResult;

describe('/mcp', () => {
  it('lists the tools of the agent and calls them for the person of the token', async () => {
    const client = await connect(mei);
    expect(client.getServerVersion()?.name).toBe('atelier');
    const { tools } = await client.listTools();
    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['look', true],
      ['cancel', false],
      ['run', false],
    ]);
    expect(await call(client, 'run')).toEqual({ content: [{ type: 'text', text: 'done' }] });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      tool: 'run',
      arguments: { text: 'a fox' },
      personId: mei.personId,
      place: { door: 'api', id: mei.account, userId: mei.tokenId },
    });
  });

  it('is one call where its key is the same, and two where there is none', async () => {
    const client = await connect(mei);
    for (let index = 0; index < 2; index++) await call(client, 'run', { _meta: { idempotencyKey: 'fox' } });
    for (let index = 0; index < 2; index++) await call(client, 'run');
    const ids = calls.map(({ callId }) => callId);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
    const other = await gateway.person();
    await call(await connect(other), 'run', { _meta: { idempotencyKey: 'fox' } });
    expect(calls.at(-1)?.callId).not.toBe(ids[0]);
  });

  it('embeds small pictures and links to large ones', async () => {
    const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
    const stored = await gateway.files.put(small, { mediaType: 'image/png', maxBytes: 10_000 });
    const large = Buffer.concat([small, Buffer.alloc(maxImageBytes)]);
    const other = await gateway.files.put(large, { mediaType: 'image/png', maxBytes: 10_000_000 });
    const hashes = [stored.hash, other.hash, '0'.repeat(64)];
    answer = () => ({
      isError: false,
      text: 'two of them',
      images: hashes.map((hash) => ({ hash, mediaType: 'image/png' })),
    });
    const { content } = await call(await connect(mei), 'look');
    expect(content.map(({ type }) => type)).toEqual(['text', 'image', 'resource_link', 'resource_link']);
    expect(content[1]).toMatchObject({ mimeType: 'image/png', data: small.toString('base64') });
    expect(content[2]).toMatchObject({ uri: expect.stringMatching(new RegExp(`^http://.*/files/${other.hash}\\?`)) });
  });

  it('passes a refusal of a tool on as a result that says so', async () => {
    answer = () => ({ isError: true, text: 'Give exactly one of make and draft.', images: [] });
    expect(await call(await connect(mei), 'run')).toMatchObject({
      isError: true,
      content: [{ text: 'Give exactly one of make and draft.' }],
    });
    expect(await call(await connect(mei), 'no such tool')).toMatchObject({ isError: true });
    expect(calls).toHaveLength(1);
  });

  it('keeps to scopes and quotas', async () => {
    const reader = await connect(await gateway.person({ scopes: ['read'] }));
    expect((await reader.listTools()).tools.map(({ name }) => name)).toEqual(['look']);
    expect(await call(reader, 'run')).toMatchObject({ isError: true });
    expect(calls).toHaveLength(0);
    const once = await connect(await gateway.person({ limits: { perDay: 1 } }));
    expect((await call(once, 'run')).isError).toBeUndefined();
    expect(await call(once, 'run')).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('1 times a day') }],
    });
    expect((await call(once, 'look')).isError).toBeUndefined();
  });

  it('makes nothing for whom a chat denies, and still shows and stops what is theirs', async () => {
    const eve = await gateway.person();
    const deny = { door: 'api', scope: 'person', subject: eve.account, command: '*', effect: 'deny' } as const;
    await setAccessRule(gateway.db, { actor: 'test', rule: deny });
    const client = await connect(eve);
    const run = () => call(client, 'run');
    await expect.poll(async () => (await run()).isError, { timeout: 10_000, interval: 200 }).toBe(true);
    expect(await run()).toMatchObject({ content: [{ text: expect.stringContaining('A rule forbids you this') }] });
    for (const tool of ['look', 'cancel']) expect((await call(client, tool)).isError).toBeUndefined();
  });

  it('needs a token', async () => {
    await expect(connect({ token: 'atl_wrong' })).rejects.toThrow(/401/);
    const bare = await fetch(new URL('/mcp', gateway.url), { method: 'POST', body: '{}' });
    expect(bare.status).toBe(401);
  });

  it.each(['GET', 'DELETE', 'HEAD'])('takes no %s: there are no sessions and no stream', async (method) => {
    const { status, headers } = await mei.send(method, '/mcp');
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  });

  it.each([
    ['no JSON', '{', {}, 400],
    ['no message', '{"a":1}', {}, 400],
    ['another type', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a client that reads no JSON', '{}', { accept: 'text/html' }, 406],
    ['far too much', `"${'x'.repeat(5_000_000)}"`, {}, 413],
  ])('refuses %s', async (_name, body, headers, status) => {
    const answered = await fetch(new URL('/mcp', gateway.url), {
      method: 'POST',
      body,
      headers: {
        authorization: `Bearer ${mei.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
    });
    expect(answered.status).toBe(status);
  });
});
