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

/** `kill worker-1, bot`, `ComfyUI 2 away for 900 ms` */
export function describeFault(fault: ChaosFault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill ${fault.targets.join(', ')}`;
    case 'stall':
      return `stall ${fault.worker} for ${fault.forMs} ms`;
    case 'nats':
      return fault.wipe ? 'NATS killed and wiped' : 'NATS killed';
    case 'postgres':
      return 'Postgres killed';
    case 'comfyui':
      return `ComfyUI ${fault.gpu + 1} away for ${fault.downMs} ms`;
    case 'lost-post-answer':
      return `ComfyUI ${fault.gpu + 1} loses the answer to a POST (${fault.mode})`;
    case 'slow-post':
      return `ComfyUI ${fault.gpu + 1} takes a POST ${fault.delayMs} ms late`;
    case 'close-sockets':
      return `ComfyUI ${fault.gpu + 1} closes its sockets`;
    case 'silent-socket':
      return `ComfyUI ${fault.gpu + 1} is silent for ${fault.forMs} ms`;
    default:
      return `ComfyUI ${fault.gpu + 1} loses messages for ${fault.forMs} ms`;
  }
}
