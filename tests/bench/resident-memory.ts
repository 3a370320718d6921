import { execFileSync } from 'node:child_process';

/** Megabytes (10^6 bytes) of a process that are in memory, by `ps`. */
export function residentMegabytes(pid: number): number {
  const kibibytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  return (kibibytes * 1_024) / 1_000_000;
}
