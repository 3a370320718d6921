import { ComfyError } from '../errors/comfy-error.ts';
import { abortedError } from './clock.ts';

/** One deadline and one caller's signal for one request, with an answer to the question which of them cut it off. */
export interface TimeLimit {
  /** What to do when the time is over or the caller wants no more; at once where that is so already. */
  onCut(cut: () => void): void;
  /** Starts the same time again. */
  renew(): void;
  /** Stops the time, not the signal: a reader that takes its time is no fault of the server. */
  pause(): void;
  clear(): void;
  /** @param what names the request. */
  explain(error: unknown, what: string): ComfyError;
}

/** Starts the time. */
export function createTimeLimit(timeoutMs: number, outer: AbortSignal | undefined): TimeLimit {
  let timedOut = false;
  let cut = (): void => {};
  const onOuter = (): void => cut();
  const onTimeout = (): void => {
    timedOut = true;
    cut();
  };
  let timer = setTimeout(onTimeout, timeoutMs);
  outer?.addEventListener('abort', onOuter, { once: true });
  return {
    onCut: (listener) => {
      cut = listener;
      if (outer?.aborted === true || timedOut) cut();
    },
    renew: () => {
      clearTimeout(timer);
      timer = setTimeout(onTimeout, timeoutMs);
    },
    pause: () => clearTimeout(timer),
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onOuter);
    },
    explain: (error, what) => {
      if (error instanceof ComfyError) return error;
      if (outer?.aborted === true) return abortedError(outer);
      const reason = timedOut ? `no answer within ${timeoutMs} ms` : connectionReason(error);
      return new ComfyError('unreachable', `ComfyUI could not be reached at ${what}: ${reason}.`, {
        hint: 'Check that ComfyUI runs and that its address is right.',
        cause: error,
      });
    },
  };
}

/** A short reason from what a request throws; system error codes only, since texts can repeat headers. */
function connectionReason(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth += 1) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return 'the connection failed';
}
