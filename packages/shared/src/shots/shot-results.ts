import type { JobError, JobOutput, JobParams, JobState } from '../contracts/job.ts';

/** What became of one shot, as programs read it. */
export interface ShotResult {
  shot_id: string;
  success: boolean;
  /** Of its first picture or video; absent until there is one. */
  image_url?: string;
  prompt: string;
  /** Why there is none. */
  error?: string;
}

/** A job as far as shots need it. */
export interface ShotJob {
  state: JobState;
  params?: JobParams | null | undefined;
  error: JobError | null;
  outputs: readonly Pick<JobOutput, 'index' | 'hash' | 'mediaType'>[];
}

/**
 * The results of a storyboard, in the order of its jobs: one a shot, also where several jobs draw it.
 *
 * @param urlOf gives the address of a stored file.
 */
export function shotResults(
  jobs: readonly ShotJob[],
  urlOf: (output: Pick<JobOutput, 'hash' | 'mediaType'>) => string,
): ShotResult[] {
  const byShot = new Map<string, ShotJob[]>();
  for (const job of jobs) {
    const shotId = job.params?.shotId;
    if (shotId !== undefined) byShot.set(shotId, [...(byShot.get(shotId) ?? []), job]);
  }
  return [...byShot].map(([shotId, own]) => {
    const output = own.flatMap((job) => (job.state === 'succeeded' ? job.outputs : []))[0];
    const error = output === undefined ? own.find((job) => job.error !== null)?.error : undefined;
    return {
      shot_id: shotId,
      success: output !== undefined,
      ...(output === undefined ? {} : { image_url: urlOf(output) }),
      prompt: own[0]?.params?.shotPrompt ?? '',
      ...(error === undefined || error === null ? {} : { error: error.message.en }),
    };
  });
}
