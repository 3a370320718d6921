import { readFileSync } from 'node:fs';

/** Ticks of the kernel's clock in a second, as it counts for programs. */
const ticksPerSecond = 100;

/** CPU time that a process and its threads have used; NaN where there is no /proc to read it from. */
export function cpuSeconds(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return NaN;
  }
  // The name before may hold spaces and brackets; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
