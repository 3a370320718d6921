import { describe, expect, it, vi } from 'vitest';
import type { Held } from '@atelier/shared/db/jobs/job-transitions';
import { AppError } from '@atelier/shared/errors/app-error';
import { createJobMarks, type JobMarksOptions } from './job-marks.ts';

const lease = { jobId: 'j', epoch: 1, instance: { instanceId: 'gpu0', holder: 'h', epoch: 1 } };
const held: Held = { held: true, cancelRequested: false };

function marksOf(changes: Partial<JobMarksOptions> & { answer?: (mark: string) => Promise<Held> } = {}) {
  const written: string[] = [];
  const write = (mark: string) => (): Promise<Held> => {
    written.push(mark);
    return changes.answer?.(mark) ?? Promise.resolve(held);
  };
  const marks = createJobMarks({
    store: { posted: write('posted'), running: write('running') },
    lease,
    retryMs: 1,
    gatherMs: 0,
    signal: new AbortController().signal,
    onCancelWanted: () => {},
    onLost: () => {},
    onTrouble: () => {},
    ...changes,
  });
  return { marks, written };
}

describe('createJobMarks', () => {
  it('writes one after the other', async () => {
    const { marks, written } = marksOf();
    marks.posted();
    await marks.settled();
    marks.running();
    await marks.settled();
    expect(written).toEqual(['posted', 'running']);
  });

  it('leaves out what is overtaken before it was sent', async () => {
    const { marks, written } = marksOf();
    marks.posted();
    marks.running();
    await marks.settled();
    expect(written).toEqual(['running']);
  });

  it('writes nothing of a prompt that is over at once, and what is left when asked to', async () => {
    const quick = marksOf({ gatherMs: 60_000 });
    quick.marks.running();
    await quick.marks.close();
    expect(quick.written).toEqual([]);
    const failed = marksOf({ gatherMs: 60_000 });
    failed.marks.running();
    await failed.marks.flush();
    expect(failed.written).toEqual(['running']);
  });

  it('takes a mark that comes while another is being written', async () => {
    let answer: (answered: Held) => void = () => {};
    const { marks, written } = marksOf({
      answer: (mark) => (mark === 'posted' ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(held)),
    });
    marks.posted();
    await vi.waitFor(() => expect(written).toEqual(['posted']));
    marks.running();
    answer(held);
    await marks.settled();
    expect(written).toEqual(['posted', 'running']);
  });

  it('tells of a stored cancel and of a lost lease', async () => {
    const onCancelWanted = vi.fn<() => void>();
    const onLost = vi.fn<() => void>();
    const answers: Held[] = [{ held: true, cancelRequested: true }, { held: false }];
    const { marks } = marksOf({ onCancelWanted, onLost, answer: () => Promise.resolve(answers.shift() ?? held) });
    marks.posted();
    await marks.settled();
    expect(onCancelWanted).toHaveBeenCalledOnce();
    marks.running();
    await marks.settled();
    expect(onLost).toHaveBeenCalledOnce();
  });

  it('repeats `running` until Postgres answers, and never `posted`, which would be refused the second time', async () => {
    let away = 2;
    const answer = (): Promise<Held> =>
      away-- > 0 ? Promise.reject(new AppError('unavailable', 'away')) : Promise.resolve(held);
    const { marks, written } = marksOf({ answer });
    marks.posted();
    await marks.settled();
    marks.running();
    await marks.settled();
    expect(written).toEqual(['posted', 'running', 'running']);
  });

  it('does not repeat what failed by a bug', async () => {
    const onTrouble = vi.fn<() => void>();
    const { marks, written } = marksOf({ onTrouble, answer: () => Promise.reject(new Error('bug')) });
    marks.running();
    await marks.settled();
    expect([written.length, onTrouble.mock.calls.length]).toEqual([1, 1]);
  });
});
