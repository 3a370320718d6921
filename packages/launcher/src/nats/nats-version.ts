/** Multiple consumer filters and `term(reason)` came with 2.10; older servers ignore the latter without a word. */
export const minNatsVersion = '2.10.0';

/** Reads `nats-server: v2.10.27` (the answer to `nats-server -v`) into `2.10.27`, or undefined when it is something else. */
export function parseNatsVersion(text: string): string | undefined {
  return /nats-server:? v?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** True when `version` is `minNatsVersion` or newer; both are three numbers. */
export function isSupportedNatsVersion(version: string): boolean {
  const have = version.split('.').map(Number);
  const want = minNatsVersion.split('.').map(Number);
  for (const [index, wanted] of want.entries()) {
    const had = have[index] ?? 0;
    if (had !== wanted) return had > wanted;
  }
  return true;
}
