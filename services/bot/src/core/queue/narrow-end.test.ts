import { expect, it } from 'vitest';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import { jobRecord, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { renderJobCard } from '../cards/render-job-card.ts';
import { renderQueueCard } from '../cards/queue-card.ts';
import { narrowEnds } from './narrow-end.ts';

const running = requestRecord({ state: 'working', jobsTotal: 1, jobsOpen: 1 });
const job = jobRecord(0, { state: 'running' });
const forecasts = new Map([[running.id, { place: 0, ends: { low: 4, high: 35 } }]]);
const progressAt = (fraction: number): Map<string, LiveProgress> =>
  new Map([[job.id, { jobId: job.id, requestId: running.id, fraction, elapsedMs: 6_000 }]]);

/** What the card and the queue's row say of the same moment. */
function said(fraction: number): { card: string; row: string } {
  const progress = progressAt(fraction);
  const card = renderJobCard({ request: running, jobs: [job], delivered: false }, { forecasts, progress }, 'en');
  const narrowed = narrowEnds(forecasts, [{ id: job.id, requestId: running.id }], progress);
  const [entry] = renderQueueCard({ open: [running], forecasts: narrowed }, 'en').entries;
  return { card: card.progress?.text ?? '', row: entry?.text ?? '' };
}

it.each([0, 0.1, 0.2, 0.5, 0.9])('lets the queue tell what the card tells at %d', (fraction) => {
  const { card, row } = said(fraction);
  expect(row).not.toBe('');
  expect(card).toContain(row);
});

it('narrows by the speed of the only job that is left, and by that alone', () => {
  const only = [{ id: job.id, requestId: running.id }];
  expect(narrowEnds(forecasts, only, progressAt(0.5)).get(running.id)?.ends?.high).toBeCloseTo(8.4);
  expect(narrowEnds(forecasts, only, progressAt(0.1))).toEqual(forecasts);
  expect(narrowEnds(forecasts, [...only, { id: 'another', requestId: running.id }], progressAt(0.5))).toEqual(
    forecasts,
  );
  expect(narrowEnds(forecasts, only, new Map())).toEqual(forecasts);
});
