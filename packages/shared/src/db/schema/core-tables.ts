import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Place } from '../../contracts/identity.ts';
import type { JobError, JobInput, JobParams } from '../../contracts/job.ts';
import type { PendingQuestion, PlanSummary, PublicError, RequestBody, RequestCost } from '../../contracts/request.ts';
import { generatedId, safeInteger, time, timeOfWriting } from './columns.ts';

/*
 * The truth. Times are the database's own (`timestamptz`), because leases are compared between machines. Rows never
 * travel: the repositories beside this file turn them into contract types. `version` counts every change of a row, so
 * that a late message never overwrites a newer state.
 */

export const people = pgTable('people', {
  id: uuid('id').primaryKey(),
  displayName: text('display_name').notNull(),
  language: text('language').notNull(),
  createdAt: timeOfWriting('created_at'),
});

/** A person on a platform. Linking moves a row to another person; it is never copied. */
export const identities = pgTable(
  'identities',
  {
    door: text('door').notNull(),
    platformId: text('platform_id').notNull(),
    personId: uuid('person_id')
      .notNull()
      .references(() => people.id),
  },
  (table) => [primaryKey({ columns: [table.door, table.platformId] }), index('identities_person').on(table.personId)],
);

export const requests = pgTable(
  'requests',
  {
    id: uuid('id').primaryKey(),
    door: text('door').notNull(),
    /** The platform's id of what asked; with `door` it makes a repeat the same request. */
    eventId: text('event_id').notNull(),
    personId: uuid('person_id')
      .notNull()
      .references(() => people.id),
    place: jsonb('place').$type<Place>().notNull(),
    language: text('language').notNull(),
    body: jsonb('body').$type<RequestBody>().notNull(),
    state: text('state').notNull(),
    version: integer('version').notNull().default(1),
    plan: jsonb('plan').$type<PlanSummary>(),
    /** Words that answer the request, in the person's language. */
    reply: text('reply'),
    error: jsonb('error').$type<PublicError>(),
    cancelRequestedAt: time('cancel_requested_at'),
    /** The agent's lease; `agent_epoch` is the fence, raised at every takeover. */
    agentHolder: uuid('agent_holder'),
    agentEpoch: integer('agent_epoch').notNull().default(0),
    agentLeaseExpiresAt: time('agent_lease_expires_at'),
    /** No agent takes it before this: back-off after a failure that is not the request's. */
    agentNotBefore: time('agent_not_before'),
    /** Claims since something came of one: a request that kills whoever plans it is failed. */
    agentClaims: integer('agent_claims').notNull().default(0),
    /** Its agent wants it back when its jobs have ended: `end` in any case, `failure` when none succeeded. */
    agentWake: text('agent_wake'),
    /** What it waits for while `asking`. */
    question: jsonb('question').$type<PendingQuestion>(),
    /** Until when it waits for that answer; absent in rows of earlier versions. */
    questionExpiresAt: time('question_expires_at'),
    /** Shown to its author alone. */
    isPrivate: boolean('is_private').notNull().default(false),
    /** What it was made from. No foreign key: old rows go before their children. */
    parentRequestId: uuid('parent_request_id'),
    parentPicture: smallint('parent_picture'),
    cost: jsonb('cost').$type<RequestCost>(),
    jobsTotal: integer('jobs_total').notNull().default(0),
    jobsOpen: integer('jobs_open').notNull().default(0),
    jobsSucceeded: integer('jobs_succeeded').notNull().default(0),
    createdAt: timeOfWriting('created_at'),
    updatedAt: timeOfWriting('updated_at'),
    finishedAt: time('finished_at'),
  },
  (table) => [
    uniqueIndex('requests_event').on(table.door, table.eventId),
    index('requests_unplanned')
      .on(table.createdAt)
      .where(sql`state in ('accepted', 'planning')`),
    index('requests_asking')
      .on(table.questionExpiresAt)
      .where(sql`state = 'asking'`),
    index('requests_place').on(table.door, sql`(place->>'id')`, table.createdAt),
    index('requests_person').on(table.personId, table.createdAt),
    index('requests_parent')
      .on(table.parentRequestId)
      .where(sql`parent_request_id is not null`),
    index('requests_open')
      .on(table.personId)
      .where(sql`finished_at is null`),
    // What retention looks for.
    index('requests_finished')
      .on(table.finishedAt)
      .where(sql`finished_at is not null`),
    index('requests_given_up')
      .on(table.finishedAt)
      .where(sql`state in ('failed', 'cancelled')`),
  ],
);

export const jobs = pgTable(
  'jobs',
  {
    id: uuid('id').primaryKey(),
    requestId: uuid('request_id')
      .notNull()
      .references(() => requests.id),
    personId: uuid('person_id').notNull(),
    /** Order within the request. */
    index: integer('index').notNull(),
    /** Order of arrival over all jobs. */
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    class: text('class').notNull(),
    recipe: text('recipe').notNull(),
    /** JSON text, not jsonb: seeds up to 2^64-1 must survive as they are. */
    workflowText: text('workflow_text').notNull(),
    inputs: jsonb('inputs').$type<JobInput[]>().notNull(),
    classes: text('classes').array().notNull(),
    residencyKey: text('residency_key').notNull(),
    estimateKey: text('estimate_key').notNull(),
    estimatedGpuSeconds: doublePrecision('estimated_gpu_seconds').notNull(),
    images: integer('images').notNull(),
    /** What decides how long it runs, as `ServiceFeatures` of packages/queue; absent in rows of earlier versions. */
    model: text('model'),
    steps: integer('steps'),
    /** Of one image. */
    pixels: integer('pixels'),
    loras: smallint('loras'),
    /** Model files that the server must have, as `folder/name`. */
    models: text('models')
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** GPU memory that the server must have, in GiB. */
    vramGb: doublePrecision('vram_gb').notNull().default(0),
    /** An operator's word: a higher one goes before every lower one, whatever the shares. */
    priority: smallint('priority').notNull().default(0),
    /** What its person was told when it began to wait: see `JobPromise`. */
    promise: jsonb('promise').$type<Record<string, unknown>>(),
    timeLimitSeconds: integer('time_limit_seconds').notNull(),
    /** What it was made with; absent in rows of earlier versions. */
    params: jsonb('params').$type<JobParams>(),
    state: text('state').notNull(),
    version: integer('version').notNull().default(1),
    /** Raised at every pick and takeover: the fence of the job lease. */
    epoch: integer('epoch').notNull().default(0),
    leaseExpiresAt: time('lease_expires_at'),
    /** The ComfyUI that it is bound to, from the pick until it is known to be nowhere there. */
    instanceId: text('instance_id'),
    instanceEpoch: integer('instance_epoch'),
    /** Stored in `posting`, before the POST. A new one each time it is posted. */
    promptId: uuid('prompt_id'),
    /** When the POST was about to be sent, by database time: absence counts only from here on. */
    postedAt: time('posted_at'),
    /** Attempts that started to run. */
    attempts: smallint('attempts').notNull().default(0),
    /** Deaths of ComfyUI while this was the prompt last seen executing. */
    crashes: smallint('crashes').notNull().default(0),
    /** Deaths of a worker while this was the prompt last seen executing. */
    takeovers: smallint('takeovers').notNull().default(0),
    outOfMemory: smallint('out_of_memory').notNull().default(0),
    /** GPU seconds charged to the person at the pick, corrected at the end. */
    chargedGpuSeconds: doublePrecision('charged_gpu_seconds').notNull().default(0),
    cancelRequestedAt: time('cancel_requested_at'),
    error: jsonb('error').$type<JobError>(),
    gpuSeconds: doublePrecision('gpu_seconds'),
    /** Not picked before this. */
    notBefore: time('not_before'),
    queuedAt: timeOfWriting('queued_at'),
    startedAt: time('started_at'),
    finishedAt: time('finished_at'),
  },
  (table) => [
    index('jobs_request').on(table.requestId),
    index('jobs_queued')
      .on(table.seq)
      .where(sql`state = 'queued'`),
    index('jobs_active')
      .on(table.instanceId)
      .where(sql`state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')`),
    index('jobs_measured')
      .on(table.estimateKey, table.finishedAt)
      .where(sql`state = 'succeeded'`),
    // What estimates learn from, newest first.
    index('jobs_finished')
      .on(table.finishedAt)
      .where(sql`finished_at is not null`),
    index('jobs_instance_finished')
      .on(table.instanceId, table.finishedAt, table.state)
      .where(sql`finished_at is not null and instance_id is not null`),
  ],
);

export const jobOutputs = pgTable(
  'job_outputs',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    index: integer('index').notNull(),
    hash: text('hash').notNull(),
    mediaType: text('media_type').notNull(),
    bytes: safeInteger('bytes').notNull(),
    width: integer('width'),
    height: integer('height'),
    thumbnailHash: text('thumbnail_hash'),
    nodeId: text('node_id').notNull(),
    filename: text('filename').notNull(),
    /** `sheet`: a contact sheet of the others; `preview`: what ComfyUI does not keep. Null: the job made it. */
    kind: text('kind'),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.index] }),
    index('job_outputs_hash').on(table.hash),
    index('job_outputs_thumbnail').on(table.thumbnailHash),
    index('job_outputs_previews')
      .on(table.jobId)
      .where(sql`kind = 'preview'`),
  ],
);

/** A ComfyUI that a worker looks after. */
export const instances = pgTable('instances', {
  id: text('id').primaryKey(),
  /** The WebSocket client id, the same for every worker that ever holds this instance. */
  clientId: uuid('client_id').notNull(),
  holder: uuid('holder').notNull(),
  epoch: integer('epoch').notNull(),
  leaseExpiresAt: time('lease_expires_at').notNull(),
  /** Its last holder gave the lease up in good order: what it left running is no crash. */
  released: boolean('released').notNull().default(false),
  paused: boolean('paused').notNull().default(false),
  /** What it reported last: version, device, memory, whether it answers. */
  status: jsonb('status').$type<Record<string, unknown>>().notNull().default({}),
  /** The node registry, as an asset. */
  registryHash: text('registry_hash'),
  /** Node classes that it has. */
  classes: text('classes').array(),
  /** Model files that its loaders list, as `folder/name`; absent until a worker said so. */
  models: text('models').array(),
  /** People whose jobs it runs, nobody else's; absent: everybody's. */
  reservedFor: uuid('reserved_for').array(),
  /** What its GPU is expected to hold after the last posted job. */
  residentKey: text('resident_key'),
  /** GPU seconds that were picked for it since another checkpoint was loaded: the length of its streak. */
  residentSeconds: doublePrecision('resident_seconds').notNull().default(0),
  seenAt: timeOfWriting('seen_at'),
});

/**
 * A person's account with the queue: GPU seconds charged (the fair share's memory), and what of theirs is open. The open
 * counts are raised by `planRequest` and lowered where jobs end, each in the same statement: its row lock is what makes caps
 * and quotas hold against two requests at the same instant.
 */
export const fairShares = pgTable('fair_shares', {
  personId: uuid('person_id').primaryKey(),
  chargedGpuSeconds: doublePrecision('charged_gpu_seconds').notNull(),
  weight: doublePrecision('weight').notNull().default(1),
  /** Jobs that have not ended. */
  openJobs: integer('open_jobs').notNull().default(0),
  /** Pictures that those promise. */
  openImages: integer('open_images').notNull().default(0),
  /** GPU seconds that those are expected to take. */
  openGpuSeconds: doublePrecision('open_gpu_seconds').notNull().default(0),
});

/** What a person used in a day (UTC): kept for good, so that quotas and `/usage` survive retention. */
export const usageDays = pgTable(
  'usage_days',
  {
    personId: uuid('person_id').notNull(),
    day: date('day').notNull(),
    /** Jobs that ended, however. */
    jobs: integer('jobs').notNull().default(0),
    images: integer('images').notNull().default(0),
    gpuSeconds: doublePrecision('gpu_seconds').notNull().default(0),
    /** Of language models, by runs whose rows retention has deleted; those of the others stand in `agent_usage`. */
    inputTokens: safeInteger('input_tokens').notNull().default(0),
    outputTokens: safeInteger('output_tokens').notNull().default(0),
    /** Millionths of a US dollar for those. */
    microDollars: safeInteger('micro_dollars').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.personId, table.day] })],
);

/** An operator's limits for a person; absent values are unlimited. */
export const quotas = pgTable('quotas', {
  personId: uuid('person_id').primaryKey(),
  gpuSecondsPerDay: doublePrecision('gpu_seconds_per_day'),
  imagesPerDay: integer('images_per_day'),
  pendingJobs: integer('pending_jobs'),
  updatedAt: timeOfWriting('updated_at'),
});

/** Pictures that a person wants to keep: what they belong to outlives retention. */
export const favourites = pgTable(
  'favourites',
  {
    personId: uuid('person_id').notNull(),
    hash: text('hash').notNull(),
    jobId: uuid('job_id').notNull(),
    outputIndex: integer('output_index').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.personId, table.hash] }),
    index('favourites_job').on(table.jobId),
    index('favourites_hash').on(table.hash),
  ],
);

/** What operators did. Only ever added to. */
export const adminAudit = pgTable(
  'admin_audit',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    /** Who, as a person or a named caller such as `gateway`. */
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    /** Id of what it was done to. */
    target: text('target').notNull(),
    details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
    at: timeOfWriting('at'),
  },
  (table) => [index('admin_audit_target').on(table.target, table.at)],
);

/** One row. `version` serialises picks: a pick made on an older version is made again. */
export const queueState = pgTable('queue_state', {
  id: smallint('id').primaryKey(),
  version: safeInteger('version').notNull(),
  /** The least charge among people with waiting work, never falling: who returns is lifted to it. */
  floorGpuSeconds: doublePrecision('floor_gpu_seconds').notNull(),
});

/** Messages that a committed change owes to NATS. Deleted once JetStream acknowledged them. */
export const outbox = pgTable(
  'outbox',
  {
    id: generatedId(),
    /** A key of the subjects table. */
    key: text('key').notNull(),
    tokens: jsonb('tokens').$type<Record<string, string>>().notNull(),
    data: jsonb('data').$type<unknown>().notNull(),
    correlationId: uuid('correlation_id').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [index('outbox_created').on(table.createdAt)],
);

/** What was taken in once and must not be again; with a payload where the work follows later. */
export const inbox = pgTable(
  'inbox',
  {
    consumer: text('consumer').notNull(),
    key: text('key').notNull(),
    /** Order within a consumer. */
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    payload: jsonb('payload').$type<unknown>(),
    createdAt: timeOfWriting('created_at'),
    handledAt: time('handled_at'),
  },
  (table) => [
    primaryKey({ columns: [table.consumer, table.key] }),
    index('inbox_unhandled')
      .on(table.consumer, table.seq)
      .where(sql`handled_at is null`),
    index('inbox_handled')
      .on(table.handledAt)
      .where(sql`handled_at is not null`),
  ],
);

/**
 * Messages owed to people: pending -> sending (nonce and time stored) -> sent (message id stored) | failed (nobody can
 * be told there; said in the web history). One of a kind a request, and one for each question.
 */
export const deliveries = pgTable(
  'deliveries',
  {
    id: generatedId(),
    requestId: uuid('request_id')
      .notNull()
      .references(() => requests.id),
    door: text('door').notNull(),
    place: jsonb('place').$type<Place>().notNull(),
    /**
     * card: the placeholder that lives until the end; result: the end; ping: the mention that notifies; question: the call
     * to answer a question, whose id is the delivery's own.
     */
    kind: text('kind').notNull(),
    state: text('state').notNull().default('pending'),
    holder: uuid('holder'),
    epoch: integer('epoch').notNull().default(0),
    leaseExpiresAt: time('lease_expires_at'),
    attempts: integer('attempts').notNull().default(0),
    notBefore: time('not_before'),
    sendingAt: time('sending_at'),
    sentAt: time('sent_at'),
    /** Where it stands on the platform, as the adapter wrote it. */
    messageRef: jsonb('message_ref').$type<Record<string, unknown>>(),
    error: text('error'),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    uniqueIndex('deliveries_request_kind')
      .on(table.requestId, table.kind)
      .where(sql`kind <> 'question'`),
    index('deliveries_chat')
      .on(table.door, sql`(place->>'id')`, table.createdAt)
      .where(sql`state in ('pending', 'sending')`),
    index('deliveries_open')
      .on(table.door, table.createdAt)
      .where(sql`state in ('pending', 'sending')`),
  ],
);

/** What the page shows as delivered: the web adapter's "sent message". */
export const webPosts = pgTable(
  'web_posts',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    deliveryId: uuid('delivery_id').notNull(),
    requestId: uuid('request_id').notNull(),
    placeId: text('place_id').notNull(),
    kind: text('kind').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    uniqueIndex('web_posts_delivery').on(table.deliveryId),
    index('web_posts_place').on(table.placeId, table.seq),
    index('web_posts_request').on(table.requestId),
  ],
);

/** Files in the asset store that we know of: when each may go. */
export const assets = pgTable(
  'assets',
  {
    hash: text('hash').primaryKey(),
    mediaType: text('media_type').notNull(),
    bytes: safeInteger('bytes').notNull(),
    createdAt: timeOfWriting('created_at'),
    /** Absent: kept. */
    expiresAt: time('expires_at'),
  },
  (table) => [
    index('assets_expiring')
      .on(table.expiresAt)
      .where(sql`expires_at is not null`),
  ],
);
