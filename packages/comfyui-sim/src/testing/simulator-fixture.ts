import { createSimulator } from '../create-simulator.ts';
import type { Simulator } from '../create-simulator.ts';
import type { SimulatorOptions } from '../simulator-options.ts';
import { connectSimClient } from './sim-client.ts';
import type { SimClient, SimClientOptions } from './sim-client.ts';

/** A simulator that runs, and clients for it. */
export interface RunningSimulator {
  simulator: Simulator;
  url: string;
  connect: (options?: SimClientOptions) => Promise<SimClient>;
}

/** Starts simulators and clients for tests, and ends them. */
export interface SimulatorFixture {
  start: (options?: SimulatorOptions) => Promise<RunningSimulator>;
  /** Ends what was started, the last first. @throws AggregateError for bugs that a simulator met. */
  close: () => Promise<void>;
}

export function createSimulatorFixture(): SimulatorFixture {
  const open: (() => Promise<void>)[] = [];
  return {
    start: async (options = {}) => {
      const errors: unknown[] = [];
      const simulator = createSimulator({ ...options, onError: (error) => errors.push(error) });
      const { url } = await simulator.start();
      open.push(async () => {
        await simulator.stop();
        if (errors.length > 0) throw new AggregateError(errors, 'The simulator met bugs.');
      });
      return {
        simulator,
        url,
        connect: async (clientOptions) => {
          const client = await connectSimClient(url, clientOptions);
          open.push(client.close);
          return client;
        },
      };
    },
    close: async () => {
      for (const end of open.splice(0).toReversed()) await end();
    },
  };
}
