import { fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

const entrySchema = z.object({
  promptId: z.string(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  outcome: z.string().optional(),
  /** When its POST took effect. */
  postedAt: z.number(),
});
const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.string() }),
  z.object({ type: z.literal('log'), entries: z.array(entrySchema) }),
]);

/** One prompt as the simulator's own log has it; times in ms with a fraction. */
export type SimulatedRun = z.infer<typeof entrySchema> & { endedAt: number };

/** A simulated ComfyUI in a process of its own. */
export interface ForkedSimulator {
  url: string;
  pid: number;
  /** What ran to its end so far, in order. */
  runs(): Promise<SimulatedRun[]>;
  stop(): Promise<void>;
}

/** @param serviceMs what each prompt takes on the GPU; 0: nothing. */
export async function forkSimulator(serviceMs: number): Promise<ForkedSimulator> {
  const child = fork(new URL('bench-simulator.ts', import.meta.url), [String(serviceMs)]);
  const messageOf = async (): Promise<z.infer<typeof messageSchema>> => {
    const [message] = await once(child, 'message');
    return messageSchema.parse(message);
  };
  const ready = await messageOf();
  if (ready.type !== 'ready') throw new Error('the simulator did not come up');
  return {
    url: ready.url,
    pid: child.pid ?? 0,
    async runs() {
      child.send('log');
      const answer = await messageOf();
      if (answer.type !== 'log') throw new Error('the simulator said something else');
      return answer.entries.flatMap((entry) =>
        entry.endedAt === undefined ? [] : [{ ...entry, endedAt: entry.endedAt }],
      );
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
