/*
 * A static check of docker-compose.yml, Dockerfile and .env.example, for machines without Docker: that they parse, say
 * what they must, agree with each other and name files that exist. `npm run verify:compose` runs them for real.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serviceNodeFlags } from '@atelier/launcher/child/node-flags';
import { parse } from 'yaml';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(new URL(name, `file://${root}`), 'utf8');

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  volumes: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()).min(2) }).optional(),
  ports: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
  configs: z.record(z.string(), z.looseObject({ content: z.string() })),
});

type Compose = z.infer<typeof composeSchema>;
/** Notes a problem unless the condition holds. */
type Must = (condition: boolean, problem: string) => void;

/** Everything that is wrong, a sentence each. */
export function checkCompose(composeText: string, dockerfile: string, envExample: string): string[] {
  const problems: string[] = [];
  const parsed = composeSchema.safeParse(parse(composeText, { merge: true }));
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => `docker-compose.yml: ${issue.path.join('.')}: ${issue.message}`);
  }
  const must: Must = (condition, problem) => void (condition || problems.push(problem));
  checkServices(parsed.data, must);
  checkDockerfile(dockerfile, must);
  const documented = new Set([...envExample.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name));
  for (const [, name = ''] of composeText.matchAll(/\$\{([A-Z_]+)[:}]/g)) {
    if (name !== 'LOG_LEVEL')
      must(documented.has(name), `${name} is used in docker-compose.yml and not explained in .env.example`);
  }
  return problems;
}

function checkServices({ services, volumes, configs }: Compose, must: Must): void {
  for (const name of ['nats', 'postgres', 'bot', 'agent', 'comfy-worker', 'gateway', 'sim']) {
    must(services[name] !== undefined, `docker-compose.yml has no service ${name}`);
  }
  must(services['sim']?.profiles?.includes('sim') === true, 'sim must start only with the profile sim');
  must(/sync_interval:\s*always/.test(configs['nats']?.content ?? ''), 'NATS must run with sync_interval: always');
  must(/jetstream/.test(configs['nats']?.content ?? ''), 'NATS must run with JetStream');

  for (const [name, service] of Object.entries(services)) {
    must(service.healthcheck !== undefined, `${name} has no health check`);
    for (const [dependency, { condition }] of Object.entries(service.depends_on ?? {})) {
      must(services[dependency] !== undefined, `${name} depends on ${dependency}, which does not exist`);
      const healthy = condition !== 'service_healthy' || services[dependency]?.healthcheck !== undefined;
      must(healthy, `${name} waits for the health of ${dependency}, which has no health check`);
    }
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      must(source.startsWith('.') || source in volumes, `${name} mounts the volume ${source}, which is not declared`);
    }
    for (const port of service.ports ?? []) {
      must(port.startsWith('127.0.0.1:'), `${name} publishes ${port} beyond this machine`);
    }
    const main = service.environment?.['SERVICE'];
    if (main !== undefined)
      must(existsSync(`${root}services/${main}/src/main.ts`), `${name} runs services/${main}, which has no main.ts`);
    for (const word of service.command ?? []) {
      if (word.endsWith('.ts')) must(existsSync(`${root}${word}`), `${name} runs ${word}, which does not exist`);
    }
  }
}

function checkDockerfile(dockerfile: string, must: Must): void {
  for (const [, paths = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)) {
    for (const path of paths.trim().split(/\s+/).slice(0, -1)) {
      must(existsSync(`${root}${path}`), `Dockerfile copies ${path}, which does not exist`);
    }
  }
  const built = ['packages/shared', 'packages/comfyui', 'packages/comfyui-sim', 'packages/queue'];
  for (const folder of [...built, ...globSync('services/*', { cwd: root })]) {
    must(
      dockerfile.includes(`COPY ${folder}/package.json ${folder}/`),
      `Dockerfile does not copy ${folder}/package.json`,
    );
    must(dockerfile.includes(`=${folder}'`), `Dockerfile does not install the workspace ${folder}`);
  }
  must(/^USER node$/m.test(dockerfile), 'the image must not run as root');
  must(
    dockerfile.includes(`exec node ${serviceNodeFlags.join(' ')} services/`),
    `the image must run Node with ${serviceNodeFlags.join(' ')}, as the launcher does`,
  );
  // It would be fetched from an image registry before each build.
  must(!/^# *syntax=/m.test(dockerfile), 'Dockerfile names a frontend image that it does not need');
}

if (import.meta.main) {
  const problems = checkCompose(read('docker-compose.yml'), read('Dockerfile'), read('.env.example'));
  for (const problem of problems) console.error(problem);
  if (problems.length === 0) console.log('docker-compose.yml, Dockerfile and .env.example agree.');
  process.exitCode = problems.length === 0 ? 0 : 1;
}
