import { describe, expect, it } from 'vitest';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { InstanceStatus } from '@atelier/shared/db/operators/instance-status';
import { chatEn } from '../messages/chat-en.ts';
import { chatZh } from '../messages/chat-zh.ts';
import { renderInstance } from './render-instance.ts';

const job = { jobId: 'j', requestId: 'r', personId: 'p', personName: 'mei', recipe: 'portrait', model: 'sdxl' };
const instance: InstanceStatus = {
  id: 'gpu0',
  alive: true,
  paused: false,
  reservedFor: null,
  seenAt: new Date(0),
  reported: null,
  history: {
    residentModels: 'sdxl + ink',
    speeds: [
      { recipe: 'portrait', model: 'sdxl', jobs: 31, gpuSeconds: 12.34, stepsPerSecond: 2.4 },
      { recipe: 'upscale', model: 'upscale', jobs: 2, gpuSeconds: 240, stepsPerSecond: null },
    ],
    succeeded: 310,
    failed: 2,
    lastError: {
      code: 'out_of_memory',
      message: { en: 'No memory.', zh: '显存不足。' },
      at: '2026-11-21T14:02:03+00:00',
    },
  },
  jobs: [{ ...job, state: 'running', ranSeconds: 3, estimatedGpuSeconds: 12 }],
};
const live: LiveWorkerStatus = {
  instanceId: 'gpu0',
  state: 'busy',
  comfyuiVersion: '0.8.0',
  deviceName: 'RTX 4090',
  vramTotal: 24 * 1024 ** 3,
  vramFree: 5.06 * 1024 ** 3,
  stepsPerSecond: 4.21,
  foreignPrompts: 1,
};

it('says for whom it is kept, also while it is away', () => {
  const kept = {
    ...instance,
    reservedFor: [
      { personId: 'p', personName: 'Mei' },
      { personId: 'q', personName: null },
    ],
  };
  expect(renderInstance(kept, live, chatEn.admin, 'en')[1]).toBe('  kept for Mei, q');
  expect(renderInstance({ ...kept, alive: false }, undefined, chatZh.admin, 'zh')[1]).toBe('  仅供 Mei, q 使用');
});

describe('renderInstance', () => {
  it('shows what it is, holds, does and met', () => {
    expect(renderInstance(instance, live, chatEn.admin, 'en')).toEqual([
      'gpu0: busy, 1 job',
      '  ComfyUI 0.8.0 · RTX 4090 · 5.1 of 24 GB of memory free',
      '  loaded, as its jobs tell: sdxl + ink · 4.2 steps/s now',
      '  portrait · sdxl: 12.3 s a job, 2.4 steps/s (last 31)',
      '  upscale: 240 s a job (last 2)',
      '  24 h: 310 done, 2 failed · last error 14:02 UTC: No memory.',
      '  1 prompt of somebody else is in it, and counted',
    ]);
    const zh = renderInstance(instance, live, chatZh.admin, 'zh').join('\n');
    for (const words of ['5.1/24 GB', '由任务推断', '4.2 步/秒', '失败 2 个', '显存不足', '1 个外部任务']) {
      expect(zh).toContain(words);
    }
  });

  it('shows no memory that was free long ago, and of one that is away nothing but that', () => {
    const stored = { ...instance, reported: live };
    expect(renderInstance(stored, undefined, chatEn.admin, 'en')[1]).toBe('  ComfyUI 0.8.0 · RTX 4090');
    expect(renderInstance({ ...stored, alive: false }, undefined, chatEn.admin, 'en')).toEqual(['gpu0: away, 1 job']);
    const starting = { ...live, state: 'waiting_for_comfyui' as const };
    expect(renderInstance(instance, starting, chatEn.admin, 'en')[0]).toBe('gpu0: away, 1 job');
  });
});
