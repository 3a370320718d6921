import { z } from 'zod';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import { defineTool } from './tool.ts';

const GIB = 1024 ** 3;

/** How busy the GPUs are. */
export const serverTool = defineTool({
  name: 'server',
  description:
    'Queue and GPU status, and what the person has used today; with model: how long its runs really took here, by settings.',
  input: z.object({ model: z.string().max(200).optional() }),
  readOnly: true,
  forDoors: true,
  timeoutMs: 10_000,
  async execute({ model }, { reads, requester, request }) {
    const [queue, instances, spent, times] = await Promise.all([
      reads.queue(),
      reads.instances(),
      reads.spent(requester.personId, request?.id ?? requester.sessionId),
      model === undefined ? [] : reads.measuredTimes(model),
    ]);
    const lines = [
      `queue: ${queue.queued.length} waiting, ${queue.active.length} on a GPU`,
      ...instances.map(({ id, alive, paused, status, residentKey }) => {
        const state = !alive ? 'away' : paused ? 'paused' : (status?.state ?? 'unknown');
        return `${id}: ${state}${memoryOf(status)}${residentKey === null ? '' : `, has ${residentKey} loaded`}`;
      }),
    ];
    lines.push(
      `the person today: ${Math.round(spent.personGpuSeconds)} GPU s, $${(spent.personMicroDollars / 1_000_000).toFixed(4)} for the language model`,
    );
    if (model !== undefined) {
      lines.push(
        times.length === 0
          ? `${model}: no finished runs yet`
          : `${model}, measured:\n${times
              .map(
                ({ steps, pixels, images, runs, medianGpuSeconds }) =>
                  `  ${steps ?? '?'} steps, ${pixels === null ? '?' : Math.round(pixels / 1_000)} kpx, ${images} picture(s): ${Math.round(medianGpuSeconds * 10) / 10} GPU s, median of ${runs}`,
              )
              .join('\n')}`,
      );
    }
    return { kind: 'result', content: lines.join('\n') };
  },
});

function memoryOf(status: LiveWorkerStatus | null): string {
  if (status?.vramTotal === undefined) return '';
  const free = status.vramFree === undefined ? '' : `${Math.round((status.vramFree / GIB) * 10) / 10} of `;
  return `, ${status.deviceName ?? 'GPU'}, ${free}${Math.round((status.vramTotal / GIB) * 10) / 10} GiB ${free === '' ? '' : 'free'}`.trimEnd();
}
