import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { containerServers } from './container-servers.ts';
import { dockerEngineAnswers } from './docker-engine.ts';
import { createRunFolder, embeddedServers } from './embedded-servers.ts';
import { openServerDesk } from './server-desk.ts';
import type { RunningServer, ServerName, ServerSource } from './server-source.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** TCP port of 127.0.0.1 at which test files ask for servers. */
    serverDeskPort: number;
  }
}

/**
 * Gives test files real servers: those of NATS_URL and DATABASE_URL if set, containers where a Docker engine answers,
 * else servers started here. They start when first asked for and are stopped at the end of the run. With
 * ATELIER_TEST_SERVERS=containers it is containers or a failure.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runFolder = await createRunFolder();
  const desk = await openServerDesk(chooseServers(runFolder));
  project.provide('serverDeskPort', desk.port);
  return async () => {
    await desk.close();
    await rm(runFolder, { recursive: true, force: true });
  };
}

function chooseServers(runFolder: string): ServerSource {
  const env = process.env;
  const embedded = embeddedServers(runFolder, say);
  let containers: Promise<ServerSource | undefined> | undefined;
  const findContainers = () => {
    containers ??= dockerEngineAnswers(env).then((answers) => (answers ? containerServers() : undefined));
    return containers;
  };
  const startOne = async (name: ServerName, givenUrl: string | undefined): Promise<RunningServer> => {
    if (givenUrl !== undefined && givenUrl !== '') return { url: givenUrl, stop: async () => undefined };
    const source = await findContainers();
    if (env['ATELIER_TEST_SERVERS'] === 'containers') {
      if (source === undefined) throw new Error('ATELIER_TEST_SERVERS=containers, and no Docker engine answers.');
      return startContainer(source, name);
    }
    if (source === undefined) return embedded[name]();
    return startContainer(source, name).catch((error: unknown) => {
      say(
        `a Docker engine answers, but gives no ${name} (${error instanceof Error ? error.message : String(error)}): starting our own`,
      );
      return embedded[name]();
    });
  };
  return {
    nats: () => startOne('nats', env['NATS_URL']),
    postgres: () => startOne('postgres', env['DATABASE_URL']),
  };
}

/** The library's own cleaner is an image too: where it cannot be had, containers are still stopped by us. */
async function startContainer(source: ServerSource, name: ServerName): Promise<RunningServer> {
  try {
    return await source[name]();
  } catch (error) {
    if (process.env['TESTCONTAINERS_RYUK_DISABLED'] === 'true') throw error;
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    return source[name]();
  }
}

function say(line: string): void {
  process.stderr.write(`test servers: ${line}\n`);
}
