import { randomUUID } from 'node:crypto';
import { copyFile, chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { runCommand } from '../child/run-command.ts';
import { StartupError } from '../errors/startup-error.ts';
import { fetchNatsFromDistribution } from './debian-package.ts';
import { isSupportedNatsVersion, minNatsVersion, parseNatsVersion } from './nats-version.ts';
import { fetchNatsRelease } from './official-release.ts';

export interface NatsServerProgram {
  readonly path: string;
  readonly version: string;
}

export interface FindNatsServerOptions {
  /** Folder in which fetched programs are kept; shared by all state folders of a clone. */
  readonly toolsDir: string;
  /** The PATH variable. */
  readonly searchPath: string;
  /** Told in one line what is being installed. */
  readonly say: (line: string) => void;
}

// Distributions install servers where an ordinary user's PATH does not look.
const extraFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

type Fetch = (workDir: string) => Promise<{ ok: true; binary: string } | { ok: false; reason: string }>;

/**
 * Finds a NATS server of version 2.10 or newer: on the PATH, among the programs fetched earlier, from the distribution's
 * packages, else from the official release. Throws a StartupError that names each reason when there is none.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<NatsServerProgram> {
  const installed = await findInstalledNatsServer(options.toolsDir, options.searchPath);
  if (installed !== undefined) return installed;

  const sources: { name: string; fetch: Fetch }[] = [
    { name: "the distribution's packages", fetch: (workDir) => fetchNatsFromDistribution(workDir) },
    {
      name: 'the official release',
      fetch: (workDir) => fetchNatsRelease(workDir, { platform: platform(), arch: arch() }),
    },
  ];
  const reasons: string[] = [];
  for (const source of sources) {
    options.say(`NATS: no server ${minNatsVersion} or newer is installed, fetching one from ${source.name}`);
    const result = await fetchInto(options.toolsDir, source.fetch);
    if (result.ok) return result.program;
    reasons.push(`${source.name}: ${result.reason}`);
  }
  throw new StartupError(
    `No NATS server ${minNatsVersion} or newer was found or could be fetched (${reasons.join('; ')}): install nats-server, or set NATS_URL to one that runs.`,
  );
}

/** The part of findNatsServer that changes nothing: PATH, then the programs fetched earlier. */
export async function findInstalledNatsServer(
  toolsDir: string,
  searchPath: string,
  furtherFolders: readonly string[] = extraFolders,
): Promise<NatsServerProgram | undefined> {
  const fetched = (await readdir(toolsDir).catch(() => [])).filter((name) => /^nats-server-\d/.test(name));
  const candidates = [
    ...new Set([...searchPath.split(delimiter).filter((folder) => folder !== ''), ...furtherFolders]),
  ].map((folder) => join(folder, 'nats-server'));
  candidates.push(...fetched.map((name) => join(toolsDir, name, 'nats-server')));
  for (const path of candidates) {
    const version = await versionOf(path);
    if (version !== undefined && isSupportedNatsVersion(version)) return { path, version };
  }
  return undefined;
}

async function versionOf(path: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await runCommand(path, ['-v'], { timeoutMs: 10_000 });
  return code === 0 ? parseNatsVersion(stdout + stderr) : undefined;
}

/** Fetches in a folder of its own and renames at the end, so that a killed or parallel fetch leaves nothing half-made in place. */
async function fetchInto(
  toolsDir: string,
  fetchProgram: Fetch,
): Promise<{ ok: true; program: NatsServerProgram } | { ok: false; reason: string }> {
  const workDir = join(toolsDir, `fetching-${randomUUID()}`);
  try {
    await mkdir(workDir, { recursive: true });
    const fetched = await fetchProgram(workDir);
    if (!fetched.ok) return fetched;
    const version = await versionOf(fetched.binary);
    if (version === undefined) return { ok: false, reason: 'the program fetched does not run here' };
    if (!isSupportedNatsVersion(version)) return { ok: false, reason: `it offers only ${version}` };
    const staged = join(workDir, 'staged');
    await mkdir(staged);
    await copyFile(fetched.binary, join(staged, 'nats-server'));
    await chmod(join(staged, 'nats-server'), 0o755);
    const finalDir = join(toolsDir, `nats-server-${version}`);
    await rename(staged, finalDir).catch(async (error: unknown) => {
      // Another start was faster: its copy is as good, if it runs.
      if ((await versionOf(join(finalDir, 'nats-server'))) === undefined) throw error;
    });
    return { ok: true, program: { path: join(finalDir, 'nats-server'), version } };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
