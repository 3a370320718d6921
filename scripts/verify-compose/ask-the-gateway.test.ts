import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { drawOverHttp, drawThroughDoor, type GatewayAddresses } from './ask-the-gateway.ts';

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))));

/** Answers each address with the next of its answers; the last one stays. */
async function serve(answers: Record<string, unknown[]>): Promise<GatewayAddresses> {
  server = createServer((request, response) => {
    const list = answers[(request.url ?? '').split('?')[0] ?? ''];
    const answer = list !== undefined && list.length > 1 ? list.shift() : list?.[0];
    response.writeHead(answer === undefined || request.headers.authorization !== 'Bearer t' ? 404 : 200);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? null));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { gatewayUrl: url, doorUrl: url, token: 't' };
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a picture over HTTP', () => {
  const accepted = { '/api/v1/jobs': [{ prompt_id: 'a' }], '/file': ['bytes'] };
  const ended = (status: string, files: number) => ({
    status,
    finishedAt: 'now',
    outputs: Array.from({ length: files }, () => ({ url: '/file' })),
  });

  it('is waited for and fetched', async () => {
    const jobs = [{ status: 'queued', outputs: [] }, ended('succeeded', 1)];
    expect(text(await drawOverHttp(await serve({ ...accepted, '/api/v1/jobs/a': jobs }), 5_000))).toBe('bytes');
  });

  it.each([
    ['failed', 0],
    ['succeeded', 2],
  ])('that ends as %s with %d files is a failure', async (status, files) => {
    const addresses = await serve({ ...accepted, '/api/v1/jobs/a': [ended(status, files)] });
    await expect(drawOverHttp(addresses, 5_000)).rejects.toThrow(status);
  });
});

describe('a prompt through the door', () => {
  const entry = (images: object[]) => ({ b: { outputs: { 2: { images } } } });

  it('is waited for and viewed', async () => {
    const history = [{}, entry([{ filename: 'x.png', type: 'output' }])];
    const answers = { '/prompt': [{ prompt_id: 'b' }], '/history/b': history, '/view': ['bytes'] };
    expect(text(await drawThroughDoor(await serve(answers), 5_000))).toBe('bytes');
  });

  it('without a file, or without an end, is a failure', async () => {
    const without = await serve({ '/prompt': [{ prompt_id: 'b' }], '/history/b': [entry([])] });
    await expect(drawThroughDoor(without, 5_000)).rejects.toThrow('exactly one file');
    await expect(drawThroughDoor({ ...without, token: 'other' }, 5_000)).rejects.toThrow('404');
  });
});
