import { describe, expect, it } from 'vitest';
import { explainPick, type PlannedPick } from './explain-pick.ts';

const names: Record<string, string> = { p1: 'Mei', p2: 'Ana', p3: 'Bo', p4: 'Li', p5: 'Kim' };
const nameOf = (personId: string): string => names[personId] ?? personId;
const pick = (id: string, personId: string, reason: PlannedPick['reason'] = 'least_served'): PlannedPick => ({
  id,
  personId,
  reason,
});

describe('explainPick', () => {
  it('says who goes first and why, then why this job follows', () => {
    const picks = [pick('a', 'p1'), pick('b', 'p1'), pick('mine', 'p2', 'resident'), pick('later', 'p3')];
    const input = { picks, jobId: 'mine', nameOf };
    expect(explainPick(input, 'en')).toBe(
      "2 of Mei's jobs run first because Mei has had less GPU time; then yours keeps the model loaded.",
    );
    expect(explainPick(input, 'zh')).toBe(
      'Mei 的 2 个任务先运行(Mei 用的显卡时间较少);然后您的任务接着用已加载的模型。',
    );
  });

  it('says why a job is next', () => {
    const input = { picks: [pick('mine', 'p1')], jobId: 'mine', nameOf };
    expect(explainPick(input, 'en')).toBe('Next: it is your turn.');
    expect(explainPick(input, 'zh')).toBe('下一个:轮到您。');
  });

  it('counts own earlier jobs apart, and people past the third together', () => {
    const picks = [
      pick('a', 'p2', 'resident'),
      pick('b', 'p3', 'batch_waited'),
      pick('c', 'p4'),
      pick('d', 'p5'),
      pick('e', 'p1'),
      pick('mine', 'p1', 'batch_waited'),
    ];
    expect(explainPick({ picks, jobId: 'mine', nameOf }, 'en')).toBe(
      "1 of Ana's jobs runs first because its model is loaded, 1 of Bo's jobs runs first because it has waited very long, " +
        "1 of Li's jobs runs first because Li has had less GPU time, 1 more from other people, 1 earlier job of yours; " +
        'then yours, as it has waited very long.',
    );
  });

  it('says nothing about a job that does not wait', () => {
    expect(explainPick({ picks: [], jobId: 'mine', nameOf }, 'en')).toBeUndefined();
  });
});
