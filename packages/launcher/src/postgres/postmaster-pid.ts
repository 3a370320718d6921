/** What a running server tells about itself in `postmaster.pid`. */
export interface PostmasterFile {
  readonly pid: number;
  readonly dataDir: string;
  readonly port: number;
  readonly ready: boolean;
}

/**
 * Reads `postmaster.pid`: process id, data folder, start time, port, socket folder, listen address, shared memory key, status,
 * a line each (PostgreSQL source, `src/include/utils/pidfile.h`). Undefined while the file is half-written.
 */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  const dataDir = lines[1];
  // The file starts with a minus sign before the id in single-user mode.
  if (!Number.isInteger(pid) || pid <= 1 || dataDir === undefined || dataDir === '') return undefined;
  return { pid, dataDir, port: Number.isInteger(port) ? port : 0, ready: lines[7] === 'ready' };
}
