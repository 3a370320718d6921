import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { createComfyClient } from './comfy-client.ts';
import type { ComfyClient } from './comfy-client.ts';
import { interruptPrompt } from './interrupt-prompt.ts';
import { bodyOf, startFakeComfy } from './testing/fake-comfy.ts';
import type { FakeComfy } from './testing/fake-comfy.ts';
import { withdrawPrompt } from './withdraw-prompt.ts';

/** Waits take no time, but the clock counts them. */
function skippingClock(): Clock & { waits: number[] } {
  let now = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    schedule: (callback, delayMs) => {
      const timer = setImmediate(() => {
        now += delayMs;
        waits.push(delayMs);
        callback();
      });
      return () => clearImmediate(timer);
    },
  };
}

let fake: FakeComfy;
let client: ComfyClient;

beforeEach(async () => {
  fake = await startFakeComfy();
  client = createComfyClient({ baseUrl: fake.baseUrl, clientId: 'worker-1' });
});

afterEach(() => fake.stop());

const interrupts = () =>
  fake.requests.filter(({ path }) => path === '/interrupt').map((request) => bodyOf(request)['prompt_id'] ?? 'any');

describe('interruptPrompt', () => {
  it('repeats until the prompt has left the running list', async () => {
    fake.running.push('mine');
    fake.handler = (request) => {
      if (request.path === '/interrupt' && interrupts().length === 3) fake.finish('mine', 'interrupted');
      return false;
    };
    const clock = skippingClock();
    const result = await interruptPrompt(client, 'mine', { clock });
    expect(result).toMatchObject({
      state: 'not-running',
      sent: 3,
      found: { at: 'finished', finished: { outcome: 'interrupted' } },
    });
    expect(interrupts()).toEqual(['mine', 'mine', 'mine']);
    expect(clock.waits).toEqual([100, 200, 400]);
  });

  it('sends nothing when the prompt does not run', async () => {
    fake.running.push('theirs');
    fake.pending.push('mine');
    fake.history.set('done', {});
    expect(await interruptPrompt(client, 'mine')).toMatchObject({
      state: 'not-running',
      found: { at: 'pending' },
      sent: 0,
    });
    expect(await interruptPrompt(client, 'gone')).toMatchObject({
      state: 'not-running',
      found: { at: 'absent' },
      sent: 0,
    });
    expect(interrupts()).toEqual([]);
  });

  it('gives up at its deadline', async () => {
    fake.running.push('mine');
    const result = await interruptPrompt(client, 'mine', { clock: skippingClock(), deadlineAtMs: 1_000 });
    expect(result).toMatchObject({ state: 'still-running' });
  });

  it('goes on while the server is away', async () => {
    fake.running.push('mine');
    let away = 3;
    fake.handler = (_, response) => {
      if (away === 0) return false;
      away -= 1;
      fake.running.length = 0;
      response.destroy();
      return true;
    };
    expect(await interruptPrompt(client, 'mine', { clock: skippingClock() })).toMatchObject({
      found: { at: 'absent' },
    });
  });

  it('uses the cancel of /api/jobs where it exists', async () => {
    fake.running.push('mine');
    fake.handler = (request, response) => {
      if (request.path !== '/api/jobs/mine/cancel') return false;
      fake.finish('mine', 'interrupted');
      response.end('{}');
      return true;
    };
    expect(await interruptPrompt(client, 'mine', { clock: skippingClock() })).toMatchObject({
      state: 'not-running',
      sent: 1,
    });
    expect(interrupts()).toEqual([]);
  });

  describe('at a server that ignores the id', () => {
    beforeEach(() => {
      fake.version = '0.3.40';
      fake.jobsApi = false;
    });

    it('sends it only when there is nobody else to hit', async () => {
      fake.running.push('mine');
      fake.pending.push('theirs');
      expect(await interruptPrompt(client, 'mine', { clock: skippingClock() })).toEqual({ state: 'unsafe', sent: 0 });
      expect(interrupts()).toEqual([]);
      fake.pending.length = 0;
      fake.handler = (request) => {
        if (request.path === '/interrupt') fake.finish('mine', 'interrupted');
        return false;
      };
      expect(await interruptPrompt(client, 'mine', { clock: skippingClock() })).toMatchObject({
        state: 'not-running',
        sent: 1,
      });
      expect(interrupts()).toEqual(['any']);
    });

    it('does not hit the prompt that began since the look', async () => {
      fake.running.push('mine');
      fake.handler = (request) => {
        // The prompt ends by itself just before the last check.
        if (request.path === '/system_stats') {
          fake.finish('mine', 'success');
          fake.running.push('theirs');
        }
        return false;
      };
      expect(await interruptPrompt(client, 'mine', { clock: skippingClock() })).toMatchObject({
        state: 'not-running',
        found: { at: 'finished', finished: { outcome: 'succeeded' } },
      });
      expect(interrupts()).toEqual([]);
    });
  });
});

describe('withdrawPrompt', () => {
  it('deletes, and looks twice with settleMs in between', async () => {
    fake.pending.push('mine', 'theirs');
    const clock = skippingClock();
    expect(await withdrawPrompt(client, 'mine', { clock, settleMs: 3_000 })).toEqual({ state: 'withdrawn' });
    expect(clock.waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThanOrEqual(3_000);
    expect(fake.pending).toEqual(['theirs']);
  });

  it('catches a POST that takes effect late, as often as it does', async () => {
    let deletes = 0;
    fake.handler = (request) => {
      if (`${request.method} ${request.path}` === 'POST /queue') deletes += 1;
      // Just after the first and the second delete, before the look.
      if (request.path === '/api/jobs/mine' && deletes <= 2) fake.pending.push('mine');
      return false;
    };
    expect(await withdrawPrompt(client, 'mine', { clock: skippingClock() })).toEqual({ state: 'withdrawn' });
    expect(fake.pending).toEqual([]);
    expect(deletes).toBe(4);
  });

  it('says when it is too late', async () => {
    fake.running.push('mine');
    expect(await withdrawPrompt(client, 'mine')).toEqual({ state: 'running' });
    fake.finish('mine', 'success');
    expect(await withdrawPrompt(client, 'mine')).toMatchObject({
      state: 'finished',
      finished: { outcome: 'succeeded' },
    });
  });

  it('goes on while the server is away, until its signal fires', async () => {
    const controller = new AbortController();
    let calls = 0;
    fake.handler = (_, response) => {
      calls += 1;
      if (calls === 3) controller.abort();
      response.destroy();
      return true;
    };
    const withdrawing = withdrawPrompt(client, 'mine', { clock: skippingClock(), signal: controller.signal });
    await expect(withdrawing).rejects.toMatchObject({ code: 'aborted' });
    expect(calls).toBe(3);
  });
});
