import { AppError } from '@atelier/shared/errors/app-error';

/**
 * The work's outcome, if it comes in time. What comes later is dropped; it may still take effect, so only work that may
 * be repeated is waited for like this.
 *
 * @throws AppError `unavailable` when the time is over.
 */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new AppError('unavailable', 'no answer in time')), deadlineMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    // A failure after the deadline has nobody left to tell.
    work.catch(() => undefined);
  }
}
