import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { Language } from '@atelier/shared/contracts/identity';
import type { InstanceStatus } from '@atelier/shared/db/operators/instance-status';
import type { ChatMessages } from '../messages/chat-messages.ts';

const GIB = 1024 ** 3;
/** Kinds of work whose speed is shown. */
const maxSpeeds = 3;

/**
 * One ComfyUI in lines, as operators see it: what it is and does, what it holds, how fast it is, what went wrong there.
 *
 * @param live what its worker said a moment ago; absent: what it stored last, which says less.
 */
export function renderInstance(
  instance: InstanceStatus,
  live: LiveWorkerStatus | undefined,
  m: ChatMessages['admin'],
  language: Language,
): string[] {
  const status = live ?? instance.reported;
  const history = live?.history ?? instance.history;
  const head = m.instance(instance.id, stateOf(instance, status, m.states), instance.jobs.length);
  const { reservedFor } = instance;
  const kept =
    reservedFor === null
      ? undefined
      : m.keptFor(reservedFor.map(({ personId, personName }) => personName ?? personId).join(', '));
  if (!instance.alive) return [head, ...(kept === undefined ? [] : [`  ${kept}`])];
  const lines = [
    [kept],
    [
      status?.comfyuiVersion === undefined ? undefined : `ComfyUI ${status.comfyuiVersion}`,
      status?.deviceName,
      live?.vramTotal === undefined || live.vramFree === undefined
        ? undefined
        : m.memory(rounded(live.vramFree / GIB), rounded(live.vramTotal / GIB)),
    ],
    [
      history.residentModels === null ? undefined : m.loaded(history.residentModels),
      live?.stepsPerSecond === undefined ? undefined : m.stepsNow(rounded(live.stepsPerSecond)),
    ],
    ...history.speeds.slice(0, maxSpeeds).map(({ recipe, model, jobs, gpuSeconds, stepsPerSecond }) => [
      m.speed({
        what: model === null || model === recipe ? recipe : `${recipe} · ${model}`,
        seconds: rounded(gpuSeconds),
        stepsPerSecond: stepsPerSecond === null ? undefined : rounded(stepsPerSecond),
        jobs,
      }),
    ]),
    [
      history.succeeded + history.failed === 0 ? undefined : m.ended(history.succeeded, history.failed),
      history.lastError === null
        ? undefined
        : m.lastError(`${history.lastError.at.slice(11, 16)} UTC`, history.lastError.message[language]),
    ],
    [(status?.foreignPrompts ?? 0) > 0 ? m.foreign(status?.foreignPrompts ?? 0) : undefined],
  ];
  const shown = lines.map((parts) => parts.filter((part) => part !== undefined).join(' · '));
  return [head, ...shown.filter((line) => line !== '').map((line) => `  ${line}`)];
}

function stateOf(
  instance: InstanceStatus,
  status: LiveWorkerStatus | null,
  states: ChatMessages['admin']['states'],
): string {
  if (!instance.alive || status?.state === 'waiting_for_comfyui') return states.away;
  if (instance.paused) return states.paused;
  return instance.jobs.length > 0 ? states.busy : states.idle;
}

/** One digit where it tells something. */
function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '');
}
