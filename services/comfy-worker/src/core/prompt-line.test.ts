import { describe, expect, it, vi } from 'vitest';
import { createPromptLine, type LineEntry, type LineJob } from './prompt-line.ts';

const jobOf = (id: string): LineJob => ({ id, class: 'interactive', epoch: 1, promptId: `prompt-${id}` });

function lineOf(depth = 2) {
  let now = 0;
  const onChange = vi.fn<() => void>();
  const line = createPromptLine({ depth, prepareAheadMs: 10_000, postAheadMs: 3_000, now: () => now, onChange });
  const enter = (id: string, expectedMs?: number): LineEntry => line.enter(jobOf(id), expectedMs);
  return { line, enter, onChange, pass: (ms: number) => (now += ms) };
}

describe('createPromptLine', () => {
  it('lets the first job be picked and posted at once', () => {
    const { line, enter } = lineOf();
    expect(line.msUntilPick()).toBe(0);
    expect(line.msUntilPost(enter('a', 60_000))).toBe(0);
  });

  it('prepares the next when the running one has ten seconds left, and posts it when it has three', () => {
    const { line, enter, pass } = lineOf();
    const first = enter('a', 60_000);
    first.moveTo('waiting');
    first.moveTo('running');
    expect(line.msUntilPick()).toBe(50_000);
    pass(50_000);
    expect(line.msUntilPick()).toBe(0);
    const second = enter('b', 60_000);
    expect(line.msUntilPick()).toBe(Infinity);
    expect(line.msUntilPost(second)).toBe(7_000);
    pass(7_000);
    expect(line.msUntilPost(second)).toBe(0);
  });

  it('posts at once behind a job of which nobody knows how long it takes, but not before it', () => {
    const { line, enter } = lineOf();
    const first = enter('a');
    const second = enter('b');
    expect(line.msUntilPost(second)).toBe(Infinity);
    first.moveTo('waiting');
    expect(line.msUntilPost(second)).toBe(0);
  });

  it('believes progress that is quicker than what was measured', () => {
    const { line, enter, pass } = lineOf();
    const first = enter('a', 60_000);
    first.moveTo('running');
    pass(5_000);
    first.progress(0.5);
    expect(line.msUntilPick()).toBe(0);
  });

  it('holds one job at depth 1', () => {
    const { line, enter } = lineOf(1);
    const first = enter('a', 100);
    first.moveTo('running');
    expect(line.msUntilPick()).toBe(Infinity);
    first.moveTo('ended');
    expect(line.msUntilPick()).toBe(0);
  });

  it('keeps one more ready behind quick jobs, and posts no third', () => {
    const { line, enter } = lineOf();
    const entries = [enter('a', 100), enter('b', 100)];
    for (const entry of entries) entry.moveTo('waiting');
    expect(line.msUntilPick()).toBe(0);
    const third = enter('c', 100);
    expect(line.msUntilPick()).toBe(Infinity);
    expect(line.msUntilPost(third)).toBe(Infinity);
    entries[0]?.moveTo('ended');
    expect(line.msUntilPost(third)).toBe(0);
  });

  it('keeps several ready behind jobs that are over before the next is picked', () => {
    const { line, enter } = lineOf();
    expect(line.msUntilPick([1, 1, 1])).toBe(0);
    const entries = Array.from({ length: 33 }, (_, at) => enter(`job-${at}`, 1));
    // There is room for one more behind the two that are posted, but one is not worth a commit.
    expect(line.msUntilPick()).toBe(Infinity);
    for (const entry of entries.slice(0, 14)) entry.moveTo('ended');
    expect(line.msUntilPick()).toBe(Infinity);
    entries[14]?.moveTo('ended');
    expect(line.msUntilPick()).toBe(0);
    expect(line.msUntilPick(Array.from({ length: 15 }, () => 1))).toBe(0);
    expect(line.msUntilPick(Array.from({ length: 16 }, () => 1))).toBe(Infinity);
  });

  it('counts what is just being chosen as if it stood in line', () => {
    const { line, enter } = lineOf();
    enter('a', 5);
    expect(line.msUntilPick([5])).toBe(0);
    expect(line.msUntilPick([5, 30])).toBe(0);
    expect(line.msUntilPick([5, 30, 30])).toBe(Infinity);
    expect(line.msUntilPick([5, 600])).toBe(Infinity);
    // Nobody knows what it takes.
    expect(line.msUntilPick([5, undefined])).toBe(Infinity);
  });

  it('keeps nothing ready behind a run that takes longer than its kind did, until one is in time again', () => {
    const { line, enter, pass } = lineOf();
    const [first, second, third] = ['a', 'b', 'c', 'd'].map((id) => enter(id, 5));
    first?.moveTo('running');
    second?.moveTo('waiting');
    pass(505);
    expect([line.tooMany(), line.msUntilPick()]).toEqual([[], 0]);
    pass(1);
    expect(line.tooMany().map(({ jobId }) => jobId)).toEqual(['c', 'd']);
    expect(line.msUntilPick()).toBe(Infinity);
    for (const entry of line.tooMany()) entry.leave();
    first?.moveTo('ended');
    // What waits in ComfyUI has not started: whether it is late nobody knows, and the one before it was.
    expect([line.tooMany(), line.msUntilPick(), line.msUntilPick([5])]).toEqual([[], 0, Infinity]);
    second?.moveTo('running');
    pass(5);
    second?.moveTo('ended');
    expect(third?.place).toBe('preparing');
    expect(line.msUntilPick([5, 5, 5])).toBe(0);
  });

  it('counts a job whose outputs are being stored as ours, and not as in ComfyUI', () => {
    const { line, enter } = lineOf();
    const first = enter('a');
    first.moveTo('ended');
    expect([line.open().length, line.has('a'), [...line.promptIds()]]).toEqual([0, true, ['prompt-a']]);
    first.moveTo('running');
    expect(first.place).toBe('ended');
    first.leave();
    expect(line.has('a')).toBe(false);
  });

  it('wakes who waits for its turn, and tells of every change', async () => {
    const { line, enter, onChange } = lineOf();
    const first = enter('a', 60_000);
    first.moveTo('running');
    const second = enter('b');
    const turn = line.untilPost(second, []);
    first.moveTo('ended');
    await turn;
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it('lets go of who waits for its turn when it is called back', async () => {
    const { line, enter } = lineOf();
    enter('a', 60_000).moveTo('running');
    const second = enter('b');
    const turn = line.untilPost(second, [second.recalled]);
    second.recall('paused');
    await turn;
    expect(second.recalled.aborted).toBe(true);
  });
});
