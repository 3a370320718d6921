import { AppError } from '../errors/app-error.ts';

/** SQLSTATE classes and codes after which the same statement may succeed later: the server is away, restarting or full. */
const transient = /^(08|53|57P|58|40001|40P01|55P03|25006|57014)/;
const misconfigured = new Set(['28P01', '28000', '3D000', '42501']);
/** What the client library reports when there is no usable connection. */
const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/**
 * What the database client threw, told apart: `unavailable` (nothing is known to have happened, or the answer to a
 * commit was lost: look before repeating what is not idempotent), `config` (refused for good), `internal` (our bug).
 */
export function toDatabaseError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (connectionCodes.has(code) || transient.test(code)) {
    return new AppError('unavailable', `Postgres is away (${code})`, { cause: thrown, details: { sqlstate: code } });
  }
  if (misconfigured.has(code)) {
    return new AppError('config', `Postgres refuses this user, password or database (${code}): check DATABASE_URL`, {
      details: { sqlstate: code },
    });
  }
  return new AppError('internal', 'a database statement failed', { cause: thrown, details: { sqlstate: code } });
}

/** Runs `query` and converts what it throws. */
export async function withDatabaseErrors<T>(query: () => PromiseLike<T>): Promise<T> {
  try {
    return await query();
  } catch (thrown) {
    throw toDatabaseError(thrown);
  }
}
