/** Waits until there is something. @throws with what `state` says after `withinMs`. */
export async function untilSeen<T>(
  look: () => T | undefined | Promise<T | undefined>,
  state: () => string = () => '',
  withinMs = 25_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`nothing was seen within ${withinMs} ms\n${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
