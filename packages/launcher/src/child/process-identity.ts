import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { z } from 'zod';
import { runCommand } from './run-command.ts';

/** A process told apart from a later one with the same number: by when it started (and in which boot of the system). */
export const processIdentity = z.object({ pid: z.int().min(2), started: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** The identity of a running process; `started` is empty when the process is gone. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity> {
  return { pid, started: await startOf(pid) };
}

/** True while the very process that was identified runs. */
export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  return identity.started !== '' && (await startOf(identity.pid)) === identity.started;
}

async function startOf(pid: number): Promise<string> {
  if (platform() === 'linux') {
    const [status, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    ]);
    const fields = parseProcessStatus(status);
    return fields === undefined || fields.state === 'Z' ? '' : `${bootId.trim()} ${fields.startTicks}`;
  }
  const { code, stdout } = await runCommand('ps', ['-o', 'lstart=', '-p', String(pid)]);
  return code === 0 ? stdout.trim() : '';
}

/** State and start time of `/proc/<pid>/stat` (proc(5), fields 3 and 22); the name in field 2 may hold spaces and brackets. */
export function parseProcessStatus(text: string): { state: string; startTicks: string } | undefined {
  const afterName = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = afterName;
  const startTicks = afterName[19];
  return text === '' || state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

/** True while a process with this number runs, whoever owns it. One that has ended and that nobody has waited for yet does not run. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

/** In a container whose first process collects no orphans, an ended process keeps its number for good. */
function isZombie(pid: number): boolean {
  if (platform() !== 'linux') return false;
  try {
    return parseProcessStatus(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state === 'Z';
  } catch {
    return false;
  }
}

/** The command line of a process, or undefined when there is none to be had. */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  if (platform() === 'linux') {
    const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return raw === '' ? undefined : raw.replaceAll('\0', ' ').trim();
  }
  const { code, stdout } = await runCommand('ps', ['-o', 'args=', '-p', String(pid)]);
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}
