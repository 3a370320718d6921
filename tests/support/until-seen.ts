export interface UntilSeenOptions {
  /** What is waited for: said when it does not come. */
  what?: string;
  /** How things stand: said then as well. */
  state?: () => string;
  /** 25,000 unless given. */
  withinMs?: number;
  /** Between two looks; 10 unless given. */
  everyMs?: number;
  /** Which failures of a look mean "not yet"; none unless given. */
  isPassing?: (error: unknown) => boolean;
}

/** Looks until there is something. @throws what a look throws, and when nothing comes in time. */
export async function untilSeen<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { what = 'it', state, withinMs = 25_000, everyMs = 10, isPassing = () => false }: UntilSeenOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let cause: unknown;
  do {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
    } catch (error) {
      if (!isPassing(error)) throw error;
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  } while (performance.now() < deadline);
  throw new Error(`${what} did not come within ${withinMs} ms${state === undefined ? '' : `\n${state()}`}`, { cause });
}
