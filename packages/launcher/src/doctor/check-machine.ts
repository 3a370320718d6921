import { statfs } from 'node:fs/promises';
import { connect } from '@nats-io/transport-node';
import postgres from 'postgres';
import { findNatsServer } from '../nats/find-nats-server.ts';
import { homeLayout } from '../home/home-layout.ts';
import { readRunRecord } from '../home/run-record.ts';
import { isSameProcess } from '../child/process-identity.ts';
import { findPostgresBinaries } from '../postgres/postgres-binaries.ts';
import type { LauncherSettings } from '../settings/launcher-settings.ts';
import { examine, type Finding } from './finding.ts';

const lowDiskBytes = 5e9;
const fullDiskBytes = 5e8;

/** Node, disk, NATS, Postgres, and whether Atelier runs here. */
export async function checkMachine(settings: LauncherSettings, toolsDir: string): Promise<Finding[]> {
  return (
    await Promise.all([
      checkNode(),
      checkRunning(settings),
      checkDisk(settings),
      checkNats(settings, toolsDir),
      checkPostgres(settings),
    ])
  ).flat();
}

function checkNode(): Promise<Finding[]> {
  return examine('Node', 'run this by npm run doctor, which brings its own Node 24', async () => {
    const [major = 0] = process.versions.node.split('.').map(Number);
    return major >= 24
      ? { state: 'ok', text: process.versions.node }
      : { state: 'broken', text: `${process.versions.node} is older than 24`, advice: 'run this by npm run doctor' };
  });
}

function checkRunning(settings: LauncherSettings): Promise<Finding[]> {
  return examine('Atelier', 'remove run.json from the state folder', async () => {
    const record = await readRunRecord(homeLayout(settings.home).runFile);
    const alive = await Promise.all((record?.children ?? []).map((child) => isSameProcess(child)));
    return record?.webUrl !== undefined && alive.includes(true)
      ? { state: 'ok', text: `runs at ${record.webUrl}, state in ${settings.home}` }
      : { state: 'off', text: `does not run (state in ${settings.home})`, advice: 'start it with npm start' };
  });
}

function checkDisk(settings: LauncherSettings): Promise<Finding[]> {
  return examine('Disk', 'set ATELIER_HOME to a folder that exists', async () => {
    const { bavail, bsize } = await statfs(settings.home).catch(() => statfs('.'));
    const free = bavail * bsize;
    const text = `${(free / 1e9).toFixed(1)} GB free`;
    if (free < fullDiskBytes) return { state: 'broken', text, advice: 'free some space: nothing can be stored' };
    if (free < lowDiskBytes) return { state: 'warning', text, advice: 'pictures fill it: free some space soon' };
    return { state: 'ok', text };
  });
}

function checkNats(settings: LauncherSettings, toolsDir: string): Promise<Finding[]> {
  const { natsUrl } = settings;
  if (natsUrl === undefined) {
    return examine('NATS', 'install nats-server 2.10 or newer, or set NATS_URL', async () => {
      const found = await findNatsServer({ toolsDir, searchPath: process.env['PATH'] ?? '', say: () => {} });
      return { state: 'ok', text: `own server, ${found.version}` };
    });
  }
  return examine('NATS', 'check NATS_URL and that the server runs', async () => {
    const connection = await connect({ servers: natsUrl, timeout: 3_000, reconnect: false });
    const { version, jetstream } = connection.info ?? {};
    await connection.close();
    return jetstream === true
      ? { state: 'ok', text: `${version} with JetStream at NATS_URL` }
      : { state: 'broken', text: `${version} without JetStream`, advice: 'start the server with -js' };
  });
}

function checkPostgres(settings: LauncherSettings): Promise<Finding[]> {
  const { databaseUrl } = settings;
  if (databaseUrl === undefined) {
    return examine('Postgres', 'run npm ci again, or set DATABASE_URL', async () => {
      await findPostgresBinaries();
      return { state: 'ok', text: 'own server, from npm' };
    });
  }
  return examine('Postgres', 'check DATABASE_URL and that the server runs', async () => {
    const sql = postgres(databaseUrl, { max: 1, connect_timeout: 3, onnotice: () => {} });
    try {
      const [row] = await sql`show server_version`;
      return { state: 'ok', text: `${String(row?.['server_version'])} at DATABASE_URL` };
    } finally {
      await sql.end({ timeout: 1 });
    }
  });
}
