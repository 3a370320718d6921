import type { QueueSnapshot } from '../jobs/queue-snapshot.ts';

type QueuedJob = QueueSnapshot['queued'][number];
type ActiveJob = QueueSnapshot['active'][number];
type Instance = QueueSnapshot['instances'][number];

/** A waiting job of ten expected seconds that runs anywhere; its number is its place in the order of arrival. */
export function queuedJobOf(id: string, personId: string, overrides: Partial<QueuedJob> = {}): QueuedJob {
  return {
    id,
    requestId: id,
    personId,
    seq: Number(id.replaceAll(/\D/g, '')),
    class: 'interactive',
    recipe: 'sdxl',
    residencyKey: 'sdxl',
    estimateKey: 'sdxl',
    estimatedGpuSeconds: 10,
    classes: ['KSampler'],
    waitedSeconds: 0,
    models: [],
    vramGb: 0,
    priority: 0,
    model: 'sdxl',
    steps: 20,
    pixels: 1_048_576,
    loras: 0,
    images: 1,
    promised: false,
    ...overrides,
  };
}

/** A job that has run on `gpu0` for five seconds. */
export function activeJobOf(id: string, personId: string, overrides: Partial<ActiveJob> = {}): ActiveJob {
  return { ...queuedJobOf(id, personId), state: 'running', instanceId: 'gpu0', ranSeconds: 5, ...overrides };
}

export function instanceOf(id: string, overrides: Partial<Instance> = {}): Instance {
  return {
    id,
    alive: true,
    paused: false,
    residentKey: 'sdxl',
    residentSeconds: 0,
    registryHash: 'r1',
    vramGb: 24,
    reservedFor: null,
    answers: true,
    foreignPrompts: 0,
    ...overrides,
  };
}

/** An empty queue before one GPU that holds `sdxl`. */
export function snapshotOf(overrides: Partial<QueueSnapshot> = {}): QueueSnapshot {
  return {
    version: 1,
    at: 1_000,
    floorGpuSeconds: 0,
    queued: [],
    active: [],
    shares: [],
    instances: [instanceOf('gpu0')],
    measured: [],
    ...overrides,
  };
}
