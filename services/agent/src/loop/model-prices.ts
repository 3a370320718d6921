import type { RequestCost } from '@atelier/shared/contracts/request';
import type { ModelUsage } from './model-port.ts';

/** US dollars for a million tokens. */
export interface ModelPrice {
  input: number;
  output: number;
  /** Kept for five minutes. */
  cacheWrite: number;
  cacheRead: number;
}

/** By the beginning of a model's id; the longest that fits decides. Of platform.claude.com, 2026-11. */
const PRICES: readonly (readonly [string, ModelPrice])[] = [
  ['claude-haiku-5-5', { input: 0.1, output: 0.5, cacheWrite: 0.125, cacheRead: 0.01 }],
  ['claude-haiku', { input: 1, output: 5, cacheWrite: 1.25, cacheRead: 0.1 }],
  ['claude-sonnet-5', { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.2 }],
  ['claude-sonnet', { input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0.3 }],
  ['claude-opus-5-5', { input: 4, output: 20, cacheWrite: 5, cacheRead: 0.4 }],
  ['claude-opus', { input: 5, output: 25, cacheWrite: 6.25, cacheRead: 0.5 }],
  ['claude-fable', { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 1 }],
];

/** Of a model that the table does not know: the dearest, so that a budget never lets through more than it says. */
const DEAREST: ModelPrice = { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 1 };

export function priceOf(model: string): ModelPrice {
  return PRICES.find(([prefix]) => model.startsWith(prefix))?.[1] ?? DEAREST;
}

/** What one answer of a model costs. Dollars for a million tokens are millionths of a dollar for one. */
export function costOf(usage: ModelUsage, price: ModelPrice): RequestCost {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  const microDollars =
    inputTokens * price.input +
    outputTokens * price.output +
    cacheReadTokens * price.cacheRead +
    cacheWriteTokens * price.cacheWrite;
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    microDollars: Math.ceil(microDollars),
    modelCalls: 1,
  };
}

/** Dollars, from millionths. */
export function dollars(microDollars: number): string {
  return `$${(microDollars / 1_000_000).toFixed(4)}`;
}

export const NO_COST: RequestCost = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  microDollars: 0,
  modelCalls: 0,
};
