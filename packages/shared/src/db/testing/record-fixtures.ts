import type { JobOutput } from '../../contracts/job.ts';
import type { JobWithOutputs } from '../jobs/job-row.ts';
import type { RequestRecord } from '../requests/request-row.ts';

/*
 * Records as repositories give them, for tests of what is made of them: cards, views, answers. Those that stand in a
 * database are made by `queue-fixtures`. Import it as `@atelier/shared/db/testing/record-fixtures`.
 */

const at = new Date('2026-03-04T05:06:07Z');

/** A request in words that was just accepted, of Mei on the page. */
export function requestRecord(overrides: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: '11111111-1111-4111-8111-111111111111',
    door: 'web',
    eventId: 'event',
    personId: '22222222-2222-4222-8222-222222222222',
    personName: 'Mei',
    place: { door: 'web', id: 'mei' },
    language: 'en',
    body: { kind: 'words', text: 'a red fox in snow, portrait, 2 images' },
    state: 'accepted',
    version: 1,
    plan: null,
    reply: null,
    error: null,
    cancelRequestedAt: null,
    agentEpoch: 0,
    jobsTotal: 0,
    jobsOpen: 0,
    jobsSucceeded: 0,
    createdAt: at,
    updatedAt: at,
    finishedAt: null,
    question: null,
    isPrivate: false,
    parentRequestId: null,
    parentPicture: null,
    cost: null,
    ...overrides,
  };
}

/** What `requestRecord` is planned as. */
export const plan: NonNullable<RequestRecord['plan']> = {
  recipe: 'text-to-image-sdxl',
  recipeTitle: { en: 'Text to image', zh: '文生图' },
  model: 'sd_xl_base_1.0.safetensors',
  prompt: 'a red fox in snow',
  negative: 'text',
  width: 768,
  height: 1024,
  count: 2,
  seed: '7',
  steps: 20,
  notes: [{ en: 'Not translated.', zh: '未翻译。' }],
};

/** A job of `requestRecord` that waits. */
export function jobRecord(index: number, overrides: Partial<JobWithOutputs> = {}): JobWithOutputs {
  return {
    id: `3333333${index}-3333-4333-8333-333333333333`,
    requestId: '11111111-1111-4111-8111-111111111111',
    personId: '22222222-2222-4222-8222-222222222222',
    index,
    seq: index + 1,
    class: 'interactive',
    recipe: 'text-to-image-sdxl',
    workflowText: '{}',
    inputs: [],
    classes: [],
    residencyKey: 'sdxl',
    estimateKey: 'sdxl20',
    estimatedGpuSeconds: 10,
    images: 1,
    timeLimitSeconds: 60,
    state: 'queued',
    version: 1,
    epoch: 0,
    instanceId: null,
    promptId: null,
    postedAt: null,
    attempts: 0,
    crashes: 0,
    outOfMemory: 0,
    takeovers: 0,
    cancelRequestedAt: null,
    error: null,
    gpuSeconds: null,
    queuedAt: at,
    startedAt: null,
    finishedAt: null,
    outputs: [],
    ...overrides,
  };
}

/** @param hashDigit of which its hash is made. */
export function jobOutput(hashDigit: string): JobOutput {
  return {
    index: 0,
    hash: hashDigit.repeat(64),
    mediaType: 'image/png',
    bytes: 1_000,
    width: 768,
    height: 1024,
    thumbnailHash: 'f'.repeat(64),
    nodeId: '9',
    filename: 'fox.png',
  };
}

/** A job that has ended well. */
export function finishedJob(index: number): JobWithOutputs {
  return jobRecord(index, { state: 'succeeded', finishedAt: at, outputs: [jobOutput(String(index))] });
}

/** When records were made, and when those that ended did. */
export const endedAt = at;
