import type { ConditionalDefault } from './recipe.ts';

/** Steps that distilled models need, by file name. */
export const fastSteps: readonly ConditionalDefault<number>[] = [
  { match: 'lightning', value: 8 },
  { match: 'hyper', value: 8 },
  { match: 'turbo', value: 6 },
  { match: 'lcm', value: 8 },
];

/** Prompt weights that distilled models stand. */
export const fastCfg: readonly ConditionalDefault<number>[] = [
  { match: 'lightning', value: 1.5 },
  { match: 'hyper', value: 1.5 },
  { match: 'turbo', value: 1.5 },
  { match: 'lcm', value: 1.5 },
];
