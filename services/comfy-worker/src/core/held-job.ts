import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import type { JobError } from '@atelier/shared/contracts/job';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { JobStore, OutputStore } from '../ports.ts';
import type { TempOutputs } from './collect-outputs.ts';
import type { Tenure } from './lease-keeper.ts';
import type { LineEntry, PromptLine } from './prompt-line.ts';
import type { JobReporter } from './report-progress.ts';

/** What the steps of a job need of the world. */
export interface RunJobDeps {
  store: JobStore;
  client: ComfyClient;
  socket: ComfySocket;
  outputs: OutputStore;
  tempOutputs: TempOutputs;
  /** Puts the job's input files into ComfyUI; resolves to false when one is no longer stored. */
  uploadInputs: (job: JobRecord, signal: AbortSignal) => Promise<boolean>;
  /** Why this ComfyUI would refuse or must not be given the workflow; looked at before the POST. */
  checkWorkflow: (job: JobRecord) => JobError | undefined;
  reporter: (job: JobRecord) => JobReporter;
  /** An interrupt had no effect: ComfyUI's executor hangs on this prompt, and takes no other before it is restarted. */
  onStuck: (promptId: string) => void;
  /** What the GPU holds is not known any more: ComfyUI was restarted, or its memory was freed. */
  onMemoryLost: () => void;
  line: PromptLine;
  tenure: Tenure;
  timings: WorkerTimings;
  /** How long any run may take, in place of what its job says. */
  maxRunSeconds?: number | undefined;
  log: Logger;
}

/** A job in this worker's hands, as its steps share it. */
export interface HeldJob {
  job: JobRecord;
  lease: JobLease;
  entry: LineEntry;
  /** Fires when a cancel of this job is wanted. */
  cancel: AbortSignal;
  /** Its POST was surely not sent yet: its `prompt_id` was stored by us, and we know that we did not send it. */
  unsent: boolean;
  /** ComfyUI has answered the POST, or has shown the prompt: nothing of it is on its way any more. */
  arrived: boolean;
  log: Logger;
}

/** How long this job may run. */
export function timeLimitSecondsOf(deps: Pick<RunJobDeps, 'maxRunSeconds'>, job: JobRecord): number {
  return deps.maxRunSeconds ?? job.timeLimitSeconds;
}

/** The prompt that a job in `posting` or later stands for. */
export function promptIdOf(job: JobRecord): string {
  if (job.promptId === null) throw new Error(`job ${job.id} is ${job.state} without a prompt_id: this is a bug`);
  return job.promptId;
}
