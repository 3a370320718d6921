import { z } from 'zod';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { SpentToday } from '@atelier/shared/db/agent/agent-memory';
import { mayUseInstance } from '@atelier/shared/db/instances/usable-instances';
import { dollars } from '../loop/model-prices.ts';
import { defineTool, type ToolContext } from './tool.ts';
import { asData } from './untrusted-text.ts';

const GIB = 1024 ** 3;

/** How busy the GPUs are. */
export const serverTool = defineTool({
  name: 'server',
  description:
    'Queue and GPU status; what this request, the person and everybody today have cost, and the budgets; with model: how long its runs really took here, by settings.',
  input: z.object({ model: z.string().max(200).optional() }),
  readOnly: true,
  forDoors: true,
  timeoutMs: 10_000,
  async execute({ model }, { reads, requester, request, spent: run }) {
    const [queue, instances, spent, times] = await Promise.all([
      reads.queue(),
      reads.instances(),
      reads.spent(requester.personId, request?.id ?? requester.sessionId),
      model === undefined ? [] : reads.measuredTimes(model),
    ]);
    const usable = instances.filter((instance) => mayUseInstance(instance, requester.personId));
    const lines = [
      `queue: ${queue.queued.length} waiting, ${queue.active.length} on a GPU`,
      ...usable.map(({ id, alive, paused, status, residentKey }) => {
        const state = !alive ? 'away' : paused ? 'paused' : (status?.state ?? 'unknown');
        return `${id}: ${state}${memoryOf(status)}${residentKey === null ? '' : `, has ${residentKey} loaded`}`;
      }),
    ];
    lines.push(...costLines(spent, run));
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
    // Model files and machines have names of their own.
    return { kind: 'result', content: asData(lines.join('\n')) };
  },
});

/** What was used, and what may be. */
function costLines(spent: SpentToday, run: ToolContext['spent']): string[] {
  const lines = [
    `the person today: ${Math.round(spent.personGpuSeconds)} GPU s, ${dollars(spent.personMicroDollars)} for the language model (${tokens(spent.personTokens, spent.personCachedTokens)})`,
    `everybody today: ${Math.round(spent.dayGpuSeconds)} GPU s, ${dollars(spent.dayMicroDollars)}`,
  ];
  if (run === undefined) return lines;
  const { cost, budgets } = run;
  const all = cost.inputTokens + cost.outputTokens + cost.cacheReadTokens + cost.cacheWriteTokens;
  const limits = [
    budgets.runMicroDollars > 0 ? `this request ${dollars(budgets.runMicroDollars)}` : '',
    budgets.runTokens > 0 ? `${budgets.runTokens} tokens (cached ones count a tenth)` : '',
    budgets.runGpuSeconds > 0 ? `${budgets.runGpuSeconds} GPU s` : '',
    budgets.personDayMicroDollars > 0 ? `the person ${dollars(budgets.personDayMicroDollars)} a day` : '',
    budgets.dayMicroDollars > 0 ? `everybody ${dollars(budgets.dayMicroDollars)} a day` : '',
  ].filter((limit) => limit !== '');
  return [
    `this request so far: ${dollars(cost.microDollars)} (${tokens(all, cost.cacheReadTokens)}), its jobs about ${Math.round(spent.runGpuSeconds)} GPU s`,
    ...lines,
    `budgets: ${limits.join(', ') || 'none'}`,
  ];
}

function tokens(all: number, cached: number): string {
  return `${all} tokens, ${cached} of them from its cache`;
}

function memoryOf(status: LiveWorkerStatus | null): string {
  if (status?.vramTotal === undefined) return '';
  const free = status.vramFree === undefined ? '' : `${Math.round((status.vramFree / GIB) * 10) / 10} of `;
  return `, ${status.deviceName ?? 'GPU'}, ${free}${Math.round((status.vramTotal / GIB) * 10) / 10} GiB ${free === '' ? '' : 'free'}`.trimEnd();
}
