import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ComfyEvent } from './comfy-event.ts';
import { createComfySocket } from './comfy-socket.ts';
import type { ComfySocket, ComfySocketOptions, SocketState } from './comfy-socket.ts';
import { startFakeComfy } from './testing/fake-comfy.ts';
import type { FakeComfy } from './testing/fake-comfy.ts';

let fake: FakeComfy;
let socket: ComfySocket | undefined;

beforeEach(async () => {
  fake = await startFakeComfy();
});

afterEach(async () => {
  await socket?.close();
  socket = undefined;
  await fake.stop();
});

function open(options: Partial<ComfySocketOptions> = {}): ComfySocket {
  socket = createComfySocket({
    baseUrl: fake.baseUrl,
    clientId: 'worker 1',
    minBackoffMs: 5,
    maxBackoffMs: 20,
    random: () => 0.5,
    ...options,
  });
  socket.start();
  return socket;
}

function untilEvent(from: ComfySocket, type: ComfyEvent['type']): Promise<ComfyEvent> {
  return new Promise((resolve) => {
    const stop = from.subscribe({
      onEvent: (event) => {
        if (event.type !== type) return;
        stop();
        resolve(event);
      },
    });
  });
}

describe('createComfySocket', () => {
  it('does nothing before start, then sends the feature flags first', async () => {
    const quiet = createComfySocket({ baseUrl: fake.baseUrl, clientId: 'x' });
    expect(quiet.state).toBe('idle');
    await quiet.close();
    expect(quiet.state).toBe('closed');
    await open().whenOpen();
    await fake.untilSockets(1);
    expect(fake.sockets.map(({ clientId }) => clientId)).toEqual(['worker 1']);
    expect(await fake.sockets[0]?.firstMessage).toEqual({
      type: 'feature_flags',
      data: { supports_preview_metadata: true },
    });
  });

  it('hands on text and binary messages in order', async () => {
    const types: string[] = [];
    const at = open({ onEvent: (event) => types.push(event.type) });
    await at.whenOpen();
    await fake.untilSockets(1);
    const last = untilEvent(at, 'unknown');
    fake.send('execution_start', { prompt_id: 'p' });
    fake.sendBinary(Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xd8]));
    fake.send('crystools.monitor', {});
    await last;
    expect(types.filter((type) => type !== 'status')).toEqual(['execution_start', 'preview', 'unknown']);
  });

  it('comes back after the server closed it or restarted, one connection at a time', async () => {
    const states: SocketState[] = [];
    const at = open({ onState: (state) => states.push(state) });
    await at.whenOpen();
    await fake.untilSockets(1);
    fake.sockets[0]?.ws.terminate();
    await fake.untilSockets(2);
    await fake.restart();
    await fake.untilSockets(3);
    await at.whenOpen();
    expect(states.filter((state) => state === 'open')).toHaveLength(3);
    // Each connection after the first is begun from `waiting`, which only the end of the one before leads to.
    const before = states.filter((_, index) => states[index + 1] === 'connecting');
    expect(before).toEqual(['waiting', ...before.slice(1).map(() => 'waiting')]);
  });

  it('waits longer and longer while the server is away, and says why', async () => {
    const { baseUrl } = fake;
    await fake.stop();
    const delays: number[] = [];
    let tries = 0;
    await new Promise<void>((resolve) => {
      open({
        baseUrl,
        minBackoffMs: 100,
        maxBackoffMs: 1_000,
        clock: {
          now: () => 0,
          schedule: (callback, delayMs) => {
            delays.push(delayMs);
            const timer = setImmediate(callback);
            return () => clearImmediate(timer);
          },
        },
        onState: (state) => {
          if (state === 'waiting' && ++tries === 6) resolve();
        },
      });
    });
    expect(delays.slice(0, 5)).toEqual([75, 150, 300, 600, 750]);
    expect(socket?.lastError).toMatchObject({ code: 'unreachable' });
    expect(socket?.lastError?.message).toContain('ECONNREFUSED');
    await socket?.close();
    fake = await startFakeComfy();
  });

  it('recycles politely: the old connection is gone before the new one begins', async () => {
    const at = open();
    await at.whenOpen();
    await fake.untilSockets(1);
    let oldGone = false;
    fake.sockets[0]?.ws.on('close', () => {
      oldGone = true;
    });
    at.recycle();
    expect(at.state).toBe('closing');
    await fake.untilSockets(2);
    expect(oldGone).toBe(true);
    await at.whenOpen();
  });

  it('hangs up on a half-open connection, which answers neither pings nor a close', async () => {
    const at = open({ pingMs: 15, handshakeTimeoutMs: 30 });
    await at.whenOpen();
    await fake.untilSockets(1);
    // From here on the server reads nothing, as when its machine is gone.
    fake.sockets[0]?.ws.pause();
    await fake.untilSockets(2);
    await at.whenOpen();
    fake.sockets[1]?.ws.pause();
    await at.close();
    expect(at.state).toBe('closed');
  });

  it('tells those who wait that it was closed', async () => {
    const { baseUrl } = fake;
    await fake.stop();
    const at = open({ baseUrl });
    const waiting = at.whenOpen();
    const controller = new AbortController();
    const aborted = at.whenOpen(controller.signal);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    await at.close();
    await expect(waiting).rejects.toMatchObject({ code: 'unreachable' });
    fake = await startFakeComfy();
  });
});
