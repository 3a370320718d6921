CREATE TABLE "assets" (
	"hash" text PRIMARY KEY NOT NULL,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"request_id" uuid NOT NULL,
	"door" text NOT NULL,
	"place" jsonb NOT NULL,
	"kind" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"holder" uuid,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp (6) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp (6) with time zone,
	"sending_at" timestamp (6) with time zone,
	"sent_at" timestamp (6) with time zone,
	"message_ref" jsonb,
	"error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fair_shares" (
	"person_id" uuid PRIMARY KEY NOT NULL,
	"charged_gpu_seconds" double precision NOT NULL,
	"weight" double precision DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "identities" (
	"door" text NOT NULL,
	"platform_id" text NOT NULL,
	"person_id" uuid NOT NULL,
	CONSTRAINT "identities_door_platform_id_pk" PRIMARY KEY("door","platform_id")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"consumer" text NOT NULL,
	"key" text NOT NULL,
	"seq" bigserial NOT NULL,
	"payload" jsonb,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"handled_at" timestamp (6) with time zone,
	CONSTRAINT "inbox_consumer_key_pk" PRIMARY KEY("consumer","key")
);
--> statement-breakpoint
CREATE TABLE "instances" (
	"id" text PRIMARY KEY NOT NULL,
	"client_id" uuid NOT NULL,
	"holder" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"lease_expires_at" timestamp (6) with time zone NOT NULL,
	"released" boolean DEFAULT false NOT NULL,
	"paused" boolean DEFAULT false NOT NULL,
	"status" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"registry_hash" text,
	"classes" text[],
	"resident_key" text,
	"seen_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job_outputs" (
	"job_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"hash" text NOT NULL,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"width" integer,
	"height" integer,
	"thumbnail_hash" text,
	"node_id" text NOT NULL,
	"filename" text NOT NULL,
	CONSTRAINT "job_outputs_job_id_index_pk" PRIMARY KEY("job_id","index")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"seq" bigserial NOT NULL,
	"class" text NOT NULL,
	"recipe" text NOT NULL,
	"workflow_text" text NOT NULL,
	"inputs" jsonb NOT NULL,
	"classes" text[] NOT NULL,
	"residency_key" text NOT NULL,
	"estimate_key" text NOT NULL,
	"estimated_gpu_seconds" double precision NOT NULL,
	"images" integer NOT NULL,
	"time_limit_seconds" integer NOT NULL,
	"state" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp (6) with time zone,
	"instance_id" text,
	"instance_epoch" integer,
	"prompt_id" uuid,
	"posted_at" timestamp (6) with time zone,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"crashes" smallint DEFAULT 0 NOT NULL,
	"takeovers" smallint DEFAULT 0 NOT NULL,
	"out_of_memory" smallint DEFAULT 0 NOT NULL,
	"charged_gpu_seconds" double precision DEFAULT 0 NOT NULL,
	"cancel_requested_at" timestamp (6) with time zone,
	"error" jsonb,
	"gpu_seconds" double precision,
	"not_before" timestamp (6) with time zone,
	"queued_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (6) with time zone,
	"finished_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"key" text NOT NULL,
	"tokens" jsonb NOT NULL,
	"data" jsonb NOT NULL,
	"correlation_id" uuid NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" uuid PRIMARY KEY NOT NULL,
	"display_name" text NOT NULL,
	"language" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "queue_state" (
	"id" smallint PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"floor_gpu_seconds" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"door" text NOT NULL,
	"event_id" text NOT NULL,
	"person_id" uuid NOT NULL,
	"place" jsonb NOT NULL,
	"language" text NOT NULL,
	"body" jsonb NOT NULL,
	"state" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"plan" jsonb,
	"reply" text,
	"error" jsonb,
	"cancel_requested_at" timestamp (6) with time zone,
	"agent_holder" uuid,
	"agent_epoch" integer DEFAULT 0 NOT NULL,
	"agent_lease_expires_at" timestamp (6) with time zone,
	"agent_not_before" timestamp (6) with time zone,
	"jobs_total" integer DEFAULT 0 NOT NULL,
	"jobs_open" integer DEFAULT 0 NOT NULL,
	"jobs_succeeded" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "web_posts" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"delivery_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"place_id" text NOT NULL,
	"kind" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_request_id_requests_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."requests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_outputs" ADD CONSTRAINT "job_outputs_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_request_id_requests_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."requests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "requests" ADD CONSTRAINT "requests_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "assets_expiring" ON "assets" USING btree ("expires_at") WHERE expires_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_request_kind" ON "deliveries" USING btree ("request_id","kind");--> statement-breakpoint
CREATE INDEX "deliveries_open" ON "deliveries" USING btree ("door","created_at") WHERE state in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX "identities_person" ON "identities" USING btree ("person_id");--> statement-breakpoint
CREATE INDEX "inbox_unhandled" ON "inbox" USING btree ("consumer","seq") WHERE handled_at is null;--> statement-breakpoint
CREATE INDEX "job_outputs_hash" ON "job_outputs" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "job_outputs_thumbnail" ON "job_outputs" USING btree ("thumbnail_hash");--> statement-breakpoint
CREATE INDEX "jobs_request" ON "jobs" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "jobs_queued" ON "jobs" USING btree ("seq") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "jobs_active" ON "jobs" USING btree ("instance_id") WHERE state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing');--> statement-breakpoint
CREATE INDEX "jobs_measured" ON "jobs" USING btree ("estimate_key","finished_at") WHERE state = 'succeeded';--> statement-breakpoint
CREATE INDEX "outbox_created" ON "outbox" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "requests_event" ON "requests" USING btree ("door","event_id");--> statement-breakpoint
CREATE INDEX "requests_unplanned" ON "requests" USING btree ("created_at") WHERE state in ('accepted', 'planning');--> statement-breakpoint
CREATE INDEX "requests_place" ON "requests" USING btree ("door",(place->>'id'),"created_at");--> statement-breakpoint
CREATE INDEX "requests_person" ON "requests" USING btree ("person_id","created_at");--> statement-breakpoint
CREATE INDEX "requests_open" ON "requests" USING btree ("person_id") WHERE finished_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "web_posts_delivery" ON "web_posts" USING btree ("delivery_id");--> statement-breakpoint
CREATE INDEX "web_posts_place" ON "web_posts" USING btree ("place_id","seq");--> statement-breakpoint
CREATE INDEX "web_posts_request" ON "web_posts" USING btree ("request_id");