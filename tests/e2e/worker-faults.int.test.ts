import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { replacePolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';

const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 200 });
let platform: Platform;
let desk: RequestDesk;

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({ comfyuiUrl: url, services: ['agent', 'comfy-worker'] });
  desk = await openRequestDesk(platform);
  // The first one also waits for the registry.
  await desk.until(await desk.submit('a lighthouse'), (request) => request.state === 'succeeded');
});
afterEach(() => simulator.clearFaults());
afterAll(async () => {
  await desk?.close();
  await platform?.stop();
  await simulator.stop();
});

/** How often the GPU worked on a job, to its end or not. */
function runsOf(jobId: string): number {
  return simulator.log().filter((entry) => markOf(entry.extraData)['job'] === jobId).length;
}

function markOf(extraData: Record<string, unknown>): Record<string, unknown> {
  const mark = extraData['atelier'];
  return typeof mark === 'object' && mark !== null ? { ...mark } : {};
}

/** Asks for a picture that is drawn until `letGo`, or until it is stopped. */
async function submitHeld(words: string): Promise<{ requestId: string; jobId: string }> {
  simulator.inject({ kind: 'hold' });
  const requestId = await desk.submit(words);
  return { requestId, jobId: await untilRunning(requestId) };
}

const letGo = (): void => simulator.clearFaults('hold');

async function untilRunning(requestId: string): Promise<string> {
  const { jobs } = await desk.until(requestId, (_, list) => list[0]?.state === 'running');
  return jobs[0]!.id;
}

describe('a worker that dies', () => {
  it('is replaced by one that adopts the running prompt, without a second run or attempt', async () => {
    const { requestId, jobId } = await submitHeld('a red fox');
    await platform.kill('comfy-worker');
    await platform.start('comfy-worker');
    await desk.until(requestId, (_, jobs) => jobs[0]?.takeovers === 1);
    letGo();
    const { request, jobs } = await desk.untilFinal(requestId);
    expect(request.state).toBe('succeeded');
    expect(jobs).toMatchObject([{ state: 'succeeded', attempts: 1, takeovers: 1 }]);
    expect(runsOf(jobId)).toBe(1);
  });

  it('finds the finished prompt when it comes back after its end', async () => {
    const { requestId, jobId } = await submitHeld('a blue fox');
    await platform.kill('comfy-worker');
    letGo();
    await expect.poll(() => simulator.remaining(), { timeout: 10_000 }).toBe(0);
    await platform.start('comfy-worker');
    const { request } = await desk.untilFinal(requestId);
    expect(request.state).toBe('succeeded');
    expect(runsOf(jobId)).toBe(1);
  });

  it('leaves what runs to the next one when it is stopped in good order, and blames nobody', async () => {
    const { requestId } = await submitHeld('a green fox');
    expect(await platform.service('comfy-worker').stop()).toBe(0);
    await platform.start('comfy-worker');
    letGo();
    const { request, jobs } = await desk.untilFinal(requestId);
    expect(request.state).toBe('succeeded');
    expect(jobs).toMatchObject([{ takeovers: 0, attempts: 1 }]);
  });
});

describe('a ComfyUI that fails', () => {
  it('gets the job again after a crash, once it answers', async () => {
    const { requestId } = await submitHeld('a castle');
    simulator.inject({ kind: 'crash', restartAfterMs: 500 });
    letGo();
    const { request, jobs } = await desk.untilFinal(requestId);
    expect(request.state).toBe('succeeded');
    expect(jobs).toMatchObject([{ crashes: 1, attempts: 2 }]);
  });

  it('is not given a prompt again that takes it down twice', async () => {
    const { requestId } = await submitHeld('a cursed castle');
    simulator.inject({ kind: 'crash', restartAfterMs: 300 });
    await desk.until(requestId, (_, jobs) => jobs[0]?.crashes === 1);
    await untilRunning(requestId);
    simulator.inject({ kind: 'crash', restartAfterMs: 300 });
    letGo();
    const { request, jobs } = await desk.untilFinal(requestId);
    expect(request).toMatchObject({ state: 'failed', error: { code: 'quarantined' } });
    expect(jobs[0]?.state).toBe('quarantined');
    const next = await desk.untilFinal(await desk.submit('a harmless castle'));
    expect(next.request.state).toBe('succeeded');
  });

  it('runs a prompt once although the answer to its POST was lost', async () => {
    simulator.inject({ kind: 'lost-post-answer', mode: 'reset', times: 1 });
    const requestId = await desk.submit('a ship');
    const { request, jobs } = await desk.untilFinal(requestId);
    expect(request.state).toBe('succeeded');
    expect(runsOf(jobs[0]!.id)).toBe(1);
  });

  it.each([{ kind: 'silent-socket' }, { kind: 'drop-events' }, { kind: 'close-sockets' }] as const)(
    'is followed to the end without its socket ($kind)',
    async (fault) => {
      const { requestId } = await submitHeld(`a ship ${fault.kind}`);
      simulator.inject(fault);
      letGo();
      const { request } = await desk.untilFinal(requestId);
      expect(request.state).toBe('succeeded');
    },
  );

  it('is asked once more after running out of memory, then the person is told what to do', async () => {
    simulator.inject({ kind: 'out-of-memory', nodeClass: 'KSampler', times: 1 });
    const once = await desk.untilFinal(await desk.submit('a whale'));
    expect(once.request.state).toBe('succeeded');
    expect(once.jobs[0]?.outOfMemory).toBe(1);
    simulator.inject({ kind: 'out-of-memory', nodeClass: 'KSampler', times: 2 });
    const twice = await desk.untilFinal(await desk.submit('two whales'));
    expect(twice.request).toMatchObject({ state: 'failed', error: { code: 'out_of_memory' } });
  });

  it('fails a job once, with its node, when a node fails', async () => {
    simulator.inject({ kind: 'execution-error', nodeClass: 'KSampler', message: 'mat1 and mat2 shapes', times: 1 });
    const { request, jobs } = await desk.untilFinal(await desk.submit('a broken whale'));
    expect(request).toMatchObject({ state: 'failed', error: { code: 'size_mismatch' } });
    expect(jobs).toMatchObject([{ attempts: 1, error: { classType: 'KSampler' } }]);
  });
});

describe('cancelling', () => {
  it('stops what runs and lets the next one have the GPU', async () => {
    const { requestId, jobId } = await submitHeld('a slow river');
    const next = await desk.submit('a quick river');
    await desk.cancel(requestId);
    await desk.until(next, (_, jobs) => jobs[0]?.state === 'running');
    letGo();
    const { request } = await desk.untilFinal(requestId);
    expect(request.state).toBe('cancelled');
    expect((await desk.untilFinal(next)).request.state).toBe('succeeded');
    expect(simulator.log().find((entry) => markOf(entry.extraData)['job'] === jobId)?.outcome).toBe('interrupted');
  });

  it('ends what waits without touching what runs', async () => {
    const { requestId: running } = await submitHeld('a running river');
    const waiting = await desk.submit('a waiting river');
    await desk.until(waiting, (request) => request.state === 'working');
    await desk.cancel(waiting);
    expect((await desk.untilFinal(waiting)).request.state).toBe('cancelled');
    letGo();
    expect((await desk.untilFinal(running)).request.state).toBe('succeeded');
  });
});

// The last one: nothing is drawn any more under what it closes.
describe('the policy', () => {
  it('stands before the POST, as it is by then: what was closed since it was planned never reaches ComfyUI', async () => {
    expect(await platform.service('comfy-worker').stop()).toBe(0);
    const requestId = await desk.submit('a yellow fox');
    const { jobs } = await desk.until(requestId, (_, list) => list.length > 0);
    const rule = { subject: 'class', name: 'KSampler', decision: 'deny', reason: 'it is under repair' } as const;
    await replacePolicyRules(desk.db, { actor: 'test', rules: [rule] });
    await platform.start('comfy-worker');
    const { request } = await desk.untilFinal(requestId);
    expect(request).toMatchObject({ state: 'failed', error: { code: 'workflow_not_allowed' } });
    expect(request.error?.message.en).toMatch(/KSampler may not be used, because it is under repair.*ask an operator/);
    expect(runsOf(jobs[0]!.id)).toBe(0);
  });
});
