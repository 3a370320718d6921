import { randomUUID } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useTestNats } from '../../../../tests/support/servers.ts';
import type { ControlAnswer } from '../contracts/control.ts';
import type { RequestEvent } from '../contracts/event.ts';
import { AppError } from '../errors/app-error.ts';
import type { Bus, DeliveredContext } from './bus.ts';
import { connectBus, type BusOptions } from './connect-bus.ts';

const nats = useTestNats();
const log = pino({ level: 'silent' });
const open: Bus[] = [];

/** A bus with a prefix of its own, so that tests share a server and nothing else. */
async function startBus(options: Partial<BusOptions> = {}): Promise<Bus> {
  const bus = await connectBus({ url: nats().url, prefix: uniquePrefix(), service: 'agent', log, ...options });
  open.push(bus);
  return bus;
}

const uniquePrefix = (): string => `${nats().prefix}${randomUUID().slice(0, 8)}`;

afterEach(async () => {
  await Promise.all(open.splice(0).map((bus) => bus.close()));
});

function requestEvent(overrides: Partial<RequestEvent> = {}): RequestEvent {
  return { requestId: randomUUID(), door: 'web', state: 'accepted', version: 1, ...overrides };
}

const noDeath = vi.fn<() => Promise<void>>(async () => {});

describe('stream subjects', () => {
  it('carries a message from publish to the handler, with its ids and tokens', async () => {
    const bus = await startBus();
    const event = requestEvent({ state: 'working' });
    const ids = { id: randomUUID(), correlationId: randomUUID() };
    const handler = vi.fn<() => Promise<void>>(async () => {});
    const consumption = bus.consume('requestChanged', { durable: 'bot', handler, onDead: noDeath });
    await consumption.ready;

    expect(await bus.publish('requestChanged', { state: 'working' }, event, ids)).toEqual({ duplicate: false });

    await vi.waitFor(() => expect(handler).toHaveBeenCalledOnce());
    expect(handler).toHaveBeenCalledWith(
      event,
      expect.objectContaining({ ...ids, attempt: 1, tokens: { state: 'working' } }),
    );
  });

  it('drops the repeat of an outbox id', async () => {
    const bus = await startBus();
    const seen: string[] = [];
    const row = { id: randomUUID(), key: 'requestSubmitted' as const, tokens: {}, correlationId: randomUUID() };
    await bus.publishOutbox({ ...row, data: requestEvent() });
    const repeat = await bus.publish('requestSubmitted', {}, requestEvent(), row);
    const last = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id: last, correlationId: last });

    bus.consume('requestSubmitted', {
      durable: 'agent',
      handler: async (_data, { id }) => void seen.push(id),
      onDead: noDeath,
    });

    await vi.waitFor(() => expect(seen).toContain(last));
    expect(seen).toEqual([row.id, last]);
    expect(repeat).toEqual({ duplicate: true });
  });

  it('refuses to publish what does not fit the schema, without repeating values', async () => {
    const bus = await startBus();
    const row = { id: randomUUID(), key: 'requestSubmitted' as const, tokens: {}, correlationId: randomUUID() };
    const publishing = bus.publishOutbox({ ...row, data: { requestId: 'private words', version: 0 } });
    await expect(publishing).rejects.toMatchObject({ code: 'internal' });
    await expect(publishing).rejects.toThrow(/data\.requestId/);
    await expect(publishing).rejects.not.toThrow(/private words/);
  });

  it('delivers again after a handler failed, and stops at success', async () => {
    const bus = await startBus();
    const attempts: number[] = [];
    bus.consume('requestSubmitted', {
      durable: 'agent',
      async handler(_data, { attempt }) {
        attempts.push(attempt);
        if (attempt < 3) throw new AppError('unavailable', 'not now', { retry: { afterMs: 1 } });
      },
      onDead: noDeath,
    });
    const id = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id });
    await vi.waitFor(() => expect(attempts).toEqual([1, 2, 3]));
    await vi.waitFor(async () => expect(await pendingMessages(bus, 'REQUESTS')).toBe(0));
  });

  it('keeps a message that takes longer than ackWaitMs with its handler', async () => {
    const bus = await startBus();
    const attempts: number[] = [];
    const id = randomUUID();
    bus.consume('requestSubmitted', {
      durable: 'agent',
      ackWaitMs: 300,
      concurrency: 2,
      async handler(_data, { attempt }) {
        attempts.push(attempt);
        // Longer than three times the wait, in which the other slot would have been given it.
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      },
      onDead: noDeath,
    });
    await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id });
    await vi.waitFor(async () => expect(await pendingMessages(bus, 'REQUESTS')).toBe(0), { timeout: 5_000 });
    expect(attempts).toEqual([1]);
  });

  it('hands the last failure to onDead and removes the message', async () => {
    const bus = await startBus();
    const event = requestEvent();
    const failure = new Error('a bug');
    const onDead = vi.fn<() => Promise<void>>(async () => {});
    const handler = vi.fn<() => Promise<void>>(async () => {
      throw failure;
    });
    bus.consume('requestSubmitted', { durable: 'agent', maxDeliver: 2, handler, onDead });
    const id = randomUUID();
    await bus.publish('requestSubmitted', {}, event, { id, correlationId: id });
    await vi.waitFor(() => expect(onDead).toHaveBeenCalledOnce());
    expect(onDead).toHaveBeenCalledWith(event, failure, expect.objectContaining({ id, attempt: 2 }));
    expect(handler).toHaveBeenCalledTimes(2);
    await vi.waitFor(async () => expect(await pendingMessages(bus, 'REQUESTS')).toBe(0));
  });

  it('gives up at once after an error that must not be retried', async () => {
    const bus = await startBus();
    const onDead = vi.fn<() => Promise<void>>(async () => {});
    bus.consume('requestSubmitted', {
      durable: 'agent',
      async handler() {
        throw new AppError('invalid_input', 'no such request');
      },
      onDead,
    });
    const id = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id });
    await vi.waitFor(() => expect(onDead).toHaveBeenCalledOnce());
    expect(onDead).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ code: 'invalid_input' }),
      expect.objectContaining({ attempt: 1 }),
    );
  });

  it('reports a message that does not parse, and goes on with the next', async () => {
    const bus = await startBus();
    const onDead = vi.fn<() => Promise<void>>(async () => {});
    const handler = vi.fn<() => Promise<void>>(async () => {});
    const consumption = bus.consume('requestSubmitted', { durable: 'agent', handler, onDead });
    await consumption.ready;
    const nc = await connect({ servers: nats().url });
    nc.publish(`${prefixOf(bus)}.requests.v1.submitted`, 'not JSON');
    await nc.drain();
    const id = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id });
    await vi.waitFor(() => expect(handler).toHaveBeenCalledOnce());
    expect(onDead).toHaveBeenCalledWith(undefined, expect.objectContaining({ code: 'internal' }), {
      tokens: {},
      attempt: 1,
    });
    await vi.waitFor(async () => expect(await pendingMessages(bus, 'REQUESTS')).toBe(0));
  });

  it('waits for handlers at stop and takes nothing more', async () => {
    const bus = await startBus();
    const started = Promise.withResolvers<AbortSignal>();
    const release = Promise.withResolvers<void>();
    const handler = vi.fn<(data: RequestEvent, context: DeliveredContext) => Promise<void>>(
      async (_data, { signal }) => {
        started.resolve(signal);
        await release.promise;
      },
    );
    const consumption = bus.consume('requestSubmitted', { durable: 'agent', handler, onDead: noDeath });
    const first = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id: first, correlationId: first });
    const signal = await started.promise;
    let stopped = false;
    const stopping = consumption.stop().then(() => (stopped = true));
    expect(signal.aborted).toBe(true);
    const second = randomUUID();
    await bus.publish('requestSubmitted', {}, requestEvent(), { id: second, correlationId: second });
    expect(stopped).toBe(false);
    release.resolve();
    await stopping;
    expect(handler).toHaveBeenCalledOnce();
    await vi.waitFor(async () => expect(await pendingMessages(bus, 'REQUESTS')).toBe(1));
  });

  it('rings doorbells for every instance, as the tokens say', async () => {
    const prefix = uniquePrefix();
    const [publisher, first, second] = await Promise.all([
      startBus({ prefix }),
      startBus({ prefix }),
      startBus({ prefix }),
    ]);
    const heard: string[] = [];
    first.subscribeDoorbell('requestChanged', {}, (data) => void heard.push(`first ${data.state}`));
    second.subscribeDoorbell('requestChanged', { state: 'failed' }, (data) => void heard.push(`second ${data.state}`));
    await Promise.all([first.flush(), second.flush()]);
    for (const state of ['working', 'failed'] as const) {
      const id = randomUUID();
      await publisher.publish('requestChanged', { state }, requestEvent({ state }), { id, correlationId: id });
    }
    await vi.waitFor(() => expect(heard.toSorted()).toEqual(['first failed', 'first working', 'second failed']));
  });

  it('keeps installations with different prefixes apart', async () => {
    const [ours, theirs] = await Promise.all([startBus(), startBus()]);
    const theirHandler = vi.fn<() => Promise<void>>(async () => {});
    const theirBell = vi.fn<() => void>(() => {});
    theirs.consume('requestSubmitted', { durable: 'agent', handler: theirHandler, onDead: noDeath });
    theirs.subscribeDoorbell('requestSubmitted', {}, theirBell);
    await theirs.flush();
    const ourHandler = vi.fn<() => Promise<void>>(async () => {});
    ours.consume('requestSubmitted', { durable: 'agent', handler: ourHandler, onDead: noDeath });
    const id = randomUUID();
    await ours.publish('requestSubmitted', {}, requestEvent(), { id, correlationId: id });
    await vi.waitFor(() => expect(ourHandler).toHaveBeenCalledOnce());
    await theirs.flush();
    expect(theirHandler).not.toHaveBeenCalled();
    expect(theirBell).not.toHaveBeenCalled();
  });

  it('declares streams as often as one likes, and mends what differs', async () => {
    const bus = await startBus();
    await withManager(async (jsm) => {
      await jsm.streams.update(bus.streamName('EVENTS'), { max_msgs: 7 });
      await Promise.all([bus.declareStreams(), startBus({ prefix: prefixOf(bus) })]);
      expect((await jsm.streams.info(bus.streamName('EVENTS'))).config).toMatchObject({
        max_msgs: 5_000_000,
        retention: 'limits',
        discard: 'old',
      });
      expect((await jsm.streams.info(bus.streamName('REQUESTS'))).config).toMatchObject({
        retention: 'workqueue',
        discard: 'new',
      });
    });
  });

  it('names a stream of another kind that stands in its place', async () => {
    const prefix = uniquePrefix();
    await withManager(async (jsm) => {
      await jsm.streams.add({ name: `${prefix}_REQUESTS`, subjects: [`${prefix}.else`] });
    });
    await expect(startBus({ prefix })).rejects.toMatchObject({ code: 'config' });
  });
});

describe('live subjects', () => {
  const status = { instanceId: '10.0.0.5:8188', state: 'idle', foreignPrompts: 0 } as const;

  it('reaches who listens, with tokens that hold dots', async () => {
    const bus = await startBus();
    const handler = vi.fn<() => void>(() => {});
    bus.subscribeLive('liveWorkerStatus', { instanceId: status.instanceId }, handler);
    await bus.flush();
    const correlationId = randomUUID();
    bus.publishLive('liveWorkerStatus', { instanceId: status.instanceId }, status, correlationId);
    await vi.waitFor(() => expect(handler).toHaveBeenCalledOnce());
    expect(handler).toHaveBeenCalledWith(
      status,
      expect.objectContaining({ correlationId, tokens: { instanceId: status.instanceId } }),
    );
  });

  it('drops a message that does not fit instead of throwing', async () => {
    const bus = await startBus();
    const handler = vi.fn<() => void>(() => {});
    bus.subscribeLive('liveWorkerStatus', {}, handler);
    await bus.flush();
    bus.publishLive('liveWorkerStatus', { instanceId: 'a' }, { ...status, foreignPrompts: -1 }, randomUUID());
    bus.publishLive('liveWorkerStatus', { instanceId: 'a' }, status, randomUUID());
    await vi.waitFor(() => expect(handler).toHaveBeenCalledOnce());
  });

  it('goes on after a handler threw', async () => {
    const bus = await startBus();
    const heard: string[] = [];
    bus.subscribeLive('liveWorkerStatus', {}, async (data) => {
      heard.push(data.instanceId);
      throw new Error('a bug');
    });
    await bus.flush();
    for (const instanceId of ['a', 'b']) {
      bus.publishLive('liveWorkerStatus', { instanceId }, { ...status, instanceId }, randomUUID());
    }
    await vi.waitFor(() => expect(heard).toEqual(['a', 'b']));
  });

  it('drops what comes faster than the server reads, and recovers', async () => {
    const bus = await startBus({ maxLivePendingBytes: 300_000 });
    const heard: number[] = [];
    const jobId = randomUUID();
    bus.subscribeLive('livePreview', {}, (_data, { tokens }) => void heard.push(Number(tokens['jobId'] === jobId)));
    await bus.flush();
    const preview = { jobId, requestId: randomUUID(), mediaType: 'image/jpeg', base64: 'A'.repeat(40_000) } as const;
    // All in one turn of the event loop: nothing can be confirmed meanwhile.
    for (let count = 0; count < 100; count++) bus.publishLive('livePreview', { jobId }, preview, randomUUID());
    await bus.flush();
    expect(heard.length).toBeGreaterThan(5);
    expect(heard.length).toBeLessThan(12);
    await vi.waitFor(() => {
      const before = heard.length;
      bus.publishLive('livePreview', { jobId }, preview, randomUUID());
      return bus.flush().then(() => expect(heard.length).toBeGreaterThan(before));
    });
  });
});

describe('control subjects', () => {
  const question = { instanceId: 'gpu-0', command: 'pause' } as const;
  const tokens = { instanceId: 'gpu-0' };

  it('answers a question', async () => {
    const bus = await startBus();
    bus.answer('workerCommand', tokens, async (data) => {
      expect(data).toEqual(question);
      return { ok: true };
    });
    await bus.flush();
    expect(await bus.ask('workerCommand', tokens, question)).toEqual({ ok: true });
  });

  it('lets one instance answer', async () => {
    const prefix = uniquePrefix();
    const [asker, first, second] = await Promise.all([
      startBus({ prefix }),
      startBus({ prefix }),
      startBus({ prefix }),
    ]);
    const handler = vi.fn<() => Promise<ControlAnswer>>(async () => ({ ok: true }));
    first.answer('workerCommand', {}, handler);
    second.answer('workerCommand', {}, handler);
    await Promise.all([first.flush(), second.flush()]);
    await asker.ask('workerCommand', tokens, question);
    await Promise.all([first.flush(), second.flush()]);
    expect(handler).toHaveBeenCalledOnce();
  });

  it('carries the code and the public message of a refusal, and nothing else', async () => {
    const bus = await startBus();
    const publicMessage = { en: 'This GPU is reserved.', zh: '该 GPU 已被预留。' };
    bus.answer('workerCommand', tokens, async () => {
      throw new AppError('forbidden', 'details for the log', { publicMessage });
    });
    await bus.flush();
    const asking = bus.ask('workerCommand', tokens, question);
    await expect(asking).rejects.toMatchObject({ name: 'AppError', code: 'forbidden', publicMessage });
    await expect(asking).rejects.not.toThrow(/details for the log/);
  });

  it('tells a bug of the other side as internal', async () => {
    const bus = await startBus();
    bus.answer('workerCommand', tokens, async () => {
      throw new TypeError('secret stack');
    });
    await bus.flush();
    await expect(bus.ask('workerCommand', tokens, question)).rejects.toMatchObject({ code: 'internal' });
  });

  it('is unavailable at once where nobody answers', async () => {
    const bus = await startBus();
    await expect(bus.ask('workerCommand', tokens, question, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('is unavailable after its time where the answer does not come', async () => {
    const bus = await startBus();
    const release = Promise.withResolvers<{ ok: true }>();
    bus.answer('workerCommand', tokens, () => release.promise);
    await bus.flush();
    await expect(bus.ask('workerCommand', tokens, question, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'unavailable',
    });
    release.resolve({ ok: true });
  });

  it('asks again until somebody answers, if it may', async () => {
    const bus = await startBus();
    const asking = bus.ask('workerCommand', tokens, question, { timeoutMs: 10_000, repeat: true });
    bus.answer('workerCommand', tokens, async () => ({ ok: true }));
    expect(await asking).toEqual({ ok: true });
  });
});

const prefixOf = (bus: Bus): string => bus.streamName('REQUESTS').slice(0, -'_REQUESTS'.length);

async function withManager<T>(use: (jsm: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: nats().url });
  try {
    return await use(await jetstreamManager(nc));
  } finally {
    await nc.close();
  }
}

function pendingMessages(bus: Bus, stream: 'REQUESTS' | 'EVENTS'): Promise<number> {
  return withManager(async (jsm) => (await jsm.streams.info(bus.streamName(stream))).state.messages);
}
