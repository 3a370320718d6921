import type { JobOutput, JobParams } from '../contracts/job.ts';

/** A job as far as its pictures' origin needs it. */
export interface PictureJob {
  params?: JobParams | null | undefined;
  outputs: readonly JobOutput[];
}

/** Where one picture of a request came from. */
export interface PictureOrigin<Job extends PictureJob> {
  job: Job;
  output: JobOutput;
  /** Its place in what the job drew at once, from 0: the noise of a picture follows from seed and place. */
  batchIndex: number;
  /** Decimal digits; absent where its recipe draws without noise, and in jobs of earlier versions. */
  seed?: string;
  /** The prompt that it was drawn with. */
  prompt?: string;
  shotId?: string;
}

/**
 * Finds one picture of a request.
 *
 * @param jobs in order, each with its outputs in order.
 * @param picture counts all outputs from 0, as `SourceRef` does.
 */
export function pictureOrigin<Job extends PictureJob>(
  jobs: readonly Job[],
  picture: number,
): PictureOrigin<Job> | undefined {
  const found = jobs.flatMap((job) => job.outputs.map((output) => ({ job, output })))[picture];
  if (found === undefined) return undefined;
  const { job, output } = found;
  const together = job.outputs.filter(({ nodeId }) => nodeId === output.nodeId);
  const { values, shotId } = job.params ?? {};
  const seed = values?.['seed'];
  const prompt = values?.['prompt'];
  return {
    job,
    output,
    batchIndex: together.findIndex(({ index }) => index === output.index),
    ...(typeof seed === 'string' ? { seed } : {}),
    ...(typeof prompt === 'string' ? { prompt } : {}),
    ...(shotId === undefined ? {} : { shotId }),
  };
}
