import { z } from 'zod';
import { doorSchema, uuidSchema, type Door } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** What a webhook can be told. `webhook.test` is sent on request only. */
export const webhookEventSchema = z.enum(['job.succeeded', 'job.replied', 'job.failed', 'job.cancelled']);
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

const webhookEndpointSchema = z.object({
  id: uuidSchema,
  account: z.string(),
  url: z.string(),
  secret: z.string(),
  events: z.array(webhookEventSchema),
  /** Through which a job came that is told; `api` is programs: HTTP, ComfyUI's interface and MCP. */
  doors: z.array(doorSchema),
  description: z.string(),
  createdAt: z.date(),
  disabledAt: z.date().nullable(),
  deadInRow: z.int(),
});
export type WebhookEndpoint = z.infer<typeof webhookEndpointSchema>;

function ofPerson(db: Pick<Database, 'sql'>, personId: string) {
  return db.sql`e.account in (select platform_id from identities where door = 'api' and person_id = ${personId})`;
}

export async function createWebhookEndpoint(
  db: Pick<Database, 'sql'>,
  endpoint: Pick<WebhookEndpoint, 'account' | 'url' | 'secret' | 'events' | 'doors' | 'description'>,
): Promise<WebhookEndpoint> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into webhook_endpoints (account, url, secret, events, doors, description)
    values (${endpoint.account}, ${endpoint.url}, ${endpoint.secret}, ${endpoint.events as string[]},
      ${endpoint.doors as string[]}, ${endpoint.description})
    returning *`,
  );
  return webhookEndpointSchema.parse(rows[0]);
}

export async function listWebhookEndpoints(db: Pick<Database, 'sql'>, personId: string): Promise<WebhookEndpoint[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`select e.* from webhook_endpoints e where ${ofPerson(db, personId)} order by e.created_at limit 200`,
  );
  return rows.map((row) => webhookEndpointSchema.parse(row));
}

export async function readWebhookEndpoint(
  db: Pick<Database, 'sql'>,
  personId: string,
  id: string,
): Promise<WebhookEndpoint | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`select e.* from webhook_endpoints e where e.id = ${id} and ${ofPerson(db, personId)}`,
  );
  return rows[0] === undefined ? undefined : webhookEndpointSchema.parse(rows[0]);
}

export interface WebhookChanges {
  url?: string;
  events?: readonly WebhookEvent[];
  doors?: readonly Door[];
  description?: string;
  /** False switches it off, true on again with its count of failures forgotten. */
  enabled?: boolean;
}

export async function changeWebhookEndpoint(
  db: Pick<Database, 'sql'>,
  personId: string,
  id: string,
  changes: WebhookChanges,
): Promise<WebhookEndpoint | undefined> {
  const enabled = changes.enabled ?? null;
  const rows = await withDatabaseErrors(
    () => db.sql`
    update webhook_endpoints e set url = coalesce(${changes.url ?? null}, url),
      events = coalesce(${changes.events === undefined ? null : [...changes.events]}::text[], events),
      doors = coalesce(${changes.doors === undefined ? null : [...changes.doors]}::text[], doors),
      description = coalesce(${changes.description ?? null}, description),
      disabled_at = case when ${enabled}::boolean is null then disabled_at
                         when ${enabled}::boolean then null else coalesce(disabled_at, now()) end,
      dead_in_row = case when ${enabled}::boolean then 0 else dead_in_row end
    where e.id = ${id} and ${ofPerson(db, personId)} returning e.*`,
  );
  return rows[0] === undefined ? undefined : webhookEndpointSchema.parse(rows[0]);
}

/** Removes an endpoint with all that is owed to it. */
export async function deleteWebhookEndpoint(db: Pick<Database, 'sql'>, personId: string, id: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`delete from webhook_endpoints e where e.id = ${id} and ${ofPerson(db, personId)} returning id`,
  );
  return rows.length > 0;
}

const claimedSchema = z.object({
  id: uuidSchema,
  endpointId: uuidSchema,
  url: z.string(),
  secret: z.string(),
  event: z.string(),
  requestId: uuidSchema.nullable(),
  attempts: z.int(),
  epoch: z.int(),
  createdAt: z.date(),
});
/** A message as its sender works on it; `attempts` counts this one. */
export type ClaimedWebhook = z.infer<typeof claimedSchema>;

/**
 * Takes messages whose time has come, oldest first; of one endpoint at most `perEndpoint`, so that a slow one delays nobody.
 * What was due is asked again of the row that is locked: another gateway may have tried it between the look and the lock.
 */
export async function claimWebhooks(
  db: Pick<Database, 'sql'>,
  options: { leaseMs: number; limit: number; perEndpoint: number },
): Promise<ClaimedWebhook[]> {
  const isDue = db.sql`d.state = 'pending'
    and (d.lease_expires_at is null or d.lease_expires_at < clock_timestamp())
    and (d.not_before is null or d.not_before <= clock_timestamp())`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with due as (
      select d.id, row_number() over (partition by d.endpoint_id order by d.created_at) as turn
      from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
      where ${isDue} and (e.disabled_at is null or d.request_id is null)
    ), free as (
      select d.id from webhook_deliveries d join due on due.id = d.id and due.turn <= ${options.perEndpoint}
      where ${isDue}
      order by d.created_at limit ${options.limit} for update of d skip locked
    )
    update webhook_deliveries d set attempts = d.attempts + 1, epoch = d.epoch + 1,
      lease_expires_at = clock_timestamp() + ${options.leaseMs} * interval '1 millisecond'
    from free, webhook_endpoints e where d.id = free.id and e.id = d.endpoint_id
    returning d.id, d.endpoint_id, e.url, e.secret, d.event, d.request_id, d.attempts, d.epoch, d.created_at`,
  );
  return rows.map((row) => claimedSchema.parse(row));
}

export type WebhookResult =
  | { state: 'sent'; status: number }
  | { state: 'pending'; status: number | undefined; error: string; afterMs: number }
  | { state: 'dead'; status: number | undefined; error: string };

/** Dead messages in a row after which an endpoint is switched off. */
const deadBeforeOff = 20;

/** Writes down what became of a try. Nothing happens where another sender has taken the message over. */
export async function recordWebhook(
  db: Pick<Database, 'sql'>,
  claimed: Pick<ClaimedWebhook, 'id' | 'epoch'>,
  result: WebhookResult,
): Promise<void> {
  const error = result.state === 'sent' ? null : result.error.slice(0, 500);
  const afterMs = result.state === 'pending' ? result.afterMs : 0;
  await withDatabaseErrors(
    () => db.sql`
    with done as (
      update webhook_deliveries set state = ${result.state}, status = ${result.status ?? null}, error = ${error},
        lease_expires_at = null, sent_at = case when ${result.state === 'sent'} then now() end,
        not_before = clock_timestamp() + ${afterMs} * interval '1 millisecond'
      where id = ${claimed.id} and epoch = ${claimed.epoch} and state = 'pending' returning endpoint_id, state
    )
    update webhook_endpoints e set
      dead_in_row = case when done.state = 'sent' then 0 else e.dead_in_row + 1 end,
      disabled_at = case when done.state = 'dead' and e.dead_in_row + 1 >= ${deadBeforeOff} then coalesce(e.disabled_at, now())
                         else e.disabled_at end
    from done where e.id = done.endpoint_id and done.state <> 'pending'`,
  );
}

const webhookDeliverySchema = z.object({
  id: uuidSchema,
  event: z.string(),
  requestId: uuidSchema.nullable(),
  state: z.enum(['pending', 'sent', 'dead']),
  attempts: z.int(),
  createdAt: z.date(),
  sentAt: z.date().nullable(),
  notBefore: z.date().nullable(),
  status: z.int().nullable(),
  error: z.string().nullable(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

/** What was owed to an endpoint of a person, newest first. */
export async function listWebhookDeliveries(
  db: Pick<Database, 'sql'>,
  query: {
    personId: string;
    endpointId: string;
    state?: string | undefined;
    before?: string | undefined;
    limit: number;
  },
): Promise<WebhookDelivery[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select d.* from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
    where d.endpoint_id = ${query.endpointId} and ${ofPerson(db, query.personId)}
      ${query.state === undefined ? db.sql`` : db.sql`and d.state = ${query.state}`}
      ${query.before === undefined ? db.sql`` : db.sql`and (d.created_at, d.id) < (select created_at, id from webhook_deliveries where id = ${query.before})`}
    order by d.created_at desc, d.id desc limit ${query.limit}`,
  );
  return rows.map((row) => webhookDeliverySchema.parse(row));
}

/** Owes a message again, from its first try: dead -> pending. False: there is none of theirs, or it is not dead. */
export async function retryWebhookDelivery(
  db: Pick<Database, 'sql'>,
  query: { personId: string; endpointId: string; id: string },
): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update webhook_deliveries d set state = 'pending', attempts = 0, not_before = null, lease_expires_at = null, error = null
    from webhook_endpoints e
    where d.id = ${query.id} and d.endpoint_id = ${query.endpointId} and e.id = d.endpoint_id and d.state = 'dead'
      and ${ofPerson(db, query.personId)} returning d.id`,
  );
  return rows.length > 0;
}

/** Owes an endpoint a message that tries it out. */
export async function oweTestWebhook(db: Pick<Database, 'sql'>, endpointId: string): Promise<WebhookDelivery> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into webhook_deliveries (endpoint_id, event) values (${endpointId}, 'webhook.test') returning *`,
  );
  return webhookDeliverySchema.parse(rows[0]);
}

/** Forgets what was sent, and dead letters, after a while. */
export async function forgetOldWebhooks(db: Pick<Database, 'sql'>, keepMs: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    delete from webhook_deliveries where state <> 'pending' and created_at < now() - ${keepMs} * interval '1 millisecond'`,
  );
}
