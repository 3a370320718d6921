import { explainPick } from '@atelier/queue/explain-pick';
import type { Language } from '@atelier/shared/contracts/identity';
import type { QueueForecast } from './forecast-requests.ts';
import type { Blocked } from './why-blocked.ts';

/** Names shown; the rest are counted. */
const MAX_NAMES = 3;

/**
 * Answers "why am I waiting?" in a sentence.
 *
 * @param nameOf the name by which readers know a person; ids are never shown.
 * @returns undefined for a request that does not wait.
 */
export function explainWaiting(
  forecast: QueueForecast,
  requestId: string,
  nameOf: (personId: string) => string,
  language: Language,
): string | undefined {
  const jobId = forecast.nextJob.get(requestId);
  if (jobId === undefined) return undefined;
  const blocked = forecast.requests.get(requestId)?.blocked;
  if (blocked !== undefined) return explainBlocked(blocked, language);
  return explainPick({ picks: forecast.picks, jobId, nameOf }, language);
}

/** What keeps a job from every GPU, and what would help. */
function explainBlocked(blocked: Blocked, language: Language): string {
  const en = language === 'en';
  switch (blocked.kind) {
    case 'no_gpu':
      return en ? 'It starts when a GPU is back.' : '显卡恢复后开始。';
    case 'paused':
      return en ? 'The GPUs are paused by an operator; it starts when they go on.' : '管理员已暂停显卡，恢复后开始。';
    case 'missing_models': {
      const names = listed(
        blocked.names.map((name) => name.slice(name.indexOf('/') + 1)),
        en,
      );
      return en
        ? `No connected ComfyUI has ${names}; it starts when one has, or choose another model.`
        : `已连接的 ComfyUI 都没有 ${names}；安装后即可开始，也可换一个模型。`;
    }
    case 'missing_nodes': {
      const names = listed(blocked.names, en);
      return en
        ? `No connected ComfyUI has the nodes ${names}; it starts when one has.`
        : `已连接的 ComfyUI 都没有节点 ${names}；安装后即可开始。`;
    }
    case 'too_little_memory': {
      const gb = Math.ceil(blocked.vramGb);
      return en
        ? `It needs a GPU with ${gb} GB of memory, and none is connected; a smaller size may fit.`
        : `需要 ${gb} GB 显存的显卡，目前没有连接；可尝试更小的尺寸。`;
    }
    case 'reserved':
      break;
  }
  return en ? 'The GPUs that could run it are reserved for others.' : '能运行它的显卡已为其他人保留。';
}

function listed(names: readonly string[], en: boolean): string {
  const shown = names.slice(0, MAX_NAMES).join(en ? ', ' : '、');
  const more = names.length - MAX_NAMES;
  if (more <= 0) return shown;
  return en ? `${shown} and ${more} more` : `${shown} 等 ${names.length} 项`;
}
