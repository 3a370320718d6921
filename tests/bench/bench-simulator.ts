/*
 * A simulated ComfyUI in a process of its own, for benches: its times are its own, and its work is not the worker's.
 * Started by fork with the service time of a prompt in ms; answers `log` with what ran.
 */
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { systemSimClock } from '@atelier/comfyui-sim/clock/sim-clock';

const serviceMs = Number(process.argv[2]);

const simulator = createSimulator({
  port: 0,
  speed: serviceMs === 0 ? 0 : 1,
  serviceTimeMs: () => serviceMs,
  cache: { kind: 'none' },
  previews: false,
  // Milliseconds with a fraction: gaps are shorter than one.
  clock: { ...systemSimClock, now: () => performance.timeOrigin + performance.now() },
});

process.on('message', (message) => {
  if (message !== 'log') return;
  const entries = simulator.log().map(({ promptId, startedAt, endedAt, outcome, extraData }) => {
    return { promptId, startedAt, endedAt, outcome, postedAt: extraData['create_time'] };
  });
  process.send?.({ type: 'log', entries });
});
process.on('disconnect', () => process.exit(0));

const { url } = await simulator.start();
process.send?.({ type: 'ready', url });
