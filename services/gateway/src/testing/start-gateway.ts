import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import type { Bus } from '@atelier/shared/bus/bus';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { createAccount } from '@atelier/shared/db/gateway/api-accounts';
import { createApiToken, usualScopes, type ApiLimits, type ApiScope } from '@atelier/shared/db/gateway/api-tokens';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { createTestDatabase, createTestNats } from '@atelier/tests/support/servers';
import { createGatewayApp, type GatewayAppDeps } from '../app.ts';
import { parseGatewayConfig } from '../config.ts';

/** A gateway in this process against a database and a stream prefix of its own; nobody plans or runs what it accepts. */
export interface TestGateway {
  readonly url: string;
  readonly db: Database;
  readonly files: AssetStore;
  /** As the other services' connection to NATS. */
  readonly bus: Bus;
  /** A new person with a token. */
  person(options?: {
    scopes?: readonly ApiScope[];
    limits?: Partial<ApiLimits>;
    expiresAt?: Date;
  }): Promise<TestPerson>;
  stop(): Promise<void>;
}

export interface TestPerson {
  token: string;
  tokenId: string;
  personId: string;
  account: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export async function startTestGateway(
  env: Record<string, string> = {},
  more: Partial<Pick<GatewayAppDeps, 'pingMs' | 'webhookScale' | 'doors' | 'patience'>> = {},
): Promise<TestGateway> {
  const [database, nats, home] = await Promise.all([
    createTestDatabase(),
    createTestNats(),
    mkdtemp(join(tmpdir(), 'atelier-gateway-')),
  ]);
  await migrateDatabase(database.url);
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const openDatabase = (): Database =>
    createDatabase({ url: database.url, poolSize: 4, applicationName: 'gateway test', log });
  const db = openDatabase();
  const bus = await connectBus({ url: nats.url, prefix: nats.prefix, service: 'agent', log });
  const files = createFolderAssetStore({ folder: join(home, 'assets'), maxBytes: 1_073_741_824 });
  const config = parseGatewayConfig({
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    ATELIER_GATEWAY_PORT: '0',
    ...env,
  });
  const app = createGatewayApp({
    config,
    files,
    log,
    db: openDatabase(),
    prepareDatabase: () => Promise.resolve(),
    connectBus: (signal) => connectBus({ url: nats.url, prefix: nats.prefix, service: 'gateway', log, signal }),
    now: Date.now,
    randomId: randomUUID,
    sweepMs: 200,
    ...more,
  });
  const running = await app.start();
  const url = running.ready?.['gatewayUrl'] ?? '';
  return {
    url,
    db,
    files,
    bus,
    async person(options = {}) {
      const account = await createAccount(db, { displayName: 'Mei', language: 'en' });
      const { secret, token } = await createApiToken(db, {
        account: account.account,
        name: 'test',
        scopes: options.scopes ?? usualScopes,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
        expiresAt: options.expiresAt,
      });
      return { tokenId: token.id, personId: account.personId, account: account.account, ...callerOf(url, secret) };
    },
    async stop() {
      await app.stop();
      await bus.close();
      await db.close();
      await Promise.all([database.drop(), nats.clear(), rm(home, { recursive: true, force: true })]);
    },
  };
}

/** Calls a gateway with a token. */
export function callerOf(url: string, token: string): Pick<TestPerson, 'token' | 'get' | 'send'> {
  const authorization = { authorization: `Bearer ${token}` };
  return {
    token,
    get: (path, headers = {}) => fetch(new URL(path, url), { headers: { ...authorization, ...headers } }),
    send: (method, path, body, headers = {}) =>
      fetch(new URL(path, url), {
        method,
        headers: {
          ...authorization,
          ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
      }),
  };
}
