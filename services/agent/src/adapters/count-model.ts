import { countStall, type ServiceCounters } from '@atelier/shared/metrics/service-counters';
import { costOf, type ModelPrice } from '../loop/model-prices.ts';
import type { ClaudeModelOptions } from './claude-model.ts';

/** Counts what the language model costs, how often it is asked again, and the waits that its limits ask for. */
export function countModel(
  counters: ServiceCounters,
  price: ModelPrice,
): Required<Pick<ClaudeModelOptions, 'onUsage' | 'onRetry'>> {
  const tokens = (kind: string, count: number): void => {
    if (count > 0) counters.add('atelier_model_tokens_total', { kind }, count);
  };
  return {
    onUsage(usage, outcome) {
      counters.add('atelier_model_replies_total', { outcome });
      tokens('input', usage.inputTokens);
      tokens('output', usage.outputTokens);
      tokens('cache_read', usage.cacheReadTokens);
      tokens('cache_write', usage.cacheWriteTokens);
      counters.add('atelier_model_dollars_total', {}, costOf(usage, price).microDollars / 1e6);
    },
    onRetry(reason, waitMs) {
      counters.add('atelier_model_retries_total', { reason });
      if (reason === 'rate_limited' || reason === 'overloaded') countStall(counters, 'claude', waitMs);
    },
  };
}
