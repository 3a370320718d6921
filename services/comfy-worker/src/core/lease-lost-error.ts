/** Thrown when a write found that its lease is gone: whoever holds it now goes on with the job. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** @throws LeaseLostError unless the write found its lease. */
export function mustHold(held: boolean): void {
  if (!held) throw new LeaseLostError('the lease was lost');
}
