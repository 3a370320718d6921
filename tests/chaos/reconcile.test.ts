import { describe, expect, it } from 'vitest';
import { isKept, reconcile, type Evidence, type Execution } from './reconcile.ts';

const request = (id: string, results = 1, pictures = 1) => ({
  id,
  state: 'succeeded',
  errorCode: undefined,
  results,
  pictures,
});
const run = (jobId: string, startedAt: number, outcome: Execution['outcome'] = 'success', gpu = 0): Execution => ({
  gpu,
  jobId,
  startedAt,
  endedAt: startedAt + 10,
  outcome,
});
const found = (evidence: Partial<Evidence>) =>
  reconcile({
    accepted: [{ requestId: 'a', images: 1 }],
    secondAnswers: [],
    requests: [request('a')],
    executions: [],
    crashes: [],
    stalls: [],
    ...evidence,
  });

describe('reconcile', () => {
  it('finds nothing where every accepted request has one result', () => {
    const result = found({ executions: [run('j', 0)] });
    expect(result).toMatchObject({ accepted: 1, lost: [], doubled: [], states: { succeeded: 1 } });
    expect(isKept(result)).toBe(true);
  });

  it.each([
    ['has no row', { requests: [] }],
    ['has no result', { requests: [request('a', 0)] }],
    ['lacks a picture', { accepted: [{ requestId: 'a', images: 2 }] }],
  ])('counts as lost what %s', (_what, evidence) => {
    const result = found(evidence);
    expect(result.lost).toEqual(['a']);
    expect(isKept(result)).toBe(false);
  });

  it.each([
    ['two results', { requests: [request('a', 2)] }, 'a'],
    ['a request that nobody was told of', { requests: [request('a'), request('b')] }, 'b'],
    ['two requests of one event', { secondAnswers: [{ first: 'a', second: 'c' }] }, 'c'],
  ])('counts as doubled %s', (_what, evidence, id) => {
    const result = found(evidence);
    expect(result.doubled).toEqual([id]);
    expect(isKept(result)).toBe(false);
  });

  it('tells repeats apart by what excuses them', () => {
    const executions = [run('j', 100), run('j', 300)];
    expect(found({ executions }).repeats.underKills).toEqual(['j']);
    expect(isKept(found({ executions }))).toBe(false);
    const during = { gpu: 0, from: 120, to: 200 };
    expect(found({ executions, crashes: [during] }).repeats).toMatchObject({ underKills: [], afterComfyCrash: ['j'] });
    expect(found({ executions, stalls: [during] }).repeats).toMatchObject({ underKills: [], underStalls: ['j'] });
    expect(found({ executions, crashes: [{ ...during, gpu: 1 }] }).repeats.underKills).toEqual(['j']);
    expect(found({ executions, crashes: [{ gpu: 0, from: 0, to: 90 }] }).repeats.underKills).toEqual(['j']);
  });

  it('does not call it a repeat when the first run did not end', () => {
    const result = found({ executions: [run('j', 0, 'crashed'), run('j', 50, 'interrupted'), run('j', 90)] });
    expect(result.repeats).toEqual({ underKills: [], afterComfyCrash: [], underStalls: [] });
    expect(result.begunAgain).toBe(1);
  });
});
