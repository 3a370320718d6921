import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import {
  jobClassSchema,
  jobErrorSchema,
  jobInputSchema,
  jobParamsSchema,
  type jobOutputSchema,
  jobStateSchema,
} from '../../contracts/job.ts';

/** A job as services see it. */
export const jobRecordSchema = z.object({
  id: uuidSchema,
  requestId: uuidSchema,
  personId: uuidSchema,
  index: z.int(),
  seq: z.coerce.number(),
  class: jobClassSchema,
  recipe: z.string(),
  workflowText: z.string(),
  inputs: z.array(jobInputSchema),
  classes: z.array(z.string()),
  residencyKey: z.string(),
  estimateKey: z.string(),
  estimatedGpuSeconds: z.number(),
  images: z.int(),
  timeLimitSeconds: z.int(),
  state: jobStateSchema,
  version: z.int(),
  epoch: z.int(),
  instanceId: z.string().nullable(),
  promptId: uuidSchema.nullable(),
  postedAt: z.date().nullable(),
  attempts: z.int(),
  crashes: z.int(),
  takeovers: z.int(),
  outOfMemory: z.int(),
  cancelRequestedAt: z.date().nullable(),
  error: jobErrorSchema.nullable(),
  gpuSeconds: z.number().nullable(),
  queuedAt: z.date(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
  /** Absent in jobs of earlier versions. */
  params: jobParamsSchema.nullish(),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

/** A job with what came out of it. */
export interface JobWithOutputs extends JobRecord {
  outputs: z.infer<typeof jobOutputSchema>[];
  /** All its pictures side by side, where there are several. */
  sheet?: z.infer<typeof jobOutputSchema>;
  /** What ComfyUI shows beside its outputs, for a day: of prompts that came through its own interface. */
  previews?: z.infer<typeof jobOutputSchema>[];
}

/** Rows as jobs, and those that this version cannot read: one row that another version wrote must not stop all others. */
export interface ReadJobs {
  jobs: JobRecord[];
  unreadable: UnreadableJob[];
}

/** What fences the job, and why its row cannot be read. */
export interface UnreadableJob {
  jobId: string;
  epoch: number;
  reason: string;
}

const fenceSchema = z.object({ id: uuidSchema, epoch: z.int() });

/** Reads whole rows of `jobs`. */
export function parseJobRows(rows: readonly Record<string, unknown>[]): ReadJobs {
  const read: ReadJobs = { jobs: [], unreadable: [] };
  for (const row of rows) {
    const parsed = jobRecordSchema.safeParse(row);
    if (parsed.success) {
      read.jobs.push(parsed.data);
    } else {
      const { id, epoch } = fenceSchema.parse(row);
      read.unreadable.push({ jobId: id, epoch, reason: z.prettifyError(parsed.error) });
    }
  }
  return read;
}
