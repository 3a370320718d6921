import { describe, expect, it } from 'vitest';
import { activeJobOf, instanceOf, queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import { forecastImagined, forecastRequests } from './forecast-requests.ts';

const mei = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';
const bo = 'b4f5a3a2-3c53-4c0f-8f0a-5a7a1d7c9e21';

describe('where requests stand', () => {
  it('counts neighbours, not pictures, and says when', () => {
    const view = forecastRequests(
      snapshotOf({
        active: [activeJobOf('a1', mei, { requestId: 'r1' })],
        queued: [
          queuedJobOf('j2', bo, { requestId: 'r2' }),
          queuedJobOf('j3', bo, { requestId: 'r2' }),
          queuedJobOf('j4', mei, { requestId: 'r4' }),
        ],
      }),
    );
    expect(view).toMatchObject({ queuedJobs: 3, runningJobs: 1, gpus: { alive: 1, paused: 0, total: 1 } });
    expect([...view.waiting].map(([id, { position, ahead }]) => [id, position, ahead])).toEqual([
      ['r1', 0, 0],
      ['r2', 1, 1],
      ['r4', 2, 2],
    ]);
    const { startsInSeconds, endsInSeconds } = view.waiting.get('r4') ?? {};
    expect(startsInSeconds?.low).toBeGreaterThan(0);
    expect(endsInSeconds?.high).toBeGreaterThan(startsInSeconds?.high ?? 0);
  });

  it('promises nothing while no GPU takes work', () => {
    const instances = [instanceOf('gpu0', { paused: true })];
    const view = forecastRequests(snapshotOf({ instances, queued: [queuedJobOf('j1', mei, { requestId: 'r1' })] }));
    expect(view.waiting.get('r1')).toEqual({ position: 1, ahead: 0 });
    expect(view.gpus).toEqual({ alive: 0, paused: 1, total: 1 });
  });

  it('places what nobody has asked for yet behind what waits', () => {
    const snapshot = snapshotOf({ queued: [queuedJobOf('j1', bo), queuedJobOf('j2', bo)] });
    const waiting = forecastImagined(snapshot, { personId: mei, gpuSeconds: 10, residencyKey: 'sdxl' });
    expect(waiting?.position).toBeGreaterThan(0);
    expect(waiting?.endsInSeconds?.high).toBeGreaterThan(waiting?.startsInSeconds?.high ?? 0);
  });
});
