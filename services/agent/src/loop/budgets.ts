import type { RequestCost } from '@atelier/shared/contracts/request';
import type { LocalText } from '../core/words-plan.ts';

/** How much a run may use. Zero means no limit, the iterations apart. */
export interface RunBudgets {
  /** Replies of the model. */
  maxIterations: number;
  /** Tokens that the model reads and writes; those read from its cache count a tenth, as they cost. */
  runTokens: number;
  runMicroDollars: number;
  /** GPU seconds that the run's own jobs are expected to take. */
  runGpuSeconds: number;
  /** Of a person's runs in one day (UTC). */
  personDayMicroDollars: number;
  /** Of everybody's runs in one day (UTC). */
  dayMicroDollars: number;
  /** Tokens of conversation beyond which a run is compacted. */
  contextTokens: number;
}

export const DEFAULT_BUDGETS: RunBudgets = {
  maxIterations: 24,
  runTokens: 400_000,
  runMicroDollars: 1_000_000,
  runGpuSeconds: 1_800,
  personDayMicroDollars: 0,
  dayMicroDollars: 0,
  contextTokens: 60_000,
};

export interface Spent {
  iterations: number;
  cost: RequestCost;
  personDayMicroDollars: number;
  dayMicroDollars: number;
}

export type Exhausted = 'iterations' | 'tokens' | 'money' | 'person_day' | 'day';

/** Which budget leaves no room for one more reply of the model. */
export function exhaustedBudget(budgets: RunBudgets, spent: Spent): Exhausted | undefined {
  const { cost } = spent;
  const tokens = cost.inputTokens + cost.outputTokens + cost.cacheWriteTokens + cost.cacheReadTokens / 10;
  if (spent.iterations >= budgets.maxIterations) return 'iterations';
  if (isOver(tokens, budgets.runTokens)) return 'tokens';
  if (isOver(cost.microDollars, budgets.runMicroDollars)) return 'money';
  if (isOver(spent.personDayMicroDollars, budgets.personDayMicroDollars)) return 'person_day';
  if (isOver(spent.dayMicroDollars, budgets.dayMicroDollars)) return 'day';
  return undefined;
}

function isOver(used: number, budget: number): boolean {
  return budget > 0 && used >= budget;
}

/** Why the run ended, as the end of a sentence. */
export const EXHAUSTED_WORDS: Readonly<Record<Exhausted, LocalText>> = {
  iterations: { en: 'it took too many steps', zh: '步骤过多' },
  tokens: { en: 'the limit of text for one request is reached', zh: '已达到单个请求的文本上限' },
  money: { en: 'the budget of one request is used up', zh: '单个请求的预算已用完' },
  person_day: { en: 'your budget for today is used up', zh: '你今天的预算已用完' },
  day: { en: "today's budget of this server is used up", zh: '此服务器今天的预算已用完' },
};
