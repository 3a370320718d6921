DROP INDEX "deliveries_request_kind";--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "question_expires_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ADD COLUMN "doors" text[] DEFAULT '{"api"}' NOT NULL;--> statement-breakpoint
CREATE INDEX "job_outputs_previews" ON "job_outputs" USING btree ("job_id") WHERE kind = 'preview';--> statement-breakpoint
CREATE INDEX "requests_asking" ON "requests" USING btree ("question_expires_at") WHERE state = 'asking';--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_request_kind" ON "deliveries" USING btree ("request_id","kind") WHERE kind <> 'question';