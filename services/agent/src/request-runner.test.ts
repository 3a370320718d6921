import { describe, expect, test, vi } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { PlanOutcome } from './core/plan-request.ts';
import type { ClaimedRequest, RequestDesk } from './ports.ts';
import { createRequestRunner, type RequestRunnerOptions } from './request-runner.ts';

const id = '7f4d7c1e-30a5-4c6b-8a39-111111111111';
const replied: PlanOutcome = { kind: 'replied', reply: 'hello' };

function claimedRequest(changes: Partial<RequestRecord> = {}, claims = 1): ClaimedRequest {
  const request = requestRecord({
    id,
    personId: id,
    body: { kind: 'words', text: 'hello' },
    state: 'planning',
    agentEpoch: 1,
    ...changes,
  });
  return { request, lease: { requestId: request.id, holder: id, epoch: request.agentEpoch }, claims };
}

function setUp(options: Partial<RequestRunnerOptions> = {}, claims: ClaimedRequest[][] = [[claimedRequest()]]) {
  const desk = {
    claim: vi.fn<RequestDesk['claim']>(() => Promise.resolve(claims.shift() ?? [])),
    renew: vi.fn<RequestDesk['renew']>(() => Promise.resolve(true)),
    release: vi.fn<RequestDesk['release']>(() => Promise.resolve()),
    commitPlan: vi.fn<RequestDesk['commitPlan']>(() => Promise.resolve(true)),
    commitAnswer: vi.fn<RequestDesk['commitAnswer']>(() => Promise.resolve(true)),
    fail: vi.fn<RequestDesk['fail']>(() => Promise.resolve()),
    read: vi.fn<RequestDesk['read']>(() => Promise.resolve(undefined)),
    finishCancels: vi.fn<RequestDesk['finishCancels']>(() => Promise.resolve()),
    expireQuestions: vi.fn<RequestDesk['expireQuestions']>(() => Promise.resolve()),
  } satisfies RequestDesk;
  const runner = createRequestRunner({
    desk,
    plan: () => Promise.resolve(replied),
    ready: () => true,
    concurrency: 2,
    leaseMs: 1_000,
    log: createLogger('agent-test', 'silent'),
    ...options,
  });
  return { desk, runner };
}

describe('a doorbell', () => {
  test('claims the request that it names and commits what was planned', async () => {
    const { desk, runner } = setUp();
    await runner.ring(id);
    expect(desk.claim).toHaveBeenCalledWith(1, id);
    expect(desk.commitAnswer).toHaveBeenCalledWith(claimedRequest().lease, { state: 'replied', reply: 'hello' });
    expect(desk.release).not.toHaveBeenCalled();
  });

  test('and the message behind it are one claim, whichever comes first', async () => {
    const { desk, runner } = setUp({}, [[claimedRequest()], [claimedRequest({}, 2)]]);
    runner.hear(id, 1);
    await runner.ring(id, 1);
    expect([desk.claim.mock.calls.length, desk.commitAnswer.mock.calls.length]).toEqual([1, 1]);
    // Another version is another message.
    await runner.ring(id, 2);
    expect([desk.claim.mock.calls.length, desk.commitAnswer.mock.calls.length]).toEqual([2, 2]);
  });

  test('is left to the message behind it while every slot is taken', async () => {
    const plan = Promise.withResolvers<PlanOutcome>();
    const { desk, runner } = setUp({ plan: () => plan.promise, concurrency: 1 });
    const first = runner.ring(id, 1);
    runner.hear('7f4d7c1e-30a5-4c6b-8a39-222222222222', 1);
    plan.resolve(replied);
    await first;
    expect(desk.claim.mock.calls).toEqual([[1, id]]);
  });

  test('that fails leaves the failure to its message', async () => {
    const { desk, runner } = setUp({}, []);
    desk.claim.mockRejectedValueOnce(new Error('a bug'));
    runner.hear(id, 1);
    await expect(runner.ring(id, 1)).rejects.toThrow('a bug');
    await runner.ring(id, 1);
    expect(desk.claim).toHaveBeenCalledTimes(2);
  });

  test('waits for planning that is under way, and looks once more: the bell may be for what came after', async () => {
    const plan = Promise.withResolvers<PlanOutcome>();
    const { desk, runner } = setUp({ plan: () => plan.promise });
    const both = [runner.ring(id), new Promise<void>((resolve) => setImmediate(resolve)).then(() => runner.ring(id))];
    await new Promise((resolve) => setImmediate(resolve));
    plan.resolve(replied);
    await Promise.all(both);
    expect(desk.claim).toHaveBeenCalledTimes(2);
    expect(desk.commitAnswer).toHaveBeenCalledTimes(1);
  });

  test('claims nothing while nothing can be planned', async () => {
    const { desk, runner } = setUp({ ready: () => false });
    await runner.ring(id);
    await runner.sweep();
    expect(desk.claim).not.toHaveBeenCalled();
    expect(desk.finishCancels).toHaveBeenCalled();
  });

  test('is done when Postgres is away, since the row waits for a sweep; another error is thrown', async () => {
    const { desk, runner } = setUp();
    desk.claim.mockRejectedValueOnce(new AppError('unavailable', 'away'));
    await expect(runner.ring(id)).resolves.toBeUndefined();
    desk.claim.mockRejectedValueOnce(new AppError('internal', 'a bug'));
    await expect(runner.ring(id)).rejects.toThrow('a bug');
  });
});

describe('a request that cannot be planned', () => {
  test('waits when a part is away, longer each time', async () => {
    const plan = () => Promise.reject(new AppError('unavailable', 'away'));
    for (const [epoch, afterMs] of [
      [1, 1_000],
      [3, 4_000],
      [12, 30_000],
    ] as const) {
      const { desk, runner } = setUp({ plan }, [[claimedRequest({ agentEpoch: epoch }, epoch)]]);
      await runner.ring(id);
      expect(desk.release).toHaveBeenCalledWith(expect.objectContaining({ epoch }), afterMs);
      expect(desk.commitAnswer).not.toHaveBeenCalled();
    }
  });

  test('fails with an honest sentence after a bug', async () => {
    const { desk, runner } = setUp({ plan: () => Promise.reject(new TypeError('secret detail')) });
    await runner.ring(id);
    expect(desk.commitAnswer).toHaveBeenCalledWith(expect.anything(), {
      state: 'failed',
      error: expect.objectContaining({ code: 'internal' }),
    });
    expect(JSON.stringify(desk.commitAnswer.mock.calls)).not.toContain('secret detail');
  });

  test('fails when it was claimed again and again and never came to an end', async () => {
    const plan = vi.fn<RequestRunnerOptions['plan']>(() => Promise.resolve(replied));
    const { desk, runner } = setUp({ plan }, [[claimedRequest({}, 16)]]);
    await runner.ring(id);
    expect(plan).not.toHaveBeenCalled();
    expect(desk.commitAnswer).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ state: 'failed' }));
  });

  test('is ended as cancelled where that was asked for', async () => {
    const { desk, runner } = setUp({}, [[claimedRequest({ cancelRequestedAt: new Date(0) })]]);
    await runner.ring(id);
    expect(desk.commitAnswer).toHaveBeenCalledWith(expect.anything(), { state: 'cancelled' });
  });

  test('is left alone when its lease was lost while it was planned', async () => {
    const { desk, runner } = setUp({
      leaseMs: 30,
      plan: (_request, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
    });
    desk.renew.mockResolvedValue(false);
    await runner.ring(id);
    expect(desk.commitAnswer).not.toHaveBeenCalled();
    expect(desk.release).not.toHaveBeenCalled();
  });

  test('and cannot even be given back is left to its lease', async () => {
    const { desk, runner } = setUp({ plan: () => Promise.reject(new AppError('unavailable', 'away')) });
    desk.release.mockRejectedValue(new AppError('unavailable', 'away, too'));
    await expect(runner.ring(id)).resolves.toBeUndefined();
  });
});

describe('a sweep', () => {
  test('claims until nothing waits, never more than can be planned at a time', async () => {
    let running = 0;
    let most = 0;
    const requests = Array.from({ length: 5 }, (_, index) =>
      claimedRequest({ id: `7f4d7c1e-30a5-4c6b-8a39-11111111111${index}` }),
    );
    const { desk, runner } = setUp({
      async plan() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return replied;
      },
    });
    desk.claim.mockImplementation((limit) => Promise.resolve(requests.splice(0, limit)));
    await runner.sweep();
    await runner.stop();
    expect(desk.commitAnswer).toHaveBeenCalledTimes(5);
    expect(most).toBe(2);
  });

  test('does not end the service when Postgres is away', async () => {
    const { desk, runner } = setUp();
    desk.finishCancels.mockRejectedValue(new AppError('unavailable', 'away'));
    await expect(runner.sweep()).resolves.toBeUndefined();
  });
});

test('at the end, what is under way is given back at once', async () => {
  const { desk, runner } = setUp({
    plan: (_request, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
  });
  const ringing = runner.ring(id);
  await new Promise((resolve) => setImmediate(resolve));
  await runner.stop();
  await ringing;
  expect(desk.release).toHaveBeenCalledWith(expect.objectContaining({ requestId: id }), 0);
  await runner.ring(id);
  expect(desk.claim).toHaveBeenCalledTimes(1);
});
