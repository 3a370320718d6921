import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dockerAddresses, dockerEngineAnswers } from './docker-engine.ts';

let dir: string;
let engine: Server;
let status: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-docker-'));
  status = 200;
  engine = createServer((request, response) => {
    response.statusCode = request.url === '/_ping' ? status : 404;
    response.end('OK');
  });
});

afterEach(async () => {
  await new Promise((resolve) => engine.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

test('an engine at a socket answers', async () => {
  const socketPath = join(dir, 'docker.sock');
  await new Promise<void>((resolve) => engine.listen(socketPath, resolve));
  expect(await dockerEngineAnswers({ DOCKER_HOST: `unix://${socketPath}` })).toBe(true);
});

test('an engine at a TCP address answers; one that refuses is none', async () => {
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}` };
  expect(await dockerEngineAnswers(env)).toBe(true);
  status = 500;
  expect(await dockerEngineAnswers(env)).toBe(false);
});

test('nobody there is no engine', async () => {
  expect(await dockerEngineAnswers({ DOCKER_HOST: `unix://${join(dir, 'absent.sock')}` })).toBe(false);
});

test('without DOCKER_HOST the usual sockets are asked', () => {
  expect(dockerAddresses({ HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/7' })).toEqual([
    { socketPath: '/var/run/docker.sock' },
    { socketPath: '/run/user/7/docker.sock' },
    { socketPath: '/home/me/.docker/run/docker.sock' },
  ]);
});
