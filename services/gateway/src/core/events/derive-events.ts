import type { JobView } from '../jobs/job-view.ts';
import type { ClientEvent } from './event-log.ts';

const ended: ReadonlySet<JobView['status']> = new Set(['succeeded', 'replied', 'failed', 'cancelled']);

export function hasEnded(job: JobView): boolean {
  return ended.has(job.status);
}

/**
 * What a client is told when a job goes from one view to the next; `before` is absent when the client hears of it for the
 * first time. Each fact is told once: a run that started, a run that ended, the end of all.
 */
export function deriveEvents(before: JobView | undefined, after: JobView): ClientEvent[] {
  if (before !== undefined && before.version >= after.version) return [];
  const events: ClientEvent[] = [];
  const promptId = after.id;
  if (before === undefined) events.push({ type: 'submit', data: { prompt_id: promptId, job: after } });
  else if (isOtherStatus(before, after)) events.push(statusEvent(after));
  for (const run of after.runs) {
    const earlier = before?.runs.find(({ id }) => id === run.id);
    if (isRunning(run.state) && !isRunning(earlier?.state)) {
      events.push({ type: 'executing', data: { prompt_id: promptId, run_id: run.id, node: null } });
    }
    if (run.state === earlier?.state) continue;
    if (run.state === 'succeeded') {
      const output = after.outputs.filter(({ runId }) => runId === run.id);
      events.push({ type: 'executed', data: { prompt_id: promptId, run_id: run.id, output } });
    }
    if (run.state === 'failed' || run.state === 'quarantined') {
      events.push({ type: 'execution_error', data: { prompt_id: promptId, run_id: run.id, error: run.error } });
    }
  }
  if (!hasEnded(after) || (before !== undefined && hasEnded(before))) return events;
  const told = events.some(({ type }) => type === 'execution_error');
  if (after.status === 'failed' && !told) {
    events.push({ type: 'execution_error', data: { prompt_id: promptId, error: after.error } });
  }
  events.push({ type: 'result', data: { prompt_id: promptId, status: after.status, job: after } });
  return events;
}

/** Where a job stands, with its place in the queue. */
export function statusEvent(job: JobView): ClientEvent {
  const { id, status, waiting, progress, question } = job;
  return {
    type: 'status',
    data: {
      prompt_id: id,
      status,
      progress,
      ...(waiting === undefined ? {} : { waiting }),
      ...(question === undefined ? {} : { question }),
    },
  };
}

function isOtherStatus(before: JobView, after: JobView): boolean {
  if (hasEnded(after)) return false;
  return (
    before.status !== after.status ||
    before.waiting?.position !== after.waiting?.position ||
    before.question?.id !== after.question?.id ||
    before.cancelRequested !== after.cancelRequested
  );
}

function isRunning(state: JobView['runs'][number]['state'] | undefined): boolean {
  return state === 'running' || state === 'storing';
}
