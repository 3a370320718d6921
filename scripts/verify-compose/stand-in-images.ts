import { existsSync } from 'node:fs';
import { copyFile, cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLine, runCommand } from '@atelier/launcher/child/run-command';
import type { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { askDocker, docker } from './docker-command.ts';

/** The images that docker-compose.yml, the Dockerfile and the test harness name, and the stage that stands in for each. */
export const standInStages = {
  'postgres:17': 'postgres',
  'nats:2-alpine': 'nats',
  'node:24-bookworm-slim': 'node',
} as const;

const baseImage = 'atelier-stand-in-base';
// The release of Debian that has Postgres 17 and a NATS server of 2.10.
const debianSuite = 'trixie';
const debianPackages = ['postgresql-17', 'nats-server', 'busybox', 'ca-certificates', 'libstdc++6', 'libatomic1'];
const certificateBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
const stageDir = fileURLToPath(new URL('stand-ins/', import.meta.url));

/**
 * Makes images under the real names out of Debian's packages, for machines without an image registry, and registers how
 * to give the names back, so that a later pull brings the real images; the base image stays, for the next run. An image
 * that is there under a real name is kept and used. Needs root, debootstrap and Debian's package mirror.
 *
 * @throws with what to do.
 */
export async function makeStandInImages(
  resources: Pick<ResourceStack, 'use'>,
  say: (line: string) => void,
): Promise<void> {
  const missing: [name: string, stage: string][] = [];
  for (const [name, stage] of Object.entries(standInStages)) {
    const label = await askDocker([
      'image',
      'inspect',
      '--format',
      '{{index .Config.Labels "atelier.stand-in"}}',
      name,
    ]);
    if (label === undefined || label === 'true') missing.push([name, stage]);
    else say(`${name} is here already: using it`);
  }
  if (missing.length === 0) return;
  resources.use('stand-in images', async () => {
    for (const [name] of missing) await askDocker(['image', 'rm', '--force', name]);
  });
  const context = await mkdtemp(join(tmpdir(), 'atelier-stand-ins-'));
  // One file system: should debootstrap have been cut off, what it mounted stays untouched.
  resources.use('build context', async () => void (await runCommand('rm', ['-rf', '--one-file-system', context])));
  await makeBaseImage(context, say);
  await fillContext(context);
  for (const [name, stage] of missing) {
    say(`building a stand-in for ${name}`);
    await docker(['build', '--quiet', '--target', stage, '--tag', name, context], { timeoutMs: 300_000 });
  }
}

async function makeBaseImage(workDir: string, say: (line: string) => void): Promise<void> {
  if ((await askDocker(['image', 'inspect', '--format', '{{.Id}}', baseImage])) !== undefined) return;
  if (process.getuid?.() !== 0)
    throw new Error('Stand-in images are made with debootstrap, which needs root: run this with sudo.');
  const version = await runCommand('debootstrap', ['--version']);
  if (version.code !== 0)
    throw new Error(
      "debootstrap is missing: install it with the distribution's packages (apt-get install debootstrap).",
    );
  say(`debootstrap: a root file system of Debian ${debianSuite} (about a minute)`);
  const root = join(workDir, 'root');
  const include = `--include=${debianPackages.join(',')}`;
  const made = await runCommand('debootstrap', ['--variant=minbase', include, debianSuite, root], {
    timeoutMs: 600_000,
  });
  if (made.code !== 0)
    throw new Error(
      `debootstrap failed (${lastLine(made.stderr) || lastLine(made.stdout)}): check that Debian's mirror is reachable.`,
    );
  // The health check of NATS asks with wget, as the Alpine image has it.
  await runCommand('ln', ['-sf', 'busybox', join(root, 'usr/bin/wget')]);
  const archive = join(workDir, 'root.tar');
  const packed = await runCommand('tar', ['-C', root, '--one-file-system', '-cf', archive, '.'], {
    timeoutMs: 300_000,
  });
  if (packed.code !== 0) throw new Error(`tar failed (${lastLine(packed.stderr)}): is the disk full?`);
  await docker(['import', archive, baseImage], { timeoutMs: 300_000 });
  await runCommand('rm', ['-rf', '--one-file-system', root]);
  await rm(archive);
}

/** The Dockerfile, the entry points, and this machine's Node, npm and certificate authorities. */
async function fillContext(context: string): Promise<void> {
  await cp(stageDir, context, { recursive: true });
  await copyFile(process.execPath, join(context, 'node'));
  await cp(await findNpm(), join(context, 'npm'), { recursive: true });
  const bundle = certificateBundles.find((path) => existsSync(path));
  if (bundle === undefined) throw new Error('No certificate authorities were found here: install ca-certificates.');
  await copyFile(bundle, join(context, 'certificates.pem'));
}

/** The folder of npm itself: of the one that started this, else of the one on the PATH. */
async function findNpm(): Promise<string> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'npm'));
  for (const candidate of [process.env['npm_execpath'] ?? '', ...onPath]) {
    const program = await realpath(candidate).catch(() => '');
    if (program.endsWith('/bin/npm-cli.js')) return dirname(dirname(program));
  }
  throw new Error('npm was not found: install npm (it comes with Node.js), or start this with npm run verify:compose.');
}
