import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { auditedIn } from './admin-audit.ts';

export interface InstanceControl {
  actor: string;
  instanceId: string;
}

/**
 * Stops an instance from taking work, also after a restart of its worker, which learns of it with its next beat (1 s). What
 * runs there ends, what only lies posted goes back to the queue: so a paused instance drains. A `workerCommand` `pause`
 * saves the wait for the beat.
 *
 * @returns false when there is no such instance.
 */
export function pauseInstance(db: Pick<Database, 'sql'>, control: InstanceControl): Promise<boolean> {
  return setPaused(db, control, true);
}

/** Lets it take work again. @returns false when there is no such instance. */
export function resumeInstance(db: Pick<Database, 'sql'>, control: InstanceControl): Promise<boolean> {
  return setPaused(db, control, false);
}

async function setPaused(
  db: Pick<Database, 'sql'>,
  { actor, instanceId }: InstanceControl,
  paused: boolean,
): Promise<boolean> {
  const action = paused ? 'pause_instance' : 'resume_instance';
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      update instances set paused = ${paused} where id = ${instanceId} and paused <> ${paused} returning id
    ), audited as (${auditedIn(db, { actor, action, target: instanceId }, 'changed')})
    select id from instances where id = ${instanceId}`,
  );
  return rows.length > 0;
}

/**
 * Keeps an instance for some people: it runs nobody else's jobs from the next pick on. `null`: everybody's again.
 *
 * @returns false when there is no such instance.
 */
export async function reserveInstance(
  db: Pick<Database, 'sql'>,
  control: InstanceControl & { personIds: readonly string[] | null },
): Promise<boolean> {
  const { actor, instanceId, personIds } = control;
  const people = personIds === null ? null : [...personIds];
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      update instances set reserved_for = ${people}::uuid[] where id = ${instanceId} returning id
    ), audited as (
      ${auditedIn(db, { actor, action: 'reserve_instance', target: instanceId, details: { people } }, 'changed')}
    )
    select id from changed`,
  );
  return rows.length > 0;
}
