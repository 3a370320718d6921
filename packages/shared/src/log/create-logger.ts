import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Keys whose values never reach a log, at any depth that we write. */
const secretKeys = ['token', 'authorization', 'password', 'secret', 'apiKey', 'api_key', 'cookie', 'accessToken'];

/** Bot tokens and passwords that stand inside texts: Telegram file links, connection strings, bearer headers. */
const secretPatterns: [RegExp, string][] = [
  [/\b\d{6,12}:[A-Za-z0-9_-]{30,}\b/g, '[token]'],
  [/\b[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}\b/g, '[token]'],
  [/\bsk-[A-Za-z0-9_-]{16,}\b/g, '[key]'],
  [/(\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1[password]@'],
  [/\b(Bearer|Bot)\s+[\w.~+/=-]{8,}/g, '$1 [token]'],
];

/** The text without what looks like a credential. For every text of outside origin that goes to a log or an error. */
export function redactText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/**
 * A service's logger: JSON lines. Write `request_id` and `job_id` on every line that concerns one, best by
 * `log.child({ request_id })`.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`, `headers.${key}`]),
        censor: '[redacted]',
      },
      serializers: { err: (error: unknown) => redactError(error) },
      hooks: {
        logMethod(args, method) {
          const clean = args.map((arg: unknown) => (typeof arg === 'string' ? redactText(arg) : arg));
          Reflect.apply(method, this, clean);
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
}

function redactError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? redactText(error) : error;
  const own: Record<string, unknown> = {
    type: error.name,
    message: redactText(error.message),
    stack: redactText(error.stack ?? ''),
  };
  if ('code' in error && typeof error.code === 'string') own['code'] = error.code;
  if ('details' in error) own['details'] = error.details;
  if (error.cause !== undefined && depth < 4) own['cause'] = redactError(error.cause, depth + 1);
  return own;
}
