import { ComfyError } from '../comfy-error.ts';

/** The ComfyError that a call throws. Anything else that it throws goes on; throwing nothing is an error. */
export function errorOf(run: () => unknown): ComfyError {
  try {
    run();
  } catch (error) {
    if (error instanceof ComfyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
