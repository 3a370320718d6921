import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLine, runCommand } from '../child/run-command.ts';

const archiveKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const firstSuiteWithGoodPackage = 'trixie';
const firstReleaseWithGoodPackage = 13;
const defaultMirror = 'http://deb.debian.org/debian';
const updateTimeoutMs = 180_000;

/** Where apt is to look for the package: its own configured sources, or one line of ours. */
export type AptSource = { readonly kind: 'system' } | { readonly kind: 'line'; readonly line: string };

/**
 * Decides from /etc/os-release where a new enough nats-server package can come from.
 * Debian 12 and older carry 2.9, so there the next release's package is taken (it needs nothing but glibc).
 */
export function chooseAptSource(osRelease: string, systemSources: string, hasDebianKeyring: boolean): AptSource {
  const id = /^ID="?([^"\n]*)"?$/m.exec(osRelease)?.[1];
  const release = Number.parseInt(/^VERSION_ID="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? '', 10);
  const tooOld = id === 'debian' && Number.isFinite(release) && release < firstReleaseWithGoodPackage;
  if (!tooOld || !hasDebianKeyring) return { kind: 'system' };
  return {
    kind: 'line',
    line: `deb [signed-by=${archiveKeyring}] ${debianMirror(systemSources)} ${firstSuiteWithGoodPackage} main`,
  };
}

/** The archive's address in the system's own sources (one-line or deb822 style), so that a configured mirror is kept. */
export function debianMirror(systemSources: string): string {
  const addresses = systemSources
    .split('\n')
    .filter((line) => /^(deb\s|URIs:)/.test(line))
    .flatMap((line) => line.match(/https?:\/\/\S+/g) ?? []);
  return addresses.find((address) => /\/debian\/?$/.test(address))?.replace(/\/$/, '') ?? defaultMirror;
}

/**
 * Fetches the distribution's nats-server package into `workDir` without root and without touching the system's apt state
 * (own lists and cache folders; apt itself checks the archive's signature and the package's hash), and unpacks it.
 * Resolves to the unpacked program, or to the reason why there is none.
 */
export async function fetchNatsFromDistribution(
  workDir: string,
): Promise<{ ok: true; binary: string } | { ok: false; reason: string }> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if ((await runCommand('apt-get', ['--version'])).code !== 0 || (await runCommand('dpkg', ['--version'])).code !== 0)
    return { ok: false, reason: 'this system has no apt' };
  const source = chooseAptSource(osRelease, await readSystemSources(), existsSync(archiveKeyring));

  const lists = join(workDir, 'lists');
  const cache = join(workDir, 'cache');
  const parts = join(workDir, 'parts');
  const packageDir = join(workDir, 'package');
  const unpacked = join(workDir, 'unpacked');
  for (const dir of [join(lists, 'partial'), join(cache, 'archives', 'partial'), parts, packageDir])
    await mkdir(dir, { recursive: true });
  const options = [
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    // apt as root would hand the download to a user that cannot enter our folders.
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::Retries=2',
  ];
  if (source.kind === 'line') {
    const list = join(workDir, 'sources.list');
    await writeFile(list, `${source.line}\n`);
    options.push(`Dir::Etc::SourceList=${list}`, `Dir::Etc::SourceParts=${parts}`);
  }
  const apt = (...args: string[]) =>
    runCommand('apt-get', ['-q', ...options.flatMap((option) => ['-o', option]), ...args], {
      cwd: packageDir,
      timeoutMs: updateTimeoutMs,
    });

  const updated = await apt('update');
  if (updated.code !== 0) return { ok: false, reason: `apt-get update failed: ${lastLine(updated.stderr)}` };
  const downloaded = await apt('download', 'nats-server');
  if (downloaded.code !== 0) return { ok: false, reason: `apt-get download failed: ${lastLine(downloaded.stderr)}` };
  const file = (await readdir(packageDir)).find((name) => name.endsWith('.deb'));
  if (file === undefined) return { ok: false, reason: 'apt-get download left no package' };
  const extracted = await runCommand('dpkg', ['-x', join(packageDir, file), unpacked]);
  if (extracted.code !== 0) return { ok: false, reason: `dpkg -x failed: ${lastLine(extracted.stderr)}` };
  await rm(lists, { recursive: true, force: true });
  const binary = [join(unpacked, 'usr/sbin/nats-server'), join(unpacked, 'usr/bin/nats-server')].find((path) =>
    existsSync(path),
  );
  return binary === undefined ? { ok: false, reason: 'the package holds no nats-server' } : { ok: true, binary };
}

async function readSystemSources(): Promise<string> {
  const parts = '/etc/apt/sources.list.d';
  const names = await readdir(parts).catch(() => []);
  const files = [
    '/etc/apt/sources.list',
    ...names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name)),
  ];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.join('\n');
}
