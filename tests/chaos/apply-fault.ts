import { setTimeout as sleep } from 'node:timers/promises';
import { gpuOf, type ChaosFault, type Gpu, type WorkerKey } from './chaos-fault.ts';
import type { ChaosServers } from './chaos-servers.ts';
import type { ChaosWorld } from './chaos-world.ts';
import type { Episode } from './reconcile.ts';
import type { AdoptionWatch, FaultSpan } from './recovery-times.ts';

/** What was broken so far. A span's or an episode's end is `Infinity` while it lasts. */
export interface ChaosRecord {
  spans: (FaultSpan & { fault: ChaosFault })[];
  crashes: Episode[];
  stalls: Episode[];
  /** Left out, because what they would break was down already. */
  skipped: number;
}

export interface ApplyFaultDeps {
  world: ChaosWorld;
  servers: ChaosServers;
  adoptions: AdoptionWatch;
  record: ChaosRecord;
  /** Servers that are down now. */
  down: Set<'nats' | 'postgres'>;
}

const shortMs = 200;

/** Does it, and resolves when it is over and what it broke runs again. */
export async function applyFault(deps: ApplyFaultDeps, fault: ChaosFault): Promise<void> {
  const { world, record } = deps;
  const span = { fault, from: Date.now(), to: Infinity };
  record.spans.push(span);
  const isDone = await perform(deps, fault, span);
  if (!isDone) {
    record.spans.splice(record.spans.indexOf(span), 1);
    record.skipped += 1;
    return;
  }
  if (span.to === Infinity) span.to = Date.now();
  await world.reviveEnded();
}

/** False where it had nothing to break. */
async function perform(deps: ApplyFaultDeps, fault: ChaosFault, span: FaultSpan): Promise<boolean> {
  const { world, servers, record, down } = deps;
  switch (fault.kind) {
    case 'kill': {
      const targets = fault.targets.filter((key) => world.isRunning(key));
      if (targets.length === 0) return false;
      await Promise.all(targets.map((key) => world.kill(key)));
      const workers = targets.filter((key): key is WorkerKey => key !== 'bot' && key !== 'agent');
      const hit = new Set<Gpu>(workers.map(gpuOf));
      await Promise.all([...hit].map((gpu) => deps.adoptions.killed(world.instanceId(gpu), span)));
      await sleep(fault.downMs);
      await Promise.all(targets.map((key) => world.start(key)));
      return true;
    }
    case 'stall': {
      if (!world.isRunning(fault.worker)) return false;
      const stall = { gpu: gpuOf(fault.worker), from: Date.now(), to: Infinity };
      record.stalls.push(stall);
      await world.stall(fault.worker, fault.forMs);
      stall.to = Date.now();
      return true;
    }
    case 'nats':
    case 'postgres': {
      if (down.has(fault.kind)) return false;
      down.add(fault.kind);
      await (fault.kind === 'nats' ? servers.crashNats(fault) : servers.crashPostgres(fault));
      down.delete(fault.kind);
      return true;
    }
    case 'comfyui': {
      const simulator = world.simulators[fault.gpu];
      if (simulator?.isRunning() !== true) return false;
      const crash = { gpu: fault.gpu, from: span.from, to: Infinity };
      record.crashes.push(crash);
      await simulator.crash();
      await sleep(fault.downMs);
      await simulator.start();
      crash.to = Date.now();
      span.to = crash.to;
      return true;
    }
    case 'lost-post-answer':
      world.simulators[fault.gpu]?.inject({ kind: 'lost-post-answer', mode: fault.mode, times: 1 });
      await sleep(shortMs);
      return true;
    case 'slow-post':
      world.simulators[fault.gpu]?.inject({ kind: 'slow-post', delayMs: fault.delayMs, times: 1 });
      await sleep(fault.delayMs);
      return true;
    case 'close-sockets':
      world.simulators[fault.gpu]?.inject({ kind: 'close-sockets' });
      return true;
    case 'silent-socket':
      world.simulators[fault.gpu]?.inject({ kind: 'silent-socket' });
      await sleep(fault.forMs);
      world.simulators[fault.gpu]?.clearFaults('silent-socket');
      return true;
    default: {
      const { kind, probability, seed } = fault;
      world.simulators[fault.gpu]?.inject({ kind, probability, seed });
      await sleep(fault.forMs);
      world.simulators[fault.gpu]?.clearFaults('drop-events');
      return true;
    }
  }
}
