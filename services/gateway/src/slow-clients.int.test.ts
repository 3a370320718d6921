import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { startTestGateway, type TestGateway, type TestPerson } from './testing/start-gateway.ts';

const patience = { headersMs: 400, requestMs: 2_500, idleMs: 10_000, checkMs: 50 };
let gateway: TestGateway;
let mei: TestPerson;

beforeAll(async () => {
  gateway = await startTestGateway({}, { patience });
  mei = await gateway.person();
});
afterAll(() => gateway.stop());

interface Sent {
  /** All that came back before the connection ended, or before the answer was complete. */
  answer: string;
  /** Pieces that could be sent until then. */
  pieces: number;
  tookMs: number;
}

/** Sends pieces one after the other with a pause after each, until there are no more, then waits for the end. */
async function sendSlowly(pieces: Iterable<string | Uint8Array>, pauseMs: number): Promise<Sent> {
  const { hostname, port } = new URL(gateway.url);
  const startedAt = performance.now();
  const socket: Socket = connect(Number(port), hostname);
  // What is written to a connection that was cut off fails; the end is what counts.
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => void chunks.push(bytes));
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  let sent = 0;
  const left = pieces[Symbol.iterator]();
  const timer = setInterval(() => {
    const next = left.next();
    if (next.done === true || socket.destroyed) return clearInterval(timer);
    sent += 1;
    socket.write(next.value);
  }, pauseMs);
  await ended;
  clearInterval(timer);
  return { answer: Buffer.concat(chunks).toString(), pieces: sent, tookMs: performance.now() - startedAt };
}

const piecesOf = (bytes: Uint8Array, count: number): Uint8Array[] => {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
};
const headersOf = (path: string, contentType: string, length: number): string =>
  [
    `POST ${path} HTTP/1.1`,
    'host: gateway',
    `authorization: Bearer ${mei.token}`,
    `content-type: ${contentType}`,
    `content-length: ${length}`,
    'connection: close',
    '',
    '',
  ].join('\r\n');

describe('a client that takes its time', () => {
  it('with its headers is cut off, long before they would be complete', async () => {
    const text = `GET /api/v1/me HTTP/1.1\r\nx-slow: ${'a'.repeat(10_000)}\r\n\r\n`;
    const { answer, pieces, tookMs } = await sendSlowly(text, 20);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(pieces).toBeLessThan(text.length);
    expect(tookMs).toBeGreaterThanOrEqual(patience.headersMs - 50);
  });

  it('with its body is cut off, and nothing is accepted', async () => {
    const body = JSON.stringify({ request: { kind: 'imagine', options: { prompt: 'a'.repeat(3_000) } } });
    const pieces = [headersOf('/api/v1/jobs', 'application/json', body.length), ...Array.from(body)];
    const sent = await sendSlowly(pieces, 20);
    expect(sent.answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(sent.pieces).toBeLessThan(pieces.length);
    expect(sent.tookMs).toBeGreaterThanOrEqual(patience.requestMs - 50);
    expect(await (await mei.get('/api/v1/jobs')).json()).toEqual({ jobs: [] });
  });

  it('with an upload, slower than headers may be, is waited for', async () => {
    const png = await sharp({ create: { width: 60, height: 40, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const body = Buffer.concat([
      Buffer.from(
        '--x\r\ncontent-disposition: form-data; name="file"; filename="slow.png"\r\ncontent-type: image/png\r\n\r\n',
      ),
      png,
      Buffer.from('\r\n--x--\r\n'),
    ]);
    const type = 'multipart/form-data; boundary=x';
    const sent = await sendSlowly(
      [headersOf('/api/v1/images/upload', type, body.length), ...piecesOf(body, 10)],
      (2 * patience.headersMs) / 10,
    );
    expect(sent.answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(sent.tookMs).toBeGreaterThan(patience.headersMs);
  });
});
