import type { LiveProgress } from '@atelier/shared/contracts/live';

/** How fast what runs is sampling, from the progress that is shown of it. */
export interface StepRate {
  take(progress: Pick<LiveProgress, 'jobId' | 'nodeId' | 'step' | 'elapsedMs'>): void;
  /** Steps a second of this job over its last {@link maxSamples} signs; undefined before its sampler has made two. */
  of(jobId: string): number | undefined;
}

const maxSamples = 20;

/** Builds the rate of one ComfyUI, which runs one job at a time: a sign of another job or node begins anew. */
export function createStepRate(): StepRate {
  let at: { jobId: string; nodeId: string | undefined } | undefined;
  let samples: { step: number; elapsedMs: number }[] = [];
  return {
    take({ jobId, nodeId, step = 0, elapsedMs }) {
      if (at?.jobId !== jobId || at.nodeId !== nodeId || step < (samples.at(-1)?.step ?? 0)) samples = [];
      at = { jobId, nodeId };
      // Step 0 is said before models are loaded.
      if (step === 0 || step === samples.at(-1)?.step) return;
      samples = [...samples, { step, elapsedMs }].slice(-maxSamples);
    },
    of(jobId) {
      const [first] = samples;
      const last = samples.at(-1);
      if (at?.jobId !== jobId || first === undefined || last === undefined) return undefined;
      const seconds = (last.elapsedMs - first.elapsedMs) / 1_000;
      return seconds <= 0 ? undefined : (last.step - first.step) / seconds;
    },
  };
}
