import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServerProcess } from '../../../launcher/src/child/server-process.ts';
import { findNatsServer } from '../../../launcher/src/nats/find-nats-server.ts';
import { startNatsServer } from '../../../launcher/src/nats/start-nats-server.ts';
import { toolsDir } from '../../../../tests/support/embedded-servers.ts';
import { createTestNats, type TestNats } from '../../../../tests/support/servers.ts';
import { openTcpProxy, type TcpProxy } from '../../../../tests/support/tcp-proxy.ts';
import type { RequestEvent } from '../contracts/event.ts';
import { AppError } from '../errors/app-error.ts';
import type { Bus } from './bus.ts';
import { connectBus, type BusOptions } from './connect-bus.ts';

const log = pino({ level: 'silent' });
const noDeath = async (): Promise<void> => {};
const question = { instanceId: 'gpu-0', command: 'pause' } as const;
const tokens = { instanceId: 'gpu-0' };

function requestEvent(): RequestEvent {
  return { requestId: randomUUID(), door: 'web', state: 'accepted', version: 1 };
}

function connectionStates(bus: Bus): { lost: Promise<void>; back: Promise<void> } {
  const lost = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  bus.onConnectionChange((connected) => {
    if (!connected) lost.resolve();
  });
  bus.onReconnect(() => back.resolve());
  return { lost: lost.promise, back: back.promise };
}

async function publish(bus: Bus, id: string = randomUUID()): Promise<string> {
  await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id, waitMs: 10_000 });
  return id;
}

describe('a server that dies', () => {
  let dir: string;
  let binary: string;
  let server: ServerProcess;
  let bus: Bus | undefined;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'atelier-bus-'));
    binary = (await findNatsServer({ toolsDir, searchPath: process.env['PATH'] ?? '', say: () => {} })).path;
  });

  afterEach(async () => {
    await bus?.close();
    bus = undefined;
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const start = (port?: number): Promise<ServerProcess> =>
    startNatsServer({ binary, dataDir: dir, sync: 60, ...(port === undefined ? {} : { port }) });

  async function kill(): Promise<void> {
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }

  it('loses its folder and comes back: streams and consumers exist again and work goes on', async () => {
    server = await start();
    bus = await connectBus({ url: server.url, prefix: 'wiped', service: 'agent', log });
    const submitted: string[] = [];
    const changed: string[] = [];
    const failing = vi.fn<(error: unknown) => void>();
    const consumptions = [
      bus.consume('requestSubmitted', {
        durable: 'agent',
        concurrency: 3,
        handler: async (_data, { id }) => void submitted.push(id),
        onDead: async (_data, error) => failing(error),
      }),
      bus.consume('requestChanged', {
        durable: 'bot',
        handler: async (_data, { id }) => void changed.push(id),
        onDead: async (_data, error) => failing(error),
      }),
    ];
    await Promise.all(consumptions.map((consumption) => consumption.ready));
    const first = await publish(bus);
    await vi.waitFor(() => expect(submitted).toEqual([first]));

    const { lost, back } = connectionStates(bus);
    await kill();
    await lost;
    expect(bus.connected).toBe(false);
    await rm(join(dir, 'jetstream'), { recursive: true });
    server = await start(server.port);
    await back;
    expect(bus.connected).toBe(true);

    const second = await publish(bus);
    const changeId = randomUUID();
    const change = { ...requestEvent(), state: 'working' } as const;
    await bus.publish('requestChanged', { state: 'working' }, change, { id: changeId, correlationId: changeId });
    await vi.waitFor(() => expect(submitted).toEqual([first, second]), { timeout: 10_000 });
    await vi.waitFor(() => expect(changed).toEqual([changeId]), { timeout: 10_000 });
    expect(failing).not.toHaveBeenCalled();
  });

  it('counts its messages from one again: a late acknowledgement does not take a new message with it', async () => {
    server = await start();
    bus = await connectBus({ url: server.url, service: 'agent', log });
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = bus.consume('requestSubmitted', {
      durable: 'agent',
      async handler() {
        held.resolve();
        await release.promise;
      },
      onDead: noDeath,
    });
    await slow.ready;
    await publish(bus);
    await held.promise;

    const { back } = connectionStates(bus);
    await kill();
    await rm(join(dir, 'jetstream'), { recursive: true });
    server = await start(server.port);
    await back;

    const other = await connectBus({ url: server.url, service: 'agent', log });
    try {
      const acknowledgedLate = Promise.withResolvers<void>();
      const attempts: number[] = [];
      other.consume('requestSubmitted', {
        durable: 'agent',
        async handler(_data, { attempt }) {
          attempts.push(attempt);
          if (attempt > 1) return;
          await acknowledgedLate.promise;
          throw new AppError('unavailable', 'not now', { retry: { afterMs: 1 } });
        },
        onDead: noDeath,
      });
      await publish(bus);
      await vi.waitFor(() => expect(attempts).toEqual([1]), { timeout: 10_000 });
      release.resolve();
      await slow.stop();
      await bus.flush();
      acknowledgedLate.resolve();
      await vi.waitFor(() => expect(attempts).toEqual([1, 2]), { timeout: 5_000 });
    } finally {
      await other.close();
    }
  });

  it('keeps what it had stored over a kill, and publishing waits for it', async () => {
    server = await start();
    bus = await connectBus({ url: server.url, service: 'agent', log });
    const before = await publish(bus);
    const { lost } = connectionStates(bus);
    await kill();
    await lost;
    await expect(
      bus.publishOutbox({
        id: randomUUID(),
        key: 'requestSubmitted',
        tokens: {},
        data: requestEvent(),
        correlationId: randomUUID(),
      }),
    ).rejects.toMatchObject({ code: 'unavailable', retry: 'backoff' });
    const publishing = publish(bus);
    server = await start(server.port);
    const after = await publishing;
    const seen: string[] = [];
    bus.consume('requestSubmitted', {
      durable: 'agent',
      handler: async (_data, { id }) => void seen.push(id),
      onDead: noDeath,
    });
    await vi.waitFor(() => expect(seen).toEqual([before, after]));
  });

  it('was not there at first: connecting waits, and an abort ends the wait', async () => {
    server = await start();
    const { url, port } = server;
    await server.stop();
    const waiting = connectBus({ url, service: 'agent', log });
    const aborter = new AbortController();
    const aborted = connectBus({ url, service: 'agent', log, signal: aborter.signal });
    aborter.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'unavailable' });
    server = await start(port);
    bus = await waiting;
    expect(bus.connected).toBe(true);
  });

  it('has lost a consumer while its stream lives: nothing of what came meanwhile is missed', async () => {
    server = await start();
    bus = await connectBus({ url: server.url, service: 'agent', log });
    const seen: string[] = [];
    const consumption = bus.consume('requestChanged', {
      durable: 'bot',
      handler: async (_data, { id }) => void seen.push(id),
      onDead: noDeath,
    });
    await consumption.ready;
    const nc = await connect({ servers: server.url });
    const change = { ...requestEvent(), state: 'working' } as const;
    const id = randomUUID();
    await (await jetstreamManager(nc)).consumers.delete('EVENTS', 'bot');
    await bus.publish('requestChanged', { state: 'working' }, change, { id, correlationId: id });
    await nc.close();
    await vi.waitFor(() => expect(seen).toEqual([id]), { timeout: 10_000 });
  });
});

describe('a connection that breaks', () => {
  let nats: TestNats;
  const open: { bus: Bus; proxy: TcpProxy }[] = [];

  beforeAll(async () => {
    nats = await createTestNats();
  });
  afterEach(async () => {
    for (const { bus, proxy } of open.splice(0)) {
      await bus.close();
      await proxy.close();
    }
  });
  afterAll(() => nats.clear());

  async function startBus(options: Partial<BusOptions> = {}): Promise<{ bus: Bus; proxy: TcpProxy }> {
    const proxy = await openTcpProxy(nats.url);
    const proxied = new URL(nats.url);
    proxied.hostname = '127.0.0.1';
    proxied.port = String(proxy.port);
    const bus = await connectBus({ url: proxied.href, prefix: nats.prefix, service: 'comfy-worker', log, ...options });
    const started = { bus, proxy };
    open.push(started);
    return started;
  }

  it('leaves its message to another instance', async () => {
    const dying = await startBus();
    const heir = await startBus();
    const options = { durable: 'agent', onDead: noDeath, ackWaitMs: 1_000 };
    const taken = Promise.withResolvers<void>();
    const never = Promise.withResolvers<void>();
    const first = dying.bus.consume('requestSubmitted', {
      ...options,
      async handler() {
        taken.resolve();
        await never.promise;
      },
    });
    await first.ready;
    const id = await publish(heir.bus);
    await taken.promise;
    dying.proxy.cut();

    const seen = vi.fn<() => Promise<void>>(async () => {});
    heir.bus.consume('requestSubmitted', { ...options, handler: seen });
    await vi.waitFor(() => expect(seen).toHaveBeenCalledOnce(), { timeout: 8_000 });
    expect(seen).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ id, attempt: 2 }));
    never.resolve();
  });

  it('ends a question on its way at once, long before its time limit', async () => {
    const { bus, proxy } = await startBus();
    const asked = Promise.withResolvers<void>();
    const never = Promise.withResolvers<{ ok: true }>();
    const other = await startBus();
    other.bus.answer('workerCommand', tokens, () => {
      asked.resolve();
      return never.promise;
    });
    await other.bus.flush();
    const outcome = bus.ask('workerCommand', tokens, question, { timeoutMs: 60_000 }).catch((error: unknown) => error);
    await asked.promise;
    proxy.cut();
    expect(await outcome).toMatchObject({ code: 'unavailable' });
    never.resolve({ ok: true });
  });

  it('asks again after the return, if it may', async () => {
    const { bus, proxy } = await startBus();
    const other = await startBus();
    other.bus.answer('workerCommand', tokens, async () => ({ ok: true }));
    await other.bus.flush();
    const { lost } = connectionStates(bus);
    proxy.cut();
    await lost;
    const asking = bus.ask('workerCommand', tokens, question, { timeoutMs: 20_000, repeat: true });
    proxy.open();
    expect(await asking).toEqual({ ok: true });
  });

  it('drops live messages meanwhile and hears them again afterwards', async () => {
    const { bus, proxy } = await startBus();
    const listener = await startBus();
    const heard: string[] = [];
    listener.bus.subscribeLive('liveWorkerStatus', {}, (data) => void heard.push(data.instanceId));
    const own: string[] = [];
    bus.subscribeLive('liveWorkerStatus', {}, (data) => void own.push(data.instanceId));
    await listener.bus.flush();
    const say = (instanceId: string): void =>
      bus.publishLive(
        'liveWorkerStatus',
        { instanceId },
        { instanceId, state: 'idle', foreignPrompts: 0 },
        randomUUID(),
      );
    const { lost, back } = connectionStates(bus);
    proxy.cut();
    await lost;
    say('lost');
    await expect(bus.flush()).rejects.toMatchObject({ code: 'unavailable' });
    proxy.open();
    await back;
    say('heard');
    await vi.waitFor(() => expect(heard).toEqual(['heard']));
    await vi.waitFor(() => expect(own).toEqual(['heard']));
  });

  it('holds no more than its bound of live messages while the server does not read', async () => {
    const { bus, proxy } = await startBus({ maxLivePendingBytes: 1_000_000 });
    const listener = await startBus();
    const heard: string[] = [];
    listener.bus.subscribeLive('livePreview', {}, (_data, context) => void heard.push(context.correlationId));
    await listener.bus.flush();
    const jobId = randomUUID();
    const preview = { jobId, requestId: randomUUID(), mediaType: 'image/jpeg', base64: 'A'.repeat(100_000) } as const;
    proxy.stall();
    for (let count = 0; count < 200; count++) {
      bus.publishLive('livePreview', { jobId }, preview, randomUUID());
      // Lets the client write to its socket, as it would over time.
      await new Promise((resolve) => setImmediate(resolve));
    }
    proxy.open();
    await bus.flush();
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(5));
    await listener.bus.flush();
    expect(heard.length).toBeLessThan(15);
  });

  it('closes while the server is away', async () => {
    const { bus, proxy } = await startBus();
    const consumption = bus.consume('jobChanged', { durable: 'bot', handler: noDeath, onDead: noDeath });
    await consumption.ready;
    const { lost } = connectionStates(bus);
    proxy.cut();
    await lost;
    await bus.close();
    expect(bus.connected).toBe(false);
    expect(() =>
      bus.publishLive('cancelWake', {}, { requestId: randomUUID(), jobIds: [] }, randomUUID()),
    ).not.toThrow();
    await expect(publishOnce(bus)).rejects.toMatchObject({ code: 'unavailable' });
  });

  async function publishOnce(bus: Bus): Promise<void> {
    const id = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id, waitMs: 0 });
  }
});
