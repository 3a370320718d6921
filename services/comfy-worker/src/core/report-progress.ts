import type { PromptProgress } from '@atelier/comfyui/client/track-progress';
import type { LivePreview, LiveProgress } from '@atelier/shared/contracts/live';

/** Shows how far one job is, to whoever watches. */
export interface JobReporter {
  progress(progress: PromptProgress): void;
  preview(image: Uint8Array): void;
  end(): void;
}

export interface ReporterOptions {
  jobId: string;
  requestId: string;
  publishProgress: (progress: LiveProgress) => void;
  publishPreview: (preview: LivePreview) => void;
  scalePreview: (image: Uint8Array) => Promise<Buffer | undefined>;
  now: () => number;
}

/** Between two progress messages: at most 10 a second, however many a sampler sends. */
const progressGapMs = 100;
/** Between two previews. */
const previewGapMs = 250;
/** Nobody can follow what is over sooner: then its end is all that is told. */
const briefMs = 50;

/** Builds the reporter of one job: the latest progress wins, and the last always goes out, unless the job was brief. */
export function createJobReporter(options: ReporterOptions): JobReporter {
  const startedAt = options.now();
  let sentAt = -Infinity;
  let previewAt = -Infinity;
  let waiting: PromptProgress | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  function send(progress: PromptProgress): void {
    sentAt = options.now();
    waiting = undefined;
    options.publishProgress({
      jobId: options.jobId,
      requestId: options.requestId,
      fraction: Math.min(1, Math.max(0, progress.fraction ?? 0)),
      ...(progress.nodeId === undefined ? {} : { nodeId: progress.nodeId }),
      ...(progress.classType === undefined ? {} : { classType: progress.classType }),
      step: Math.max(0, Math.round(progress.value)),
      steps: Math.max(0, Math.round(progress.max)),
      elapsedMs: Math.round(options.now() - startedAt),
    });
  }

  return {
    progress(progress) {
      if (ended) return;
      waiting = progress;
      const dueIn = Math.max(sentAt + progressGapMs, startedAt + briefMs) - options.now();
      if (dueIn <= 0) {
        clearTimeout(timer);
        timer = undefined;
        send(progress);
        return;
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        if (waiting !== undefined) send(waiting);
      }, dueIn);
    },
    preview(image) {
      if (ended || options.now() - previewAt < previewGapMs) return;
      previewAt = options.now();
      void options.scalePreview(image).then((scaled) => {
        if (scaled === undefined || ended) return;
        options.publishPreview({
          jobId: options.jobId,
          requestId: options.requestId,
          mediaType: 'image/jpeg',
          base64: scaled.toString('base64'),
        });
      });
    },
    end() {
      if (waiting !== undefined && options.now() - startedAt >= briefMs) send(waiting);
      clearTimeout(timer);
      ended = true;
    },
  };
}
