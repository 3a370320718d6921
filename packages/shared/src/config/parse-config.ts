import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';

/**
 * Reads a service's settings from the environment.
 *
 * A blank value means unset. Every bad variable is named in one error (code `config`), a line each, with what is
 * allowed; values are never repeated, since one may be a secret. Variables that the schema does not name are ignored:
 * an environment is shared.
 */
export function parseConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Record<string, string | undefined>,
): z.infer<Schema> {
  const known: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const value = env[key]?.trim();
    if (value !== undefined && value !== '') known[key] = value;
  }
  const result = schema.safeParse(known);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new AppError('config', `These settings are missing or wrong:\n${lines.join('\n')}`, {
    details: { variables: result.error.issues.map((issue) => issue.path.join('.')) },
  });
}

/** A TCP port; 0 asks the system for a free one. */
export const portSetting = z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535);

/** A whole number within bounds, with its unit in the variable's name. */
export function intSetting(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error: message }).int(message).min(min, message).max(max, message);
}

/** `1`, `true`, `yes`, `on` and their opposites. */
export const booleanSetting = z.stringbool({ error: 'must be true or false' });

export const httpUrlSetting = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' });
export const natsUrlSetting = z.url({ protocol: /^(nats|tls|ws|wss)$/, error: 'must be a nats:// address' });
export const postgresUrlSetting = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' });

export const logLevelSetting = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
  error: 'must be trace, debug, info, warn, error or silent',
});
