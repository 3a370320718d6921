import type { Database, SqlFragment } from '../connect-database.ts';

/**
 * Common table expressions that follow one named `ended_request` (columns of `requests` that just reached a final
 * state): `deliveries_owed`, `webhooks_owed` and `request_messages`. Deliveries and messages to the person's webhooks are
 * created in the transaction that ends the request, so a result can be late, never forgotten and never owed twice. Programs
 * (the door `api`) look for themselves, or have webhooks.
 */
export function endedRequestCtes(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    deliveries_owed as (
      insert into deliveries (request_id, door, place, kind)
      select e.id, e.door, e.place, k.kind from ended_request e
      cross join lateral (values ('result'), ('ping')) as k(kind)
      where (k.kind = 'result' and e.door <> 'api')
        or (k.kind = 'ping' and e.door = 'discord' and e.state in ('succeeded', 'replied', 'failed'))
      on conflict (request_id, kind) where kind <> 'question' do nothing
      returning id, request_id, door
    ), webhooks_owed as (
      insert into webhook_deliveries (endpoint_id, event, request_id)
      select h.id, 'job.' || e.state, e.id from ended_request e
      join identities i on i.person_id = e.person_id and i.door = 'api'
      join webhook_endpoints h on h.account = i.platform_id
      where h.disabled_at is null and e.door = any(h.doors) and ('job.' || e.state) = any(h.events)
      -- One that is removed meanwhile is left out, instead of failing the whole statement.
      for key share of h
      on conflict do nothing
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

/**
 * The rest of a statement that begins with a table expression named `settled` (columns of `requests` that just changed): for
 * those that ended what {@link endedRequestCtes} owes them, and for each the news. Returns outbox rows.
 */
export function settledRequestTail(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    ended_request as (
      select * from settled where finished_at is not null
    ), ${endedRequestCtes(db)}
    insert into outbox (key, tokens, data, correlation_id)
    select * from request_messages
    union all
    select 'requestChanged', jsonb_build_object('state', state),
           jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id
    from settled where finished_at is null
    returning id, key, tokens, data, correlation_id`;
}
