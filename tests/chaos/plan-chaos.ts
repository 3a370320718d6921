import { createRandomStream, type RandomStream } from '@atelier/comfyui-sim/picture/random-stream';
import { gpus, processKeys, workerKeys, type ChaosFault } from './chaos-fault.ts';

export interface PlannedFault {
  /** After the start of the run, in ms. */
  atMs: number;
  fault: ChaosFault;
}

export interface PlannedRequest {
  atMs: number;
  person: string;
  words: string;
  images: number;
  /** The person sends the same again although it was accepted. */
  sentTwice: boolean;
  /** After it was accepted, in ms. */
  cancelAfterMs: number | undefined;
}

/** Everything that one run does by itself, in order of time. */
export interface ChaosPlan {
  seed: number;
  faults: PlannedFault[];
  requests: PlannedRequest[];
}

export interface PlanChaosOptions {
  seed: number;
  requests: number;
  /** Divides the times of faults. */
  scale: number;
}

const people = ['mei', 'ada', 'noor', 'juan', 'otto'] as const;
const subjects = ['a red fox', 'a castle', 'a whale', 'a lighthouse', 'a teapot', 'a forest'] as const;

/** Kinds of faults as often as they shall come. */
const kinds = [
  'kill-worker',
  'kill-worker',
  'kill-worker',
  'kill-worker',
  'kill-several',
  'kill-bot',
  'kill-agent',
  'kill-all',
  'stall',
  'stall',
  'nats',
  'postgres',
  'comfyui',
  'comfyui',
  'lost-post-answer',
  'slow-post',
  'socket',
] as const;

/** What a run of this seed does: the same for the same arguments, on every machine. */
export function planChaos({ seed, requests, scale }: PlanChaosOptions): ChaosPlan {
  const asking = createRandomStream('chaos requests', seed);
  // Starting a process does not get quicker, so requests and faults come less than `scale` times as often.
  const paceMs = scale === 1 ? 500 : 220;
  const windowMs = requests * paceMs;
  const planned = Array.from({ length: requests }, (_, index): PlannedRequest => {
    const images = asking.next() < 0.2 ? 2 : 1;
    return {
      atMs: Math.round(asking.between(0, windowMs)),
      person: asking.pick(people),
      words: `${asking.pick(subjects)}, number ${index}, 256x256${images === 2 ? ', 2 images' : ''}`,
      images,
      sentTwice: asking.next() < 0.05,
      cancelAfterMs: asking.next() < 0.05 ? Math.round(asking.between(0, 3_000 / scale)) : undefined,
    };
  });

  const breaking = createRandomStream('chaos faults', seed);
  const faults: PlannedFault[] = [];
  // Bursts, in which a part dies while another comes back; and calm between them, so that a burst of one shows how long
  // recovering from that alone takes.
  const gapMs = scale === 1 ? { within: 3_000, calm: 13_000 } : { within: 700, calm: 2_500 };
  for (let burstAtMs = breaking.between(500, 3_000); burstAtMs < windowMs;) {
    const size = breaking.pick([1, 1, 2, 3, 5]);
    let atMs = burstAtMs;
    for (let index = 0; index < size && atMs < windowMs; index += 1) {
      faults.push({ atMs: Math.round(atMs), fault: planFault(breaking, scale) });
      atMs += breaking.between(0, gapMs.within);
    }
    burstAtMs = atMs + (size === 1 ? gapMs.calm : breaking.between(gapMs.within, gapMs.calm));
  }
  return { seed, faults, requests: planned.sort((a, b) => a.atMs - b.atMs) };
}

function planFault(random: RandomStream, scale: number): ChaosFault {
  const ms = (low: number, high: number): number => Math.round(random.between(low, high) / scale);
  const gpu = random.pick(gpus);
  const kind = random.pick(kinds);
  switch (kind) {
    case 'kill-worker':
      return { kind: 'kill', targets: [random.pick(workerKeys)], downMs: ms(100, 1_500) };
    case 'kill-several': {
      const spared = random.pick(workerKeys);
      return { kind: 'kill', targets: workerKeys.filter((key) => key !== spared), downMs: ms(100, 4_000) };
    }
    case 'kill-bot':
      return { kind: 'kill', targets: ['bot'], downMs: ms(100, 3_000) };
    case 'kill-agent':
      return { kind: 'kill', targets: ['agent'], downMs: ms(100, 3_000) };
    case 'kill-all':
      return { kind: 'kill', targets: processKeys, downMs: ms(100, 3_000) };
    case 'stall':
      // Half of them under the lease of 7 s, half over it.
      return {
        kind: 'stall',
        worker: random.pick(workerKeys),
        forMs: random.next() < 0.5 ? ms(500, 5_000) : ms(8_000, 12_000),
      };
    case 'nats':
      return { kind: 'nats', wipe: random.next() < 0.7, downMs: ms(0, 4_000) };
    case 'postgres':
      return { kind: 'postgres', downMs: ms(0, 4_000) };
    case 'comfyui':
      return { kind: 'comfyui', gpu, downMs: ms(0, 5_000) };
    case 'lost-post-answer':
      return { kind, gpu, mode: random.next() < 0.8 ? 'reset' : 'silence' };
    case 'slow-post':
      return { kind, gpu, delayMs: ms(200, 2_500) };
    default: {
      const way = random.next();
      const forMs = ms(2_000, 10_000);
      if (way < 0.34) return { kind: 'close-sockets', gpu };
      if (way < 0.67) return { kind: 'silent-socket', gpu, forMs };
      return { kind: 'drop-events', gpu, probability: 0.5, seed: Math.floor(random.between(0, 1_000_000)), forMs };
    }
  }
}
