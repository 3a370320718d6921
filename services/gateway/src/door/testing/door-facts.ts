import type { JobOutput } from '@atelier/shared/contracts/job';
import type { DoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { JobFacts } from '../../core/jobs/to-job-view.ts';

export const personId = '7f4d7c1e-30a5-4c6b-8a39-111111111111';
export const requestId = '00000000-0000-4000-8000-000000000001';
const jobId = '00000000-0000-4000-8000-000000000002';
const at = new Date('2026-01-02T00:00:00.000Z');

export const doorPrompt: DoorPrompt = {
  requestId,
  personId,
  promptId: 'b14560e3-38b2-4145-8166-acdc3040da73',
  number: 7,
  clientId: 'editor',
  extraDataText: '{"extra_pnginfo":{"workflow":{"id":"w1"}}}',
  outputs: ['9'],
  createdAt: at,
};

export const workflow = {
  '3': { class_type: 'KSampler', inputs: { seed: 1 } },
  '9': { class_type: 'SaveImage', inputs: { images: ['3', 0] } },
};

export function output(changes: Partial<JobOutput> = {}): JobOutput {
  return {
    index: 0,
    hash: 'a'.repeat(64),
    mediaType: 'image/png',
    bytes: 10,
    nodeId: '9',
    filename: 'fox_00001_.png',
    ...changes,
  };
}

/** A prompt's request and its one job, as the database tells of them. */
export function factsOf(
  state: RequestRecord['state'],
  job: Partial<Pick<JobWithOutputs, 'state' | 'outputs' | 'error' | 'startedAt'>> = {},
): JobFacts {
  const isOver = ['succeeded', 'failed', 'cancelled', 'replied'].includes(state);
  const request: RequestRecord = {
    id: requestId,
    door: 'api',
    eventId: 'x',
    personId,
    personName: 'Mei',
    place: { door: 'api', id: 'mei' },
    language: 'en',
    body: { kind: 'workflow', workflowText: JSON.stringify(workflow) },
    state,
    version: 3,
    plan: null,
    reply: null,
    error: null,
    cancelRequestedAt: null,
    agentEpoch: 1,
    jobsTotal: 1,
    jobsOpen: isOver ? 0 : 1,
    jobsSucceeded: state === 'succeeded' ? 1 : 0,
    createdAt: at,
    updatedAt: at,
    finishedAt: isOver ? new Date(at.getTime() + 5_000) : null,
    question: null,
    isPrivate: false,
    parentRequestId: null,
    parentPicture: null,
    cost: null,
  };
  const one: Pick<JobWithOutputs, 'id' | 'requestId' | 'index' | 'state' | 'outputs' | 'error' | 'startedAt'> = {
    id: jobId,
    requestId,
    index: 0,
    state: isOver ? 'succeeded' : 'queued',
    outputs: [],
    error: null,
    startedAt: isOver ? new Date(at.getTime() + 1_000) : null,
    ...job,
  };
  return { request, jobs: [one as JobWithOutputs] };
}
