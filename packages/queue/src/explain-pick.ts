import type { PickReason } from './pick-job.ts';

/** Why a job comes when it does; `posted`: it lies in a ComfyUI's own queue already. */
export type PlannedReason = PickReason | 'posted';

/** One pick of a look ahead, in the order in which they will be made: see `forecastQueue`. */
export interface PlannedPick {
  id: string;
  personId: string;
  reason: PlannedReason;
}

export interface ExplainInput {
  /** What will be picked, first to last; nothing after the job itself is read. */
  picks: readonly PlannedPick[];
  jobId: string;
  /** Never shown are ids: the name by which the reader knows a person. */
  nameOf: (personId: string) => string;
}

/** People named one by one; the rest are counted. */
const MAX_NAMED = 3;

/**
 * Says in words why a job waits, and why it is next after that: `2 of Mei's jobs run first because Mei has had less GPU
 * time; then yours keeps the model loaded.`
 *
 * @returns `undefined` for a job that is not among the picks.
 */
export function explainPick(input: ExplainInput, language: 'en' | 'zh'): string | undefined {
  const at = input.picks.findIndex((pick) => pick.id === input.jobId);
  const own = input.picks[at];
  if (own === undefined) return undefined;
  const groups = new Map<string, PlannedPick[]>();
  for (const pick of input.picks.slice(0, at)) {
    const group = groups.get(pick.personId);
    if (group === undefined) groups.set(pick.personId, [pick]);
    else group.push(pick);
  }
  const mine = groups.get(own.personId)?.length ?? 0;
  groups.delete(own.personId);
  const others = [...groups].map(([personId, picks]) => ({
    name: input.nameOf(personId),
    count: picks.length,
    reason: mostFrequent(picks),
  }));
  const named = others.slice(0, MAX_NAMED);
  const rest = others.slice(MAX_NAMED).reduce((sum, { count }) => sum + count, 0);
  const words = language === 'en' ? english : chinese;
  const parts = named.map((group) => words.others(group));
  if (rest > 0) parts.push(words.rest(rest));
  if (mine > 0) parts.push(words.mine(mine));
  return words.sentence(parts, own.reason);
}

interface Group {
  name: string;
  count: number;
  reason: PlannedReason;
}

interface Words {
  others(group: Group): string;
  rest(count: number): string;
  mine(count: number): string;
  sentence(parts: readonly string[], reason: PlannedReason): string;
}

const english: Words = {
  others: ({ name, count, reason }) => {
    const what = count === 1 ? `1 of ${name}'s jobs runs first` : `${count} of ${name}'s jobs run first`;
    const why: Record<PlannedReason, string> = {
      least_served: `because ${name} has had less GPU time`,
      resident: count === 1 ? 'because its model is loaded' : 'because their model is loaded',
      batch_waited: count === 1 ? 'because it has waited very long' : 'because they have waited very long',
      priority: count === 1 ? 'because an operator put it first' : 'because an operator put them first',
      posted: count === 1 ? 'because it is on its way to the GPU' : 'because they are on their way to the GPU',
    };
    return `${what} ${why[reason]}`;
  },
  rest: (count) => `${count} more from other people`,
  mine: (count) => (count === 1 ? '1 earlier job of yours' : `${count} earlier jobs of yours`),
  sentence: (parts, reason) => {
    const end: Record<PlannedReason, string> = {
      least_served: 'it is your turn',
      resident: 'yours keeps the model loaded',
      batch_waited: 'yours, as it has waited very long',
      priority: 'yours, as an operator put it first',
      posted: 'yours, which is on its way to the GPU',
    };
    return parts.length === 0 ? `Next: ${end[reason]}.` : `${parts.join(', ')}; then ${end[reason]}.`;
  },
};

const chinese: Words = {
  others: ({ name, count, reason }) => {
    const why: Record<PlannedReason, string> = {
      least_served: `${name} 用的显卡时间较少`,
      resident: '所需模型已加载',
      batch_waited: '已等待很久',
      priority: '管理员已优先安排',
      posted: '已送往显卡',
    };
    return `${name} 的 ${count} 个任务先运行(${why[reason]})`;
  },
  rest: (count) => `其他人还有 ${count} 个任务`,
  mine: (count) => `您之前的 ${count} 个任务`,
  sentence: (parts, reason) => {
    const end: Record<PlannedReason, string> = {
      least_served: '轮到您',
      resident: '您的任务接着用已加载的模型',
      batch_waited: '您的任务因久等而优先',
      priority: '您的任务已由管理员优先安排',
      posted: '您的任务已送往显卡',
    };
    return parts.length === 0 ? `下一个:${end[reason]}。` : `${parts.join(',')};然后${end[reason]}。`;
  },
};

/** The first among equals, so that the words do not flicker. */
function mostFrequent(picks: readonly PlannedPick[]): PlannedReason {
  const counts = new Map<PlannedReason, number>();
  for (const { reason } of picks) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
