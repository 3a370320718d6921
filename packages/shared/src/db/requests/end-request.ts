import type { Database, SqlFragment } from '../connect-database.ts';

/**
 * Common table expressions that follow one named `ended_request` (columns of `requests` that just reached a final
 * state): `deliveries_owed` and `request_messages`. The delivery is created in the transaction that ends the request,
 * so a result can be late, never forgotten and never owed twice.
 */
export function endedRequestCtes(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    deliveries_owed as (
      insert into deliveries (request_id, door, place, kind)
      select e.id, e.door, e.place, k.kind from ended_request e
      cross join lateral (values ('result'), ('ping')) as k(kind)
      where k.kind = 'result' or (e.door = 'discord' and e.state in ('succeeded', 'replied', 'failed'))
      on conflict (request_id, kind) do nothing
      returning id, request_id, door
    ), request_messages as (
      select 'requestChanged' as key, jsonb_build_object('state', state) as tokens,
             jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version) as data,
             id as correlation_id
      from ended_request
      union all
      select 'deliveryCreated', jsonb_build_object('door', door),
             jsonb_build_object('deliveryId', id, 'requestId', request_id, 'door', door), request_id
      from deliveries_owed
    )`;
}
