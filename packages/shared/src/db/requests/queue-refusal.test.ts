import { describe, expect, it } from 'vitest';
import { type QueueRoomFacts, refusalOf } from './queue-refusal.ts';

const facts: QueueRoomFacts = {
  queued: 10,
  openJobs: 3,
  openImages: 5,
  openGpuSeconds: 30,
  usedImages: 20,
  usedGpuSeconds: 100,
  quotaJobs: null,
  quotaImages: null,
  quotaGpuSeconds: null,
};
const added = { jobs: 2, images: 4, gpuSeconds: 20 };
const limits = { maxQueued: 12, maxQueuedPerPerson: 5 };
const limitOf = (changes: Partial<QueueRoomFacts>) =>
  refusalOf({ ...facts, ...changes }, added, limits)?.details['limit'];

describe('refusalOf', () => {
  it('lets in what just fits', () => {
    expect(limitOf({ quotaJobs: 5, quotaImages: 29, quotaGpuSeconds: 150 })).toBeUndefined();
  });

  it('says what is full, a person before the queue', () => {
    expect(limitOf({ openJobs: 4, queued: 11 })).toBe('person');
    expect(limitOf({ quotaJobs: 4 })).toBe('person');
    expect(limitOf({ quotaImages: 28 })).toBe('images');
    expect(limitOf({ quotaGpuSeconds: 149 })).toBe('gpu_seconds');
    expect(limitOf({ queued: 11 })).toBe('queue');
  });

  it('names the numbers and what to do, and never asks to be repeated', () => {
    const refusal = refusalOf({ ...facts, quotaImages: 28 }, added, limits);
    expect(refusal?.publicMessage.en).toContain('28 pictures a day; 3 are left, and this asks for 4');
    expect(refusal?.publicMessage.zh).toContain('还剩 3 张');
    expect(refusal?.retry).toBe('never');
  });
});
