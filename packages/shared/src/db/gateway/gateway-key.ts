import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { randomSecret } from './secret-text.ts';

/** A key that all gateways share, made at the first call: what signs links. */
export async function loadGatewayKey(
  db: Pick<Database, 'sql'>,
  name: string,
  fresh: string = randomSecret(''),
): Promise<string> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into gateway_keys (name, secret) values (${name}, ${fresh})
    on conflict (name) do update set secret = gateway_keys.secret returning secret`,
  );
  return String(rows[0]?.['secret']);
}
