CREATE TABLE "agent_answers" (
	"question_id" uuid PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"question" jsonb NOT NULL,
	"choice" text,
	"text" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agent_drafts" (
	"id" uuid NOT NULL,
	"version" integer NOT NULL,
	"session_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"title" text NOT NULL,
	"workflow_text" text NOT NULL,
	"inputs" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_drafts_id_version_pk" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "agent_preferences" (
	"person_id" uuid NOT NULL,
	"key" text NOT NULL,
	"value" text NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_preferences_person_id_key_pk" PRIMARY KEY("person_id","key")
);
--> statement-breakpoint
CREATE TABLE "agent_sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"door" text NOT NULL,
	"place_id" text NOT NULL,
	"thread_id" text DEFAULT '' NOT NULL,
	"run_id" uuid NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"notes" text DEFAULT '' NOT NULL,
	"draft_id" uuid,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agent_steps" (
	"run_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"session_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_steps_run_id_seq_pk" PRIMARY KEY("run_id","seq")
);
--> statement-breakpoint
CREATE TABLE "agent_tool_results" (
	"run_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"tool_use_id" text NOT NULL,
	"tool" text NOT NULL,
	"is_error" boolean NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_tool_results_run_id_seq_tool_use_id_pk" PRIMARY KEY("run_id","seq","tool_use_id")
);
--> statement-breakpoint
CREATE TABLE "agent_usage" (
	"run_id" uuid NOT NULL,
	"day" date NOT NULL,
	"person_id" uuid NOT NULL,
	"model" text NOT NULL,
	"model_calls" integer DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_read_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_tokens" bigint DEFAULT 0 NOT NULL,
	"micro_dollars" bigint DEFAULT 0 NOT NULL,
	"planned_gpu_seconds" double precision DEFAULT 0 NOT NULL,
	CONSTRAINT "agent_usage_run_id_day_pk" PRIMARY KEY("run_id","day")
);
--> statement-breakpoint
CREATE TABLE "access_rules" (
	"door" text NOT NULL,
	"scope" text NOT NULL,
	"subject" text NOT NULL,
	"command" text DEFAULT '*' NOT NULL,
	"effect" text NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "access_rules_door_scope_subject_command_pk" PRIMARY KEY("door","scope","subject","command")
);
--> statement-breakpoint
CREATE TABLE "chat_channels" (
	"door" text NOT NULL,
	"place_id" text NOT NULL,
	"place" jsonb NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"board_ref" jsonb,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chat_channels_door_place_id_pk" PRIMARY KEY("door","place_id")
);
--> statement-breakpoint
CREATE TABLE "chat_limits" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chat_posts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"key" text NOT NULL,
	"door" text NOT NULL,
	"place" jsonb NOT NULL,
	"kind" text NOT NULL,
	"request_id" uuid,
	"picture" smallint,
	"text" jsonb,
	"state" text DEFAULT 'pending' NOT NULL,
	"holder" uuid,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp (6) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp (6) with time zone,
	"sending_at" timestamp (6) with time zone,
	"message_ref" jsonb,
	"error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chat_reports" (
	"request_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"picture" smallint,
	"reason" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chat_reports_request_id_person_id_pk" PRIMARY KEY("request_id","person_id")
);
--> statement-breakpoint
CREATE TABLE "chat_styles" (
	"owner" text NOT NULL,
	"name" text NOT NULL,
	"words" text NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chat_styles_owner_name_pk" PRIMARY KEY("owner","name")
);
--> statement-breakpoint
CREATE TABLE "link_codes" (
	"code_hash" text PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"signs_in" boolean DEFAULT false NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"used_at" timestamp (6) with time zone,
	"moved_person_id" uuid
);
--> statement-breakpoint
CREATE TABLE "person_settings" (
	"person_id" uuid PRIMARY KEY NOT NULL,
	"settings" jsonb NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "request_marks" (
	"request_id" uuid PRIMARY KEY NOT NULL,
	"deleted_at" timestamp (6) with time zone,
	"shared_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "admin_audit" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "favourites" (
	"person_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"job_id" uuid NOT NULL,
	"output_index" integer NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "favourites_person_id_hash_pk" PRIMARY KEY("person_id","hash")
);
--> statement-breakpoint
CREATE TABLE "quotas" (
	"person_id" uuid PRIMARY KEY NOT NULL,
	"gpu_seconds_per_day" double precision,
	"images_per_day" integer,
	"pending_jobs" integer,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_days" (
	"person_id" uuid NOT NULL,
	"day" date NOT NULL,
	"jobs" integer DEFAULT 0 NOT NULL,
	"images" integer DEFAULT 0 NOT NULL,
	"gpu_seconds" double precision DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"micro_dollars" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "usage_days_person_id_day_pk" PRIMARY KEY("person_id","day")
);
--> statement-breakpoint
CREATE TABLE "door_files" (
	"person_id" uuid NOT NULL,
	"path" text NOT NULL,
	"content" "bytea" NOT NULL,
	"bytes" integer NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"modified_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "door_files_person_id_path_pk" PRIMARY KEY("person_id","path")
);
--> statement-breakpoint
CREATE TABLE "door_prompts" (
	"request_id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"prompt_id" text NOT NULL,
	"number" bigserial NOT NULL,
	"client_id" text,
	"extra_data_text" text NOT NULL,
	"outputs" text[] NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"hidden_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "api_files" (
	"account" text NOT NULL,
	"folder" text NOT NULL,
	"subfolder" text DEFAULT '' NOT NULL,
	"filename" text NOT NULL,
	"hash" text NOT NULL,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "api_files_account_folder_subfolder_filename_pk" PRIMARY KEY("account","folder","subfolder","filename")
);
--> statement-breakpoint
CREATE TABLE "api_sessions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"secret_hash" text NOT NULL,
	"account" text NOT NULL,
	"user_agent" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"last_used_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "api_token_days" (
	"token_id" uuid NOT NULL,
	"day" date NOT NULL,
	"requests" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "api_token_days_token_id_day_pk" PRIMARY KEY("token_id","day")
);
--> statement-breakpoint
CREATE TABLE "api_tokens" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"account" text NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"hint" text NOT NULL,
	"scopes" text[] NOT NULL,
	"per_minute" integer,
	"per_day" integer,
	"open_requests" integer,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone,
	"last_used_at" timestamp (6) with time zone,
	"revoked_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "gateway_keys" (
	"name" text PRIMARY KEY NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "service_addresses" (
	"service" text PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_codes" (
	"code_hash" text PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"used_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"endpoint_id" uuid NOT NULL,
	"event" text NOT NULL,
	"request_id" uuid,
	"state" text DEFAULT 'pending' NOT NULL,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp (6) with time zone,
	"not_before" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (6) with time zone,
	"status" integer,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "webhook_endpoints" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"account" text NOT NULL,
	"url" text NOT NULL,
	"secret" text NOT NULL,
	"events" text[] NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp (6) with time zone,
	"dead_in_row" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "leaderships" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" uuid NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "policy_rules" (
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"decision" text NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"decided_by" text NOT NULL,
	"decided_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policy_rules_subject_name_pk" PRIMARY KEY("subject","name")
);
--> statement-breakpoint
CREATE TABLE "chat_silences" (
	"chat" text PRIMARY KEY NOT NULL,
	"until" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "saved_workflows" (
	"id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"name" text NOT NULL,
	"title" text NOT NULL,
	"shared" boolean DEFAULT false NOT NULL,
	"workflow_text" text NOT NULL,
	"defaults" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "fair_shares" ADD COLUMN "open_jobs" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "fair_shares" ADD COLUMN "open_images" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "fair_shares" ADD COLUMN "open_gpu_seconds" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "models" text[];--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "reserved_for" uuid[];--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "resident_seconds" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "job_outputs" ADD COLUMN "kind" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "model" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "steps" integer;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "pixels" integer;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "loras" smallint;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "models" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "vram_gb" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "priority" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "promise" jsonb;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "params" jsonb;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "agent_claims" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "agent_wake" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "question" jsonb;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "is_private" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "parent_request_id" uuid;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "parent_picture" smallint;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "cost" jsonb;--> statement-breakpoint
ALTER TABLE "api_token_days" ADD CONSTRAINT "api_token_days_token_id_api_tokens_id_fk" FOREIGN KEY ("token_id") REFERENCES "public"."api_tokens"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint_id_webhook_endpoints_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."webhook_endpoints"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "agent_answers_request" ON "agent_answers" USING btree ("request_id","created_at");--> statement-breakpoint
CREATE INDEX "agent_drafts_session" ON "agent_drafts" USING btree ("session_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "agent_sessions_place" ON "agent_sessions" USING btree ("door","place_id","thread_id");--> statement-breakpoint
CREATE INDEX "agent_steps_created" ON "agent_steps" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "agent_tool_results_created" ON "agent_tool_results" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "agent_usage_person" ON "agent_usage" USING btree ("person_id","day");--> statement-breakpoint
CREATE INDEX "agent_usage_day" ON "agent_usage" USING btree ("day");--> statement-breakpoint
CREATE UNIQUE INDEX "chat_posts_key" ON "chat_posts" USING btree ("key");--> statement-breakpoint
CREATE INDEX "chat_posts_open" ON "chat_posts" USING btree ("created_at") WHERE state in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX "chat_reports_created" ON "chat_reports" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "link_codes_expiring" ON "link_codes" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "admin_audit_target" ON "admin_audit" USING btree ("target","at");--> statement-breakpoint
CREATE INDEX "favourites_job" ON "favourites" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "favourites_hash" ON "favourites" USING btree ("hash");--> statement-breakpoint
CREATE UNIQUE INDEX "door_prompts_prompt" ON "door_prompts" USING btree ("person_id","prompt_id");--> statement-breakpoint
CREATE INDEX "door_prompts_shown" ON "door_prompts" USING btree ("person_id","number") WHERE hidden_at is null;--> statement-breakpoint
CREATE INDEX "api_files_hash" ON "api_files" USING btree ("hash");--> statement-breakpoint
CREATE UNIQUE INDEX "api_sessions_secret" ON "api_sessions" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "api_sessions_account" ON "api_sessions" USING btree ("account");--> statement-breakpoint
CREATE INDEX "api_sessions_expiring" ON "api_sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "api_tokens_secret" ON "api_tokens" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "api_tokens_account" ON "api_tokens" USING btree ("account");--> statement-breakpoint
CREATE INDEX "sign_in_codes_expiring" ON "sign_in_codes" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_deliveries_once" ON "webhook_deliveries" USING btree ("endpoint_id","event","request_id") WHERE request_id is not null;--> statement-breakpoint
CREATE INDEX "webhook_deliveries_open" ON "webhook_deliveries" USING btree ("created_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_endpoint" ON "webhook_deliveries" USING btree ("endpoint_id","created_at");--> statement-breakpoint
CREATE INDEX "webhook_endpoints_account" ON "webhook_endpoints" USING btree ("account");--> statement-breakpoint
CREATE UNIQUE INDEX "saved_workflows_name" ON "saved_workflows" USING btree ("person_id",lower(name));--> statement-breakpoint
CREATE INDEX "saved_workflows_shared" ON "saved_workflows" USING btree (lower(name)) WHERE shared;--> statement-breakpoint
CREATE INDEX "deliveries_chat" ON "deliveries" USING btree ("door",(place->>'id'),"created_at") WHERE state in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX "inbox_handled" ON "inbox" USING btree ("handled_at") WHERE handled_at is not null;--> statement-breakpoint
CREATE INDEX "jobs_finished" ON "jobs" USING btree ("finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "jobs_instance_finished" ON "jobs" USING btree ("instance_id","finished_at","state") WHERE finished_at is not null and instance_id is not null;--> statement-breakpoint
CREATE INDEX "requests_parent" ON "requests" USING btree ("parent_request_id") WHERE parent_request_id is not null;--> statement-breakpoint
CREATE INDEX "requests_finished" ON "requests" USING btree ("finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "requests_given_up" ON "requests" USING btree ("finished_at") WHERE state in ('failed', 'cancelled');