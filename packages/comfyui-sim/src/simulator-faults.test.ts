import { afterEach, describe, expect, it } from 'vitest';
import { type SimClock, systemSimClock } from './clock/sim-clock.ts';
import { plainImage, textToImage } from './testing/sample-workflows.ts';
import { createSimulatorFixture } from './testing/simulator-fixture.ts';

const { start, close } = createSimulatorFixture();
afterEach(close);

/** Asks until the condition holds: for states that no message tells of. */
async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('The state was never reached.');
}

describe('crashes', () => {
  it('lose queue, history and sockets, keep files and the log, and come back on the same port', async () => {
    const { simulator, url, connect } = await start();
    const client = await connect();
    const done = await client.run(plainImage(1));
    const [image] = done.outputs['2']?.images ?? [];
    simulator.inject({ kind: 'executor-dead' });
    await client.post(textToImage());
    await simulator.crash();
    await client.until(client.isClosed, 'the closed socket');
    await expect(fetch(`${url}/queue`)).rejects.toThrow('fetch failed');
    simulator.clearFaults();
    expect((await simulator.start()).url).toBe(url);
    const again = await connect();
    expect(await again.get('/history')).toEqual({});
    expect(await again.get('/queue')).toEqual({ queue_running: [], queue_pending: [] });
    expect((await fetch(`${url}/view?filename=${image?.filename ?? ''}`)).status).toBe(200);
    const next = await again.run(plainImage(2));
    expect(next.outputs['2']?.images?.[0]?.filename).toBe('plain_00002_.png');
    expect(simulator.log().map(({ outcome }) => outcome)).toEqual(['success', 'success']);
  });

  it('mark what ran as crashed, and restart by themselves', async () => {
    const { simulator, url, connect } = await start({ speed: 1 });
    const client = await connect();
    const { promptId } = await client.post(textToImage({ steps: 500 }));
    await client.until(() => client.messages.some(({ type }) => type === 'progress'), 'progress');
    simulator.inject({ kind: 'restart' });
    await client.until(client.isClosed, 'the closed socket');
    await eventually(() =>
      fetch(`${url}/queue`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    expect(simulator.log()).toMatchObject([{ promptId, outcome: 'crashed' }]);
  });

  it('stay away, and leave no timer, when stopped before they would have come back', async () => {
    const waits: AbortSignal[] = [];
    const clock: SimClock = {
      now: () => 0,
      sleep: (delayMs, signal) => {
        if (delayMs === 60_000) waits.push(signal);
        return systemSimClock.sleep(delayMs, signal);
      },
    };
    const { simulator } = await start({ clock });
    simulator.inject({ kind: 'crash', restartAfterMs: 60_000 });
    await eventually(() => Promise.resolve(waits.length === 1));
    await simulator.stop();
    expect(waits[0]?.aborted).toBe(true);
    expect(simulator.isRunning()).toBe(false);
  });
});

describe('faults over HTTP', () => {
  const post = (url: string, body: unknown): Promise<Response> =>
    fetch(`${url}/sim/faults`, { method: 'POST', body: JSON.stringify(body) });

  it('are accepted, listed, cleared, and refused in words', async () => {
    const { url } = await start({ controls: true });
    expect((await post(url, [{ kind: 'silent-socket' }, { kind: 'slow-post', delayMs: 5 }])).status).toBe(200);
    await eventually(async () => ((await (await fetch(`${url}/sim/faults`)).json()) as unknown[]).length === 2);
    expect((await fetch(`${url}/sim/faults?kind=slow-post`, { method: 'DELETE' })).status).toBe(200);
    expect(await (await fetch(`${url}/sim/faults`)).json()).toEqual([{ kind: 'silent-socket' }]);
    const refused = await post(url, { kind: 'flood' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ kinds: expect.arrayContaining(['crash', 'hang']) as unknown });
  });

  it('crash after answering and come back; the log tells what ran', async () => {
    const { url, connect } = await start({ controls: true });
    const client = await connect();
    await client.run(plainImage(1), { extra_data: { job_id: 'j1' } });
    expect((await post(url, { kind: 'crash', restartAfterMs: 1 })).status).toBe(200);
    await client.until(client.isClosed, 'the closed socket');
    await eventually(() =>
      fetch(`${url}/sim/log`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    const log = (await (await fetch(`${url}/sim/log`)).json()) as { entries: unknown[] };
    expect(log.entries).toMatchObject([{ extra_data: { job_id: 'j1' }, outcome: 'success', executed_nodes: 2 }]);
  });

  it('exist only where they are switched on', async () => {
    const { url } = await start();
    expect((await post(url, { kind: 'hang' })).status).toBe(405);
    expect((await fetch(`${url}/sim/log`)).status).toBe(404);
  });
});

describe('lost and slow answers', () => {
  it('take effect all the same', async () => {
    const { simulator, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'lost-post-answer', times: 1 });
    const promptId = 'aaaaaaaa-0000-4000-8000-000000000001';
    await expect(client.post(plainImage(1), { prompt_id: promptId })).rejects.toThrow('fetch failed');
    expect((await client.ended(promptId)).status.completed).toBe(true);
    expect((await client.post(plainImage(2))).status).toBe(200);
  });

  it('take effect also when the sender is gone', async () => {
    const { simulator, url, connect } = await start({ controls: true });
    const client = await connect();
    simulator.inject({ kind: 'slow-post', delayMs: 200, times: 1 });
    const promptId = 'aaaaaaaa-0000-4000-8000-000000000002';
    const body = JSON.stringify({ prompt: plainImage(1), client_id: 'tester', prompt_id: promptId });
    const sender = new AbortController();
    const sending = fetch(`${url}/prompt`, { method: 'POST', body, signal: sender.signal });
    // The fault is used up as soon as the request has arrived.
    await eventually(async () => ((await client.get('/sim/faults')) as unknown[]).length === 0);
    sender.abort();
    await expect(sending).rejects.toThrow('aborted');
    expect((await client.ended(promptId)).status.completed).toBe(true);
  });
});

describe('sockets', () => {
  it('say nothing when silent, while the run goes on', async () => {
    const { simulator, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'silent-socket' });
    const { promptId } = await client.post(plainImage(1));
    await eventually(async () => Object.keys((await client.get(`/history/${promptId}`)) as object).length === 1);
    expect(client.messages.map(({ type }) => type)).toEqual(['status']);
  });

  it('lose the new registration when the old one closes, as the real server does', async () => {
    const { connect } = await start();
    const old = await connect({ clientId: 'same' });
    const renewed = await connect({ clientId: 'same' });
    await old.close();
    const other = await connect({ clientId: 'other' });
    await eventually(async () => {
      const before = renewed.messages.length;
      await other.run(plainImage(Math.floor(performance.now())));
      return renewed.messages.length === before;
    });
    const { promptId } = await renewed.post(plainImage(5));
    await eventually(async () => Object.keys((await renewed.get(`/history/${promptId}`)) as object).length === 1);
    expect(renewed.messages.some(({ type }) => type === 'execution_start')).toBe(false);
  });

  it('tell a client that comes back which node runs, unless the fault takes its registration', async () => {
    const { simulator, connect } = await start({ speed: 1 });
    const client = await connect();
    await client.post(textToImage({ steps: 1_000 }));
    await client.until(
      () => client.messages.some(({ type, data }) => type === 'executing' && data['node'] === '3'),
      'the sampler',
    );
    await client.close();
    const back = await connect();
    await back.until(() => back.messages.some(({ type }) => type === 'progress'), 'progress after the reconnect');
    expect(back.messages.slice(0, 2)).toMatchObject([{ type: 'status' }, { type: 'executing', data: { node: '3' } }]);
    await back.close();
    simulator.inject({ kind: 'unregister-on-reconnect' });
    const deaf = await connect();
    const other = await connect({ clientId: 'other' });
    await deaf.until(() => deaf.messages.length >= 2, 'the first messages');
    const { promptId } = await other.post(plainImage(1));
    await other.until(() => other.messages.filter(({ type }) => type === 'status').length >= 2, 'a status for others');
    expect(promptId).not.toBe('');
    expect(deaf.messages.map(({ type }) => type)).toEqual(['status', 'executing']);
  });
});

describe('failures of the run', () => {
  it('show as execution_error with the right type', async () => {
    const { simulator, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'out-of-memory', nodeClass: 'KSampler', times: 1 });
    const failed = await client.run(textToImage());
    expect(failed.status.messages.at(-1)).toMatchObject([
      'execution_error',
      { node_id: '3', exception_type: 'torch.OutOfMemoryError' },
    ]);
    simulator.inject({
      kind: 'execution-error',
      nodeId: '8',
      message: 'broken',
      exceptionType: 'ValueError',
      times: 1,
    });
    const broken = await client.run(textToImage({ seed: 2 }));
    expect(broken.status.messages.at(-1)).toMatchObject([
      'execution_error',
      { node_id: '8', exception_message: 'broken\n', exception_type: 'ValueError' },
    ]);
    expect((await client.run(textToImage({ seed: 3 }))).status.status_str).toBe('success');
    expect(simulator.log().map(({ outcome }) => outcome)).toEqual(['error', 'error', 'success']);
  });

  it('stand still with a dead executor while HTTP answers, and during a hang nothing answers', async () => {
    const { simulator, url, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'executor-dead' });
    const { promptId, status } = await client.post(plainImage(1));
    expect(status).toBe(200);
    expect(await client.get('/prompt')).toMatchObject({ exec_info: { queue_remaining: 1 } });
    simulator.clearFaults();
    await client.ended(promptId);
    simulator.inject({ kind: 'hang' });
    await expect(fetch(`${url}/queue`, { signal: AbortSignal.timeout(60) })).rejects.toThrow('aborted');
    simulator.clearFaults('hang');
    expect((await fetch(`${url}/queue`)).status).toBe(200);
  });

  it('count model loads and swaps', async () => {
    const { simulator, connect } = await start();
    const client = await connect();
    for (const [seed, checkpoint] of ['tiny-a.safetensors', 'tiny-b.safetensors', 'tiny-a.safetensors'].entries()) {
      await client.run(textToImage({ seed, checkpoint }));
    }
    expect(simulator.modelCounts()).toEqual({ loads: 2, swaps: 2 });
  });
});

describe('a held prompt', () => {
  it('stands still at the node that is named, with all that came before it told', async () => {
    const { simulator, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'hold', nodeClass: 'VAEDecode' });
    const { promptId } = await client.post(textToImage({ steps: 2 }));
    await client.until(() => client.messages.some(({ data }) => data['value'] === 2), 'the last step');
    expect(simulator.remaining()).toBe(1);
    simulator.clearFaults('hold');
    expect((await client.ended(promptId)).status.status_str).toBe('success');
  });

  it('runs, and others wait behind it, until it is interrupted or the hold is lifted', async () => {
    const { simulator, url, connect } = await start();
    const client = await connect();
    simulator.inject({ kind: 'hold' });
    const [held, next] = [await client.post(textToImage()), await client.post(plainImage(1))];
    await eventually(() => simulator.log().length === 1);
    expect(await client.get('/queue')).toMatchObject({
      queue_running: [{ 1: held.promptId }],
      queue_pending: [{ 1: next.promptId }],
    });
    await fetch(`${url}/interrupt`, { method: 'POST', body: JSON.stringify({ prompt_id: held.promptId }) });
    expect((await client.ended(held.promptId)).status.messages.at(-1)?.[0]).toBe('execution_interrupted');
    await eventually(() => simulator.log().length === 2);
    simulator.clearFaults('hold');
    expect((await client.ended(next.promptId)).status.status_str).toBe('success');
  });
});
