import { createRandomStream } from '../picture/random-stream.ts';
import type { RandomStream } from '../picture/random-stream.ts';
import type { Fault, FaultKind } from './fault.ts';

/** An exception that a fault puts into a node. */
export interface NodeFault {
  exceptionType: string;
  message: string;
}

/** A node of a prompt that runs. */
export interface NodePlace {
  nodeId: string;
  nodeClass: string;
  promptId: string;
}

export interface NodeFaults {
  takeNodeFault: (at: NodePlace) => NodeFault | undefined;
}

/** The faults in force. */
export interface FaultBoard extends NodeFaults {
  add: (fault: Fault) => void;
  /** Lifts all faults, or those of one kind. */
  clear: (kind?: FaultKind) => void;
  active: () => readonly Fault[];
  /** The fault of that kind in force, counting it as used. */
  take: <K extends FaultKind>(kind: K) => Extract<Fault, { kind: K }> | undefined;
  has: (kind: FaultKind) => boolean;
  /** Whether a message to that client gets lost. */
  losesMessage: (type: string, clientId: string) => boolean;
  /** Resolves when none of the kinds is in force; rejects when the signal fires. */
  whileNone: (kinds: readonly FaultKind[], signal: AbortSignal) => Promise<void>;
  /** Resolves when no prompt is held at that node; rejects when the signal fires. */
  whileNotHeld: (at: NodePlace, signal: AbortSignal) => Promise<void>;
}

interface Standing {
  fault: Fault;
  left: number;
  random: RandomStream;
}

function isAt(
  fault: { [K in keyof NodePlace]?: NodePlace[K] | undefined },
  { nodeId, nodeClass, promptId }: NodePlace,
): boolean {
  return (
    (fault.nodeId === undefined || fault.nodeId === nodeId) &&
    (fault.nodeClass === undefined || fault.nodeClass === nodeClass) &&
    (fault.promptId === undefined || fault.promptId === promptId)
  );
}

export function createFaultBoard(): FaultBoard {
  let standing: Standing[] = [];
  let waiting: (() => void)[] = [];

  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const resume of all) resume();
  };

  const use = (found: Standing): void => {
    found.left -= 1;
    if (found.left > 0) return;
    standing = standing.filter((other) => other !== found);
    wake();
  };

  /** Looks again whenever a fault is gone. */
  async function until(isFree: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isFree()) {
      await new Promise<void>((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(() => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        });
      });
    }
    signal.throwIfAborted();
  }

  const has = (kind: FaultKind): boolean => standing.some(({ fault }) => fault.kind === kind);

  return {
    add: (fault) => {
      const left = 'times' in fault && fault.times !== undefined ? fault.times : Number.POSITIVE_INFINITY;
      standing.push({ fault, left, random: createRandomStream('fault', fault.kind, 'seed' in fault ? fault.seed : 0) });
    },
    clear: (kind) => {
      standing = kind === undefined ? [] : standing.filter(({ fault }) => fault.kind !== kind);
      wake();
    },
    active: () => standing.map(({ fault }) => fault),
    take: <K extends FaultKind>(kind: K) => {
      const found = standing.find(({ fault }) => fault.kind === kind);
      if (found === undefined) return undefined;
      use(found);
      return found.fault as Extract<Fault, { kind: K }>;
    },
    has,
    losesMessage: (type, clientId) =>
      standing.some(({ fault, random }) => {
        if (fault.kind === 'silent-socket') return fault.clientId === undefined || fault.clientId === clientId;
        if (fault.kind !== 'drop-events') return false;
        return (fault.types === undefined || fault.types.includes(type)) && random.next() < fault.probability;
      }),
    takeNodeFault: (at) => {
      const found = standing.find(
        ({ fault }) => (fault.kind === 'out-of-memory' || fault.kind === 'execution-error') && isAt(fault, at),
      );
      if (found === undefined) return undefined;
      use(found);
      const { fault } = found;
      if (fault.kind === 'execution-error') return { exceptionType: fault.exceptionType, message: fault.message };
      return {
        exceptionType: 'torch.OutOfMemoryError',
        message: 'Allocation on device 0 would exceed allowed memory. (out of memory)',
      };
    },
    whileNone: (kinds, signal) => until(() => !kinds.some(has), signal),
    whileNotHeld: (at, signal) =>
      until(() => !standing.some(({ fault }) => fault.kind === 'hold' && isAt(fault, at)), signal),
  };
}
