import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../child/run-command.ts';
import { checksumOf, fetchNatsRelease, officialNatsVersion, releaseName } from './official-release.ts';

describe('releaseName', () => {
  test.each([
    ['linux', 'x64', 'nats-server-v2.10.29-linux-amd64'],
    ['darwin', 'arm64', 'nats-server-v2.10.29-darwin-arm64'],
    ['linux', 'mips', undefined],
    ['aix', 'x64', undefined],
  ])('%s %s', (platform, arch, name) => {
    expect(releaseName('2.10.29', platform, arch)).toBe(name);
  });
});

test('checksumOf finds the line of the very file', () => {
  const sum = 'A'.repeat(64);
  expect(checksumOf(`${'b'.repeat(64)}  x.tar.gz.sig\n${sum}  x.tar.gz\n`, 'x.tar.gz')).toBe(sum.toLowerCase());
  expect(checksumOf(`short  x.tar.gz`, 'x.tar.gz')).toBeUndefined();
});

describe('fetchNatsRelease', () => {
  const target = { platform: 'linux', arch: 'x64' };
  const name = `nats-server-v${officialNatsVersion}-linux-amd64`;
  let dir: string;
  let server: Server;
  let releases: string;
  let files: Map<string, Buffer>;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'atelier-release-'));
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'nats-server'), '#!/bin/sh\necho "nats-server: v2.10.29"\n', { mode: 0o755 });
    await runCommand('tar', ['-czf', join(dir, 'made.tar.gz'), '-C', dir, name]);
    files = new Map();
    server = createServer((request, response) => {
      response.setHeader('connection', 'close');
      const file = files.get(request.url ?? '');
      response.statusCode = file === undefined ? 404 : 200;
      response.end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    releases = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true, force: true });
  });

  async function publish(sumOf: (archive: Buffer) => string): Promise<void> {
    const archive = await readFile(join(dir, 'made.tar.gz'));
    const sum = createHash('sha256').update(sumOf(archive)).digest('hex');
    files.set(`/v${officialNatsVersion}/${name}.tar.gz`, archive);
    files.set(`/v${officialNatsVersion}/SHA256SUMS`, Buffer.from(`${sum}  ${name}.tar.gz\n`));
  }

  test('unpacks an archive whose checksum is the published one', async () => {
    const archive = await readFile(join(dir, 'made.tar.gz'));
    files.set(`/v${officialNatsVersion}/${name}.tar.gz`, archive);
    const sum = createHash('sha256').update(archive).digest('hex');
    files.set(`/v${officialNatsVersion}/SHA256SUMS`, Buffer.from(`${sum}  ${name}.tar.gz\n`));
    const fetched = await fetchNatsRelease(join(dir, 'work'), target, releases);
    expect(fetched).toEqual({ ok: true, binary: join(dir, 'work', name, 'nats-server') });
    expect((await runCommand(join(dir, 'work', name, 'nats-server'), ['-v'])).stdout).toContain('2.10.29');
  });

  test('refuses an archive with another checksum', async () => {
    await publish(() => 'something else');
    expect(await fetchNatsRelease(join(dir, 'work'), target, releases)).toEqual({
      ok: false,
      reason: `${name}.tar.gz does not match its published checksum`,
    });
  });

  test('tells what is missing, and that nobody answers', async () => {
    expect(await fetchNatsRelease(join(dir, 'work'), target, releases)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('SHA256SUMS answered 404'),
    });
    expect(await fetchNatsRelease(join(dir, 'work'), target, 'http://127.0.0.1:1')).toMatchObject({ ok: false });
    expect(await fetchNatsRelease(join(dir, 'work'), { platform: 'aix', arch: 'x64' }, releases)).toEqual({
      ok: false,
      reason: 'no release for aix x64',
    });
  });
});
