import { describe, expect, test } from 'vitest';
import type { JobError } from '@atelier/shared/contracts/job';
import { compactRun } from './compact-run.ts';
import { exhaustedBudget, DEFAULT_BUDGETS } from './budgets.ts';
import { explainFailure } from './explain-failure.ts';
import { costOf, NO_COST, priceOf } from './model-prices.ts';
import { whyNoRepair, type FailedTry } from './run-failures.ts';
import type { RunStep } from './step.ts';

const error = (details: string, more: Partial<JobError> = {}): JobError => ({
  code: 'execution_error',
  message: { en: 'It failed.', zh: '失败。' },
  details,
  ...more,
});

describe('why a run failed, in words', () => {
  test.each([
    ['torch.OutOfMemoryError: Allocation on device', 'out_of_memory'],
    ["FileNotFoundError: [Errno 2] No such file or directory: 'x.safetensors'", 'missing_model'],
    ['Error(s) in loading state_dict for ControlNet: size mismatch for input_blocks', 'wrong_family'],
    ['mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)', 'size_mismatch'],
    ['The size of tensor a (64) must match the size of tensor b (128)', 'size_mismatch'],
    ['PIL.UnidentifiedImageError: cannot identify image file', 'broken_input'],
    ["KeyError: 'foo'", 'node_crash'],
  ])('%s is %s', (details, kind) => {
    expect(explainFailure(error(details)).text).toContain(`(${kind})`);
  });

  test.each([
    ['workflow_not_allowed', 'not_allowed'],
    ['time_limit', 'too_long'],
    ['quarantined', 'lost'],
    ['no_output', 'no_output'],
    ['input_missing', 'broken_input'],
  ])('the end %s is %s', (code, kind) => {
    expect(explainFailure(error('', { code })).text).toContain(`(${kind})`);
  });

  test('names the node', () => {
    expect(explainFailure(error('x', { nodeId: '3', classType: 'KSampler' })).text).toMatch(/^Node 3 \(KSampler\): /);
  });

  test('has the same signature where only numbers differ', () => {
    const one = explainFailure(error('Tried to allocate 4.00 GiB', { classType: 'KSampler' }));
    const other = explainFailure(error('Tried to allocate 2.50 GiB', { classType: 'KSampler' }));
    expect(one.signature).toBe(other.signature);
    expect(explainFailure(error('another thing')).signature).not.toBe(one.signature);
  });
});

describe('repairs', () => {
  const tries = (...details: string[]): FailedTry[] =>
    details.map((text) => ({ jobIds: [text], explained: explainFailure(error(text)), told: false }));

  test('are three, each of another failure', () => {
    expect(whyNoRepair(tries())).toBeUndefined();
    expect(whyNoRepair(tries('a', 'b', 'c'))).toBeUndefined();
    expect(whyNoRepair(tries('a', 'b', 'c', 'd'))).toContain('4 tries failed');
    expect(whyNoRepair(tries('a', 'b', 'a'))).toContain('same failure');
  });
});

describe('money', () => {
  test('is counted by the price of the model', () => {
    const usage = {
      inputTokens: 1_000_000,
      outputTokens: 1_000_000,
      cacheReadTokens: 1_000_000,
      cacheWriteTokens: 1_000_000,
    };
    expect(costOf(usage, priceOf('claude-sonnet-5-5')).microDollars).toBe(14_700_000);
    // What nobody knows is taken for the dearest.
    expect(priceOf('somebody-elses-model').output).toBeGreaterThanOrEqual(priceOf('claude-opus-5-5').output);
  });

  test('and tokens, steps and days end a run, zero meaning no limit', () => {
    const spent = { iterations: 1, cost: NO_COST, personDayMicroDollars: 5, dayMicroDollars: 5 };
    const none = { ...DEFAULT_BUDGETS, runTokens: 0, runMicroDollars: 0 };
    expect(
      exhaustedBudget(none, { ...spent, cost: { ...NO_COST, inputTokens: 10 ** 9, microDollars: 10 ** 9 } }),
    ).toBeUndefined();
    expect(exhaustedBudget({ ...none, maxIterations: 1 }, spent)).toBe('iterations');
    expect(
      exhaustedBudget({ ...none, runTokens: 100 }, { ...spent, cost: { ...NO_COST, cacheReadTokens: 999 } }),
    ).toBeUndefined();
    expect(
      exhaustedBudget({ ...none, runTokens: 100 }, { ...spent, cost: { ...NO_COST, cacheReadTokens: 1_000 } }),
    ).toBe('tokens');
    expect(exhaustedBudget({ ...none, personDayMicroDollars: 5 }, spent)).toBe('person_day');
    expect(exhaustedBudget({ ...none, dayMicroDollars: 5 }, spent)).toBe('day');
  });
});

test('a compacted run is bounded, and keeps its beginning and its last results', () => {
  const steps: RunStep[] = [
    { kind: 'user', seq: 0, content: [{ type: 'text', text: 'OPENING' }], cause: { kind: 'message', jobIds: [] } },
  ];
  const results = [];
  for (let seq = 1; seq <= 200; seq++) {
    steps.push({
      kind: 'reply',
      seq,
      content: [{ type: 'tool_use', id: `t${seq}`, name: 'search', input: { in: 'nodes' } }],
      stopReason: 'tool_use',
      contextTokens: 1,
    });
    results.push({
      seq,
      toolUseId: `t${seq}`,
      tool: 'search',
      isError: false,
      content: [{ type: 'text' as const, text: `result ${seq} ${'x'.repeat(9_000)}` }],
      jobIds: [],
    });
  }
  const text = compactRun(steps, results, 'STATE')
    .map((block) => (block.type === 'text' ? block.text : ''))
    .join('\n');
  expect(text).toMatch(/^OPENING/);
  expect(text).toContain('STATE');
  expect(text).toContain('result 200');
  expect(text.length).toBeLessThan(40_000);
});
