import { fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { describeTransitions, type Transitions } from './describe-transitions.ts';
import type { ForkedSimulator } from './fork-simulator.ts';

export interface SdkPoolRun extends Transitions {
  jobs: number;
  jobsPerSecond: number;
}

/** What it is given beyond the time on the GPU: it was seen not to come to an end. */
const longestMsPerJob = 300;

/**
 * The pool of `@saintno/comfyui-sdk` with one server: all prompts are given to it at once.
 *
 * @param serviceMs what each takes on the GPU.
 */
export async function benchSdkPool(
  simulator: ForkedSimulator,
  workflow: (seed: number) => string,
  jobs: number,
  serviceMs: number,
): Promise<SdkPoolRun> {
  const longestMs = 10_000 + jobs * (serviceMs + longestMsPerJob);
  const child = fork(new URL('sdk-pool.ts', import.meta.url), [simulator.url]);
  try {
    child.send(Array.from({ length: jobs }, (_, seed) => workflow(seed)));
    const [message] = await once(child, 'message', { signal: AbortSignal.timeout(longestMs) });
    const { seconds } = z.object({ seconds: z.number() }).parse(message);
    return { jobs, jobsPerSecond: jobs / seconds, ...describeTransitions([await simulator.runs()]) };
  } finally {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  }
}
