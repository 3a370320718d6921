import { z } from 'zod';
import { endProcess } from '../child/end-process.ts';
import { isSameProcess, processIdentity } from '../child/process-identity.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** What runs in a state folder, as `run.json` says. */
const runRecord = z.object({
  /** The launcher. */
  pid: z.int(),
  startedAt: z.iso.datetime(),
  /** Undefined until the page can be opened. */
  webUrl: z.string().optional(),
  natsUrl: z.string().optional(),
  databaseUrl: z.string().optional(),
  comfyuiUrl: z.string().optional(),
  children: z.array(processIdentity.extend({ name: z.string() })),
});
export type RunRecord = z.infer<typeof runRecord>;

export function readRunRecord(runFile: string): Promise<RunRecord | undefined> {
  return readJsonFile(runFile, runRecord);
}

export function writeRunRecord(runFile: string, record: RunRecord): Promise<void> {
  return writeJsonFile(runFile, record);
}

// They end by themselves when their launcher is gone; this is only how long the next start waits for it.
const leftBehindGraceMs = 2_000;

/** Ends the processes of a run that was killed and whose own end is not through yet. Resolves to their names. */
export async function endLeftBehindChildren(runFile: string): Promise<string[]> {
  const record = await readRunRecord(runFile);
  const ended = await Promise.all(
    (record?.children ?? []).map(async (child) => {
      if (!(await isSameProcess(child))) return undefined;
      await endProcess(child.pid, 'SIGTERM', leftBehindGraceMs);
      return child.name;
    }),
  );
  return ended.filter((name) => name !== undefined);
}
