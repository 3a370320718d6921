import type { QueueLimits } from '../../config/queue-settings.ts';
import { AppError } from '../../errors/app-error.ts';

/** What fills the queue, and what a person has used today and has open. Quotas are null where there is none. */
export interface QueueRoomFacts {
  /** Jobs of everybody that wait. */
  queued: number;
  openJobs: number;
  openImages: number;
  openGpuSeconds: number;
  usedImages: number;
  usedGpuSeconds: number;
  quotaJobs: number | null;
  quotaImages: number | null;
  quotaGpuSeconds: number | null;
}

/** What a plan would add. */
export interface QueueAddition {
  jobs: number;
  images: number;
  gpuSeconds: number;
}

/** Why a plan is refused, as a person reads it; undefined when there is room. */
export function refusalOf(
  facts: QueueRoomFacts,
  added: QueueAddition,
  limits: Pick<QueueLimits, 'maxQueued' | 'maxQueuedPerPerson'>,
): AppError | undefined {
  const mostJobs = Math.min(limits.maxQueuedPerPerson, facts.quotaJobs ?? Infinity);
  if (facts.openJobs + added.jobs > mostJobs) {
    return refused('person', {
      en: `You have ${facts.openJobs} of at most ${mostJobs} jobs open, and this would add ${added.jobs}. Wait for some to finish, cancel some, or ask for fewer.`,
      zh: `您已有 ${facts.openJobs} 个任务未完成（上限 ${mostJobs} 个），此请求还需 ${added.jobs} 个。请等待部分完成、取消一些，或减少数量。`,
    });
  }
  if (facts.quotaImages !== null && facts.usedImages + facts.openImages + added.images > facts.quotaImages) {
    const left = Math.max(0, facts.quotaImages - facts.usedImages - facts.openImages);
    return refused('images', {
      en: `You may make ${facts.quotaImages} pictures a day; ${left} are left, and this asks for ${added.images}. Ask for fewer, or again after midnight UTC.`,
      zh: `您每天最多可生成 ${facts.quotaImages} 张图片，今天还剩 ${left} 张，此请求需要 ${added.images} 张。请减少张数，或在 UTC 零点后再试。`,
    });
  }
  const usedSeconds = facts.usedGpuSeconds + facts.openGpuSeconds;
  if (facts.quotaGpuSeconds !== null && usedSeconds + added.gpuSeconds > facts.quotaGpuSeconds) {
    const [left, asked] = [Math.max(0, facts.quotaGpuSeconds - usedSeconds), added.gpuSeconds].map(Math.round);
    return refused('gpu_seconds', {
      en: `You have ${left} of ${facts.quotaGpuSeconds} GPU seconds left today, and this needs about ${asked}. Ask for smaller or fewer pictures, or again after midnight UTC.`,
      zh: `您今天的显卡时间还剩 ${left} 秒（每天 ${facts.quotaGpuSeconds} 秒），此请求约需 ${asked} 秒。请减小尺寸或张数，或在 UTC 零点后再试。`,
    });
  }
  if (facts.queued + added.jobs > limits.maxQueued) {
    return refused('queue', {
      en: `The queue is full: ${facts.queued} jobs wait. Try again in a few minutes.`,
      zh: `队列已满：有 ${facts.queued} 个任务在等待。请几分钟后再试。`,
    });
  }
  return undefined;
}

function refused(limit: 'person' | 'queue' | 'images' | 'gpu_seconds', publicMessage: { en: string; zh: string }) {
  return new AppError('rate_limited', `the queue has no room: ${limit}`, {
    retry: 'never',
    publicMessage,
    details: { limit },
  });
}
