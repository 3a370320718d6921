/*
 * Runs docker-compose.yml for real, under a project name and a port of its own, with the simulated ComfyUI: builds the
 * image, waits until every service is healthy, asks for pictures over the page's HTTP interface, also across a restart
 * and a SIGKILL of the worker, over the gateway and through its door, and removes everything. Then the test harness once on its path with containers.
 *
 *   npm run verify:compose                    on an engine that reaches an image registry
 *   npm run verify:compose -- --stand-ins     without one: base images made of Debian's packages (root, debootstrap)
 *
 * Exit codes: 0 all of it worked, 1 something did not, 2 nothing could be tried here.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { lastLine, runCommand } from '@atelier/launcher/child/run-command';
import { createAtelierApi, type AtelierApi, type TerminalCard } from '@atelier/launcher/imagine/atelier-api';
import { findFreePort } from '@atelier/launcher/net/free-port';
import { runCommandLine, type CommandCall } from '@atelier/shared/config/command-line';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { dockerEngineAnswers } from '../tests/support/docker-engine.ts';
import { fetchPictures, isPng, submitWords, untilCard } from './verify-compose/ask-for-pictures.ts';
import { drawOverHttp, drawThroughDoor } from './verify-compose/ask-the-gateway.ts';
import { createComposeProject, type ComposeProject } from './verify-compose/compose-project.ts';
import { askDocker, docker, DockerError } from './verify-compose/docker-command.ts';
import { makeStandInImages } from './verify-compose/stand-in-images.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = { 'stand-ins': z.boolean().default(false) };
const usage = `npm run verify:compose [-- --stand-ins]

Runs docker-compose.yml for real and removes everything again. Exit code 1 when something did not work, 2 when nothing could be tried.

  --stand-ins  where no image registry is reachable: base images made of Debian's packages (root, debootstrap)`;
// `env_file` with `required` and the tag !reset came with this version.
const oldestCompose = [2, 24] as const;
const wholeRunMs = 25 * 60_000;
const buildMs = 10 * 60_000;
const removeMs = 4 * 60_000;
const harnessMs = 5 * 60_000;
const pictureMs = 120_000;
const allServices = ['nats', 'postgres', 'bot', 'agent', 'comfy-worker', 'gateway', 'sim'];

/** Nothing can be tried on this machine: printed as one sentence. */
class NotHere extends Error {}

const startedAt = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);

/** What is to be undone at the end, however it comes. */
const resources = new ResourceStack({ warn: console.error, debug: () => undefined });

/** What fails after this fails because of it. */
const endedEarly = new AbortController();

async function main({ values }: CommandCall<typeof options>): Promise<number> {
  await requireEngine();
  endEarlyWhenAsked();
  if (values['stand-ins']) await makeStandInImages(resources, say);
  await verifyProject(values['stand-ins']);
  await verifyHarness(values['stand-ins']);
  say('removing what was started');
  await resources.close(removeMs);
  say('docker-compose.yml, the image and the harness in containers work');
  return 0;
}

async function requireEngine(): Promise<void> {
  if (!(await dockerEngineAnswers(process.env)))
    throw new NotHere(
      'No Docker engine answers here: install and start one (on Debian: apt-get install docker.io), or set DOCKER_HOST to one, and run this again.',
    );
  const version = (await askDocker(['compose', 'version', '--short'])) ?? '';
  const [major = 0, minor = 0] = version.replace(/^v/, '').split(/[.-]/).map(Number);
  const [oldestMajor, oldestMinor] = oldestCompose;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor))
    throw new NotHere(
      `A Docker engine answers, but ${version === '' ? 'docker has no compose plugin' : `its compose plugin is ${version}`}: install docker-compose-plugin, or Debian's docker-compose, ${oldestCompose.join('.')} or newer.`,
    );
  say(`engine ${await docker(['version', '--format', '{{.Server.Version}}'])}, compose ${version}`);
}

/** At Ctrl-C, and when all of it takes too long, what was started is still removed. */
function endEarlyWhenAsked(): void {
  const end = (reason: string, exitCode: number): void => {
    console.error(`${reason}: removing what was started`);
    process.exitCode = exitCode;
    endedEarly.abort();
    void resources.close(removeMs).finally(() => process.exit());
  };
  process.once('SIGINT', () => end('Interrupted', 130));
  process.once('SIGTERM', () => end('Ended', 143));
  setTimeout(() => end(`Not done within ${wholeRunMs / 60_000} minutes`, 1), wholeRunMs).unref();
}

async function verifyProject(withStandIns: boolean): Promise<void> {
  const token = randomBytes(24).toString('hex');
  const [port, gatewayPort, doorPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const project = await createComposeProject({
    dir: root,
    name: `atelier-verify-${process.pid}`,
    settings: {
      ATELIER_WEB_TOKEN: token,
      ATELIER_WEB_PORT: String(port),
      ATELIER_GATEWAY_PORT: String(gatewayPort),
      ATELIER_DOOR_PORT: String(doorPort),
      POSTGRES_PASSWORD: randomBytes(12).toString('hex'),
      COMFYUI_URL: 'http://sim:8188',
    },
  });
  resources.use('compose project', () => project.remove());
  const api = createAtelierApi({
    webUrl: `http://127.0.0.1:${port}`,
    userId: randomUUID(),
    userName: 'verify:compose',
    language: 'en',
    token,
  });
  try {
    if (!withStandIns) await pullImages(project);
    say('building the image');
    await project.run(['build', 'bot'], buildMs);
    say('starting all services');
    await project.run(['up', '--detach', '--no-build', '--wait', '--wait-timeout', '180'], 200_000);
    await expectAllHealthy(project);
    await expectToken(`http://127.0.0.1:${port}/api/timeline`);
    await expectToken(`http://127.0.0.1:${gatewayPort}/api/v1/jobs`);

    const first = await submitWords(api, 'a red fox in snow, portrait, 2 images', randomUUID(), 30_000);
    await expectOneResult(project, api, first, 2);

    const doors = { gatewayUrl: `http://127.0.0.1:${gatewayPort}`, doorUrl: `http://127.0.0.1:${doorPort}` };
    await expectGateway(project, doors);

    say('restarting the worker');
    await project.run(['restart', 'comfy-worker']);
    const second = await submitWords(api, 'a lighthouse at dusk', randomUUID(), 30_000);
    await expectOneResult(project, api, second, 1);

    const third = await submitWords(api, 'a quiet harbour in the rain, 2 images', randomUUID(), 30_000);
    const drawing = (card: TerminalCard): boolean => (card.progress?.fraction ?? 0) > 0 && !card.final;
    await untilCard(api, third, { what: 'the first progress', is: drawing }, pictureMs);
    say('killing the worker while it draws');
    await project.run(['kill', 'comfy-worker']);
    await project.run(['start', 'comfy-worker']);
    await expectOneResult(project, api, third, 2);

    say('stopping all services');
    await project.run(['stop'], 120_000);
    await expectOrderedEnd(project);
  } catch (error) {
    if (!endedEarly.signal.aborted) console.error(await project.lastLogs());
    throw error;
  }
}

async function pullImages(project: ComposeProject): Promise<void> {
  say('pulling the images of NATS and Postgres');
  await project.run(['pull', '--quiet', 'nats', 'postgres'], buildMs).catch((error: unknown) => {
    throw new NotHere(
      `The images could not be pulled (${error instanceof Error ? error.message : String(error)}): where no image registry is reachable, run npm run verify:compose -- --stand-ins.`,
    );
  });
}

async function expectAllHealthy(project: ComposeProject): Promise<void> {
  const health = await project.health();
  const others = allServices.filter((name) => health.get(name) !== 'healthy');
  if (others.length > 0)
    throw new Error(`not healthy: ${others.map((name) => `${name} (${health.get(name) ?? 'absent'})`).join(', ')}`);
  say(`healthy: ${allServices.join(', ')}`);
}

async function expectToken(url: string): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 401) throw new Error(`${url} answers ${answer.status} to somebody without a token`);
}

/** The request ends with its pictures, is shown once on the timeline, and its result was posted once. */
async function expectOneResult(
  project: ComposeProject,
  api: AtelierApi,
  requestId: string,
  count: number,
): Promise<void> {
  const files = await fetchPictures(api, requestId, count, pictureMs);
  const posts = await project.query(
    `select count(*) from web_posts where request_id = '${requestId}' and kind = 'result'`,
  );
  if (posts !== '1') throw new Error(`the result was posted ${posts} times`);
  const kilobytes = files.map((bytes) => `${Math.round(bytes.length / 1000)} kB`).join(', ');
  say(`one result with ${count === 1 ? 'one PNG picture' : `${count} different PNG pictures`} (${kilobytes})`);
}

/** A token that is made in its container opens the gateway and its door, and each draws. */
async function expectGateway(
  project: ComposeProject,
  addresses: { gatewayUrl: string; doorUrl: string },
): Promise<void> {
  const command = ['node', 'services/gateway/src/token/main.ts', 'create', '--name', 'verify'];
  const printed = await project.run(['exec', '--no-TTY', 'gateway', ...command]);
  const token = printed.trim().split('\n').at(-1) ?? '';
  const files = [
    await drawOverHttp({ ...addresses, token }, pictureMs),
    await drawThroughDoor({ ...addresses, token }, pictureMs),
  ];
  if (!files.every(isPng)) throw new Error('what came over the gateway is no PNG file');
  say(`the gateway and its door: a PNG picture each (${files.map((bytes) => `${bytes.length} bytes`).join(', ')})`);
}

async function expectOrderedEnd(project: ComposeProject): Promise<void> {
  const codes = await project.exitCodes();
  const failed = ['bot', 'agent', 'comfy-worker', 'gateway'].filter((name) => codes.get(name) !== '0');
  if (failed.length > 0)
    throw new Error(`did not end in good order: ${failed.map((name) => `${name} (${codes.get(name)})`).join(', ')}`);
}

/** The tests of the test servers, with containers and nothing else. */
async function verifyHarness(withStandIns: boolean): Promise<void> {
  say('running the test harness on containers');
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const { code, stdout, stderr } = await runCommand(
    process.execPath,
    [program, 'run', 'tests/support/servers.int.test.ts'],
    {
      cwd: root,
      timeoutMs: harnessMs,
      env: {
        ...process.env,
        NATS_URL: '',
        DATABASE_URL: '',
        ATELIER_TEST_SERVERS: 'containers',
        // The library's own cleaner is an image as well.
        ...(withStandIns ? { TESTCONTAINERS_RYUK_DISABLED: 'true' } : {}),
      },
    },
  );
  if (code !== 0) throw new Error(`the tests of the test servers failed in containers:\n${stdout}\n${stderr}`);
  say(`the harness in containers: ${/Tests\s+(.*)/.exec(stripVTControlCharacters(stdout))?.[1] ?? lastLine(stdout)}`);
}

try {
  process.exit(await runCommandLine({ usage, options }, process.argv.slice(2), main));
} catch (error) {
  if (!endedEarly.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof DockerError) console.error(error.output);
    process.exitCode = error instanceof NotHere ? 2 : 1;
  }
  await resources.close(removeMs);
  process.exit();
}
