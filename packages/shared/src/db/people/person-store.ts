import { uuidSchema, type PlatformUser } from '../../contracts/identity.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { firstPersonIdOf } from '../requests/accept-request.ts';

/** Who a platform's user is to us; who never asked for anything gets the id that their first request will give them. */
export async function findPersonId(db: Database, user: Pick<PlatformUser, 'door' | 'id'>): Promise<string> {
  const rows = await withDatabaseErrors(
    () => db.sql`select person_id from identities where door = ${user.door} and platform_id = ${user.id}`,
  );
  return rows[0] === undefined ? firstPersonIdOf(user.door, user.id) : uuidSchema.parse(rows[0]['personId']);
}

/** Changes how a person is called. Nothing happens where they never asked for anything. */
export async function renamePerson(
  db: Database,
  user: Pick<PlatformUser, 'door' | 'id' | 'displayName'>,
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update people p set display_name = ${user.displayName} from identities i
    where i.door = ${user.door} and i.platform_id = ${user.id} and p.id = i.person_id`,
  );
}
