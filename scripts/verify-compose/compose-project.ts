import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askDocker, docker, DockerError } from './docker-command.ts';

export interface ComposeProjectOptions {
  /** Folder of docker-compose.yml. */
  dir: string;
  /** Name of the project, and so of its containers, network, volumes and image. */
  name: string;
  /** Set for the compose file; a `.env` in the folder is left alone, for its tokens are a person's. */
  settings: Record<string, string>;
}

/** The compose file, run under a name of its own with the profile `sim`. */
export interface ComposeProject {
  /** `docker compose <args>`. @throws DockerError. */
  run(args: readonly string[], timeoutMs?: number): Promise<string>;
  /** The health of each service's container as the engine sees it: `healthy`, `starting`, `unhealthy` or `none`. */
  health(): Promise<Map<string, string>>;
  /** The exit code of each service's container that has ended. */
  exitCodes(): Promise<Map<string, string>>;
  /** One value from the project's database. */
  query(sql: string): Promise<string>;
  /** What the services last logged. */
  lastLogs(): Promise<string>;
  /** Removes containers, network, volumes and the image. */
  remove(): Promise<void>;
}

/** The services that run our own image, the simulator apart, which reads no `.env`. */
const ownServices = ['bot', 'agent', 'comfy-worker', 'gateway'];

/** Prepares the project; nothing runs yet. */
export async function createComposeProject(options: ComposeProjectOptions): Promise<ComposeProject> {
  const { dir, name, settings } = options;
  const workDir = await mkdtemp(join(tmpdir(), `${name}-`));
  const overrideFile = join(workDir, 'override.yml');
  const settingsFile = join(workDir, 'settings.env');
  const image = `${name}:local`;
  await writeFile(overrideFile, overrideOf(image));
  await writeFile(settingsFile, '');
  const files = ['--file', 'docker-compose.yml', '--file', overrideFile, '--env-file', settingsFile];
  const base = ['compose', '--project-name', name, ...files, '--profile', 'sim', '--ansi', 'never'];
  const run = (args: readonly string[], timeoutMs = 120_000): Promise<string> =>
    docker([...base, ...args], { cwd: dir, env: { ...process.env, ...settings }, timeoutMs });

  async function inspect(field: string): Promise<Map<string, string>> {
    const ids = (await run(['ps', '--all', '--quiet'])).split('\n').filter(Boolean);
    const format = `{{index .Config.Labels "com.docker.compose.service"}} ${field}`;
    const lines = (await docker(['inspect', '--format', format, ...ids])).split('\n');
    return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
  }

  return {
    run,
    health: () => inspect('{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}'),
    exitCodes: () => inspect('{{.State.ExitCode}}'),
    query: (sql) =>
      run([
        'exec',
        '--no-TTY',
        'postgres',
        'psql',
        '-U',
        'atelier',
        '-d',
        'atelier',
        '--no-psqlrc',
        '-A',
        '-t',
        '-c',
        sql,
      ]),
    lastLogs: () =>
      run(['logs', '--no-color', '--tail', '40']).catch((error: unknown) =>
        error instanceof DockerError ? error.output : String(error),
      ),
    async remove() {
      try {
        await run(['down', '--volumes', '--remove-orphans', '--timeout', '60'], 180_000);
        await askDocker(['image', 'rm', '--force', image]);
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    },
  };
}

/** What differs from a person's own run: an image name of its own, and no `.env`. */
export function overrideOf(image: string): string {
  const services = ownServices.map((name) => `  ${name}:\n    image: ${image}\n    env_file: !reset []\n`);
  return `services:\n${services.join('')}  sim:\n    image: ${image}\n`;
}
