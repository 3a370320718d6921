/** The processes of a platform under chaos: two ComfyUIs, the first with a second worker standing by. */
export const workerKeys = ['worker-1', 'worker-1b', 'worker-2'] as const;
export type WorkerKey = (typeof workerKeys)[number];
export const processKeys = ['bot', 'agent', ...workerKeys] as const;
export type ProcessKey = (typeof processKeys)[number];

export const gpus = [0, 1] as const;
export type Gpu = (typeof gpus)[number];

/** The ComfyUI that a worker looks after. */
export function gpuOf(worker: WorkerKey): Gpu {
  return worker === 'worker-2' ? 1 : 0;
}

/** What is done to a platform. Times in ms. */
export type ChaosFault =
  /** SIGKILL, and started again after `downMs`. */
  | { kind: 'kill'; targets: readonly ProcessKey[]; downMs: number }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { kind: 'stall'; worker: WorkerKey; forMs: number }
  /** SIGKILL; `wipe` removes its directory before it is started again. */
  | { kind: 'nats'; wipe: boolean; downMs: number }
  /** SIGKILL of the postmaster. */
  | { kind: 'postgres'; downMs: number }
  | { kind: 'comfyui'; gpu: Gpu; downMs: number }
  | { kind: 'lost-post-answer'; gpu: Gpu; mode: 'reset' | 'silence' }
  /** The next POST takes effect only later, also when its sender is gone by then. */
  | { kind: 'slow-post'; gpu: Gpu; delayMs: number }
  | { kind: 'close-sockets'; gpu: Gpu }
  | { kind: 'silent-socket'; gpu: Gpu; forMs: number }
  | { kind: 'drop-events'; gpu: Gpu; probability: number; seed: number; forMs: number };
