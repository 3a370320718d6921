import { fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { describeTransitions, type Transitions } from './describe-transitions.ts';
import type { ForkedSimulator } from './fork-simulator.ts';

export interface SdkPoolRun extends Transitions {
  jobs: number;
  jobsPerSecond: number;
}

const longestMs = 120_000;

/** The pool of `@saintno/comfyui-sdk` with one server: all prompts are given to it at once. */
export async function benchSdkPool(
  simulator: ForkedSimulator,
  workflow: (seed: number) => string,
  jobs: number,
): Promise<SdkPoolRun> {
  const child = fork(new URL('sdk-pool.ts', import.meta.url), [simulator.url]);
  try {
    child.send(Array.from({ length: jobs }, (_, seed) => workflow(seed)));
    const [message] = await once(child, 'message', { signal: AbortSignal.timeout(longestMs) });
    const { seconds } = z.object({ seconds: z.number() }).parse(message);
    return { jobs, jobsPerSecond: jobs / seconds, ...describeTransitions(await simulator.runs()) };
  } finally {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  }
}
