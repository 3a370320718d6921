import type { OutputFile } from '@atelier/comfyui/client/finished-prompt';
import type { JobError, JobOutput } from '@atelier/shared/contracts/job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { Held, RequeueOptions } from '@atelier/shared/db/jobs/job-transitions';
import type { JobPick } from '@atelier/shared/db/jobs/pick-jobs';
import type { AcquiredInstance, InstanceLease, InstanceReport } from '@atelier/shared/db/instances/instance-store';
import type { OutputText } from './core/output-texts.ts';

/** Monotonic time and waiting, so that a test can turn it by hand. */
export interface Clock {
  /** Milliseconds since some origin; never goes back. */
  now(): number;
  /** @throws the signal's reason when it fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * The job rows, as one worker may change them. Each method is one of the edges in
 * `packages/shared/src/db/jobs/job-transitions.ts`; false or undefined says that the lease was lost. Messages that a
 * change owes are on their way when it resolves. Jobs that finish while another's end is being written are written together.
 */
export interface JobStore {
  snapshot(): Promise<QueueSnapshot>;
  pick(instance: InstanceLease, queueVersion: number, picks: readonly JobPick[]): Promise<JobRecord[]>;
  read(jobId: string): Promise<JobRecord | undefined>;
  /** Whether its previews are shown to somebody: it came through the door that is ComfyUI's own interface. */
  wantsPreviews(job: Pick<JobRecord, 'requestId'>): Promise<boolean>;
  adopt(instance: AcquiredInstance): Promise<JobRecord[]>;
  posting(lease: JobLease, promptId: string): Promise<JobRecord | undefined>;
  posted(lease: JobLease): Promise<Held>;
  running(lease: JobLease): Promise<Held>;
  withdrawing(lease: JobLease): Promise<Held>;
  storing(lease: JobLease): Promise<boolean>;
  finish(lease: JobLease, result: { outputs: readonly JobOutput[]; gpuSeconds: number }): Promise<boolean>;
  fail(
    lease: JobLease,
    failure: { state: 'failed' | 'quarantined'; error: JobError; gpuSeconds: number },
  ): Promise<boolean>;
  cancel(lease: JobLease, gpuSeconds: number): Promise<boolean>;
  requeue(lease: JobLease, options?: RequeueOptions): Promise<boolean>;
  /** Frees what dead instances held and carries out stored cancels. */
  sweep(strandedAfterMs: number): Promise<void>;
  report(instance: InstanceLease, report: InstanceReport): Promise<void>;
  /** What the GPU holds is not known any more: the next pick does not count on it. */
  forgetResident(instance: InstanceLease): Promise<void>;
}

export interface OutputStore {
  /**
   * Copies one file out of ComfyUI into the asset store, streaming, and makes its thumbnail where it is a picture.
   *
   * @throws ComfyError `unreachable` (try again) or `refused` (ComfyUI no longer has it); AppError `too_large`,
   *   `unavailable` (the store is full or away: try again).
   */
  store(file: OutputFile, index: number, signal: AbortSignal): Promise<JobOutput>;
  /** Stores a text that a node put out. @throws AppError as `store`. */
  storeText(text: OutputText, index: number): Promise<JobOutput>;
  /**
   * Makes one picture of the thumbnails of several, in their order, and stores it; `undefined` where they cannot be drawn.
   *
   * @throws AppError `unavailable`.
   */
  storeSheet(pictures: readonly JobOutput[], index: number): Promise<JobOutput | undefined>;
}
