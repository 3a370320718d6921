/*
 * npm run token -- create | list | revoke
 *
 * Works on the database that DATABASE_URL names, else on that of the Atelier that runs in this folder.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runCommandLine } from '@atelier/shared/config/command-line';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { createAccount, openAccount } from '@atelier/shared/db/gateway/api-accounts';
import { createApiToken, listApiTokens, revokeApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import { tokenCommandLine, tokenCommandOf, type TokenCommand } from './token-command.ts';

const dayMs = 24 * 3_600_000;
const runRecordSchema = z.object({ databaseUrl: z.string() });

async function databaseUrl(env: NodeJS.ProcessEnv): Promise<string> {
  const named = env['DATABASE_URL']?.trim() ?? '';
  if (named !== '') return named;
  try {
    const file = join(env['ATELIER_HOME'] ?? '.atelier', 'run.json');
    return runRecordSchema.parse(JSON.parse(await readFile(file, 'utf8'))).databaseUrl;
  } catch (cause) {
    throw new AppError('config', 'No Atelier runs in this folder: start one with npm start, or set DATABASE_URL.', {
      cause,
    });
  }
}

async function run(command: TokenCommand, db: Database, print: (line: string) => void): Promise<void> {
  switch (command.command) {
    case 'list': {
      const tokens = await listApiTokens(db, command.personId);
      if (tokens.length === 0) print('There are no tokens.');
      for (const token of tokens) {
        const state =
          token.revokedAt !== null
            ? 'revoked'
            : (token.expiresAt?.getTime() ?? Infinity) < Date.now()
              ? 'expired'
              : 'valid';
        const used = token.lastUsedAt === null ? 'never used' : `used ${token.lastUsedAt.toISOString()}`;
        print(
          `${token.id}  ${state.padEnd(7)}  ${token.hint}…  ${token.name}  (${token.displayName}, person ${token.personId})`,
        );
        print(
          `    ${token.scopes.join(',')}; ${used}; ${token.expiresAt === null ? 'no end' : `ends ${token.expiresAt.toISOString()}`}`,
        );
      }
      return;
    }
    case 'revoke':
      if (!(await revokeApiToken(db, command.id))) throw new AppError('not_found', 'There is no token with this id.');
      print('Revoked: it is refused from now on.');
      return;
    case 'create': {
      const { owner } = command;
      const account = 'personId' in owner ? await openAccount(db, owner.personId) : await createAccount(db, owner);
      if (account === undefined) throw new AppError('not_found', 'There is no person with this id.');
      const made = await createApiToken(db, {
        account: account.account,
        name: command.name,
        scopes: command.scopes,
        limits: command.limits,
        expiresAt: command.days === undefined ? undefined : new Date(Date.now() + command.days * dayMs),
      });
      print(`Token ${made.token.id} of ${account.displayName} (person ${account.personId}); it is shown only now:`);
      print(made.secret);
    }
  }
}

async function main(command: TokenCommand): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const url = await databaseUrl(process.env);
  await migrateDatabase(url);
  const db = createDatabase({
    url,
    poolSize: 1,
    applicationName: 'atelier token',
    log: createLogger('token', 'silent'),
  });
  try {
    await run(command, db, print);
    return 0;
  } finally {
    await db.close();
  }
}

try {
  process.exitCode = await runCommandLine(tokenCommandLine, process.argv.slice(2), (call) =>
    main(tokenCommandOf(call)),
  );
} catch (error) {
  process.stderr.write(`${error instanceof AppError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
