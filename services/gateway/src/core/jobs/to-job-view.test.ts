import { describe, expect, it } from 'vitest';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { jobRecord, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { jobViewSchema } from './job-view.ts';
import { toJobView } from './to-job-view.ts';

const at = new Date('2026-01-02T03:04:05Z');
const id = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';
const request = requestRecord({
  id,
  door: 'api',
  personId: 'b4f5a3a2-3c53-4c0f-8f0a-5a7a1d7c9e21',
  place: { door: 'api', id: 'account', threadId: 'studio' },
  body: { kind: 'imagine', options: { prompt: `a  fox\n${'in snow '.repeat(30)}` } },
  state: 'working',
  version: 3,
  agentEpoch: 1,
  jobsTotal: 2,
  jobsOpen: 2,
  createdAt: at,
  updatedAt: at,
});
const hash = 'a'.repeat(64);
type Part = Pick<JobWithOutputs, 'id' | 'index' | 'state'> & Partial<JobWithOutputs>;
const job = ({ index, ...part }: Part): JobWithOutputs =>
  jobRecord(index, { requestId: id, recipe: 'text-to-image', attempts: 1, ...part });
const first = '0b7a3a52-52f0-4a4e-9c4f-35a3f0a5a001';
const second = '0b7a3a52-52f0-4a4e-9c4f-35a3f0a5a002';
const life = { progressOf: (jobId: string) => (jobId === second ? 0.5 : undefined), waitingOf: () => undefined };
const output = { index: 0, hash, mediaType: 'image/png', bytes: 9, nodeId: '9', filename: 'f.png' };

describe('a job as programs read it', () => {
  it('runs when one of its runs has started, and counts its pictures over all runs', () => {
    const jobs = [
      job({ id: first, index: 0, state: 'succeeded', finishedAt: at, outputs: [output, { ...output, index: 1 }] }),
      job({ id: second, index: 1, state: 'running', outputs: [output] }),
    ];
    const view = jobViewSchema.parse(toJobView({ request, jobs }, life));
    expect(view).toMatchObject({ status: 'running', progress: 0.75, version: 5, clientId: 'studio' });
    expect(view.outputs.map(({ picture, runId }) => [picture, runId])).toEqual([
      [0, first],
      [1, first],
      [2, second],
    ]);
    expect(view.title).toMatch(/^a fox in snow .*…$/);
    expect(view.title.length).toBeLessThanOrEqual(120);
  });

  it('waits while none has', () => {
    const jobs = [job({ id: first, index: 0, state: 'posted' })];
    expect(toJobView({ request, jobs }, life).status).toBe('queued');
    expect(toJobView({ request: { ...request, state: 'asking' }, jobs: [] }, life).status).toBe('asking');
  });

  it('rises in version with its runs', () => {
    const before = toJobView({ request, jobs: [job({ id: first, index: 0, state: 'posted', version: 4 })] }, life);
    const after = toJobView({ request, jobs: [job({ id: first, index: 0, state: 'running', version: 5 })] }, life);
    expect(after.version).toBeGreaterThan(before.version);
  });

  it('says why it failed, in a code of ours and with what its run knows', () => {
    const message = { en: 'Too large for this GPU.', zh: '显存不足。' };
    const failed = { ...request, state: 'failed' as const, finishedAt: at, error: { code: 'out_of_memory', message } };
    const jobs = [
      job({ id: first, index: 0, state: 'failed', error: { code: 'out_of_memory', message, nodeId: '3' } }),
    ];
    const { error, progress } = toJobView({ request: failed, jobs }, life);
    expect(error).toEqual({ code: 'WORKFLOW_EXECUTION_ERROR', reason: 'out_of_memory', message, nodeId: '3' });
    expect(progress).toBe(1);
  });
});
