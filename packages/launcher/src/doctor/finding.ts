/** One line of the doctor. `advice` says what to do; for what is well it may add a fact. */
export interface Finding {
  name: string;
  /** `off`: not set up, and that is fine. */
  state: 'ok' | 'warning' | 'broken' | 'off';
  text: string;
  advice?: string;
}

const marks = { ok: '✓', warning: '!', broken: '✗', off: '·' } as const;

/** `✓ NATS          2.10.27 at nats://127.0.0.1:4222`, the advice on a line of its own. */
export function formatFinding(finding: Finding): string {
  const line = `${marks[finding.state]} ${finding.name.padEnd(12)} ${finding.text}`;
  return finding.advice === undefined ? line : `${line}\n  ${' '.repeat(12)} → ${finding.advice}`;
}

/** Runs one check; what it throws becomes its finding. */
export async function examine(
  name: string,
  advice: string,
  check: () => Promise<Omit<Finding, 'name'> | Omit<Finding, 'name'>[]>,
): Promise<Finding[]> {
  try {
    return [await check()].flat().map((finding) => ({ name, ...finding }));
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('\n')[0] ?? error.message) : String(error);
    return [{ name, state: 'broken', text, advice }];
  }
}
