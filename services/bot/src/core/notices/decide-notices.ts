import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { Messages } from '../messages/messages.ts';

export type NoticeKey = keyof Messages['notices'];

export interface WorkerFacts {
  /** Somebody holds its lease. */
  alive: boolean;
  paused: boolean;
  state: LiveWorkerStatus['state'] | undefined;
}

export interface SystemFacts {
  database: 'starting' | 'ready' | 'away';
  /** Undefined before the first connection. */
  natsConnected: boolean | undefined;
  workers: readonly WorkerFacts[];
  /** False right after the start, while workers may still be starting. */
  mayMissWorkers: boolean;
  /** Chats that refuse our token. */
  refused?: readonly string[];
}

/** What the people who look should know about the system, most severe first. */
export function decideNotices(facts: SystemFacts): NoticeKey[] {
  if (facts.database === 'starting') return ['starting'];
  const notices: NoticeKey[] = [];
  if (facts.database === 'away') notices.push('databaseAway');
  if (facts.natsConnected === false) notices.push('natsAway');
  if (facts.refused?.includes('discord') === true) notices.push('discordRefused');
  if (facts.refused?.includes('telegram') === true) notices.push('telegramRefused');
  // Without the database nothing is known of workers.
  if (facts.database === 'away') return notices;
  const alive = facts.workers.filter((worker) => worker.alive);
  if (alive.length === 0) {
    if (facts.mayMissWorkers) notices.push('noWorker');
  } else if (alive.every((worker) => worker.state === 'waiting_for_comfyui')) notices.push('comfyuiAway');
  else if (alive.every((worker) => worker.paused || worker.state === 'paused')) notices.push('paused');
  return notices;
}
