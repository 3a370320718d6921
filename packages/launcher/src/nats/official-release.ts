import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLine, runCommand } from '../child/run-command.ts';

/** The release taken when neither the PATH nor the distribution has a server. */
export const officialNatsVersion = '2.10.29';
const officialNatsReleases = 'https://github.com/nats-io/nats-server/releases/download';
const downloadTimeoutMs = 120_000;

/** The file name of a release for this system, without the ending, or undefined when none is published for it. */
export function releaseName(version: string, platform: string, arch: string): string | undefined {
  const system = { linux: 'linux', darwin: 'darwin' }[platform];
  const processor = { x64: 'amd64', arm64: 'arm64' }[arch];
  return system === undefined || processor === undefined ? undefined : `nats-server-v${version}-${system}-${processor}`;
}

/** The checksum of `fileName` in a `SHA256SUMS` file (`<hex>  <name>` a line). */
export function checksumOf(sums: string, fileName: string): string | undefined {
  for (const line of sums.split('\n')) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === fileName && sum !== undefined && /^[0-9a-f]{64}$/i.test(sum)) return sum.toLowerCase();
  }
  return undefined;
}

/**
 * Downloads the official release into `workDir`, checks it against the release's SHA256SUMS and unpacks it.
 * Resolves to the program, or to the reason why there is none.
 */
export async function fetchNatsRelease(
  workDir: string,
  target: { readonly platform: string; readonly arch: string },
  releases = officialNatsReleases,
): Promise<{ ok: true; binary: string } | { ok: false; reason: string }> {
  const name = releaseName(officialNatsVersion, target.platform, target.arch);
  if (name === undefined) return { ok: false, reason: `no release for ${target.platform} ${target.arch}` };
  const archiveName = `${name}.tar.gz`;
  const base = `${releases}/v${officialNatsVersion}`;
  try {
    const sum = checksumOf((await download(`${base}/SHA256SUMS`)).toString('utf8'), archiveName);
    if (sum === undefined) return { ok: false, reason: `SHA256SUMS does not name ${archiveName}` };
    const archive = await download(`${base}/${archiveName}`);
    if (createHash('sha256').update(archive).digest('hex') !== sum)
      return { ok: false, reason: `${archiveName} does not match its published checksum` };
    await mkdir(workDir, { recursive: true });
    const file = join(workDir, archiveName);
    await writeFile(file, archive);
    const unpacked = await runCommand('tar', ['-xzf', file, '-C', workDir]);
    if (unpacked.code !== 0) return { ok: false, reason: `tar failed: ${lastLine(unpacked.stderr)}` };
    return { ok: true, binary: join(workDir, name, 'nats-server') };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { ok: false, reason: `${error instanceof Error ? error.message : String(error)}${cause}` };
  }
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
