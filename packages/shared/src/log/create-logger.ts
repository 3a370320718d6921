import { pino, type Bindings, type DestinationStream, type Logger } from 'pino';
import { redactFields, redactText, redactValue } from './redact.ts';

export type { Logger } from 'pino';

/**
 * A service's logger: JSON lines without credentials. Write `request_id` and `job_id` on every line that concerns one,
 * best by `log.child({ request_id })`.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const logger = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      // `err` has become plain data before this: pino's own serializer would look for the error again.
      serializers: { err: (error: unknown) => error },
      formatters: { log: redactFields },
      hooks: {
        logMethod(args, method) {
          const [first, ...rest] = args as [unknown, ...unknown[]];
          const fields = first instanceof Error ? { err: first } : first;
          const clean = [typeof fields === 'string' ? redactText(fields) : fields, ...rest.map(redactValue)];
          // Without a message pino takes the error's, as it stands.
          if (rest.length === 0 && isFieldsWithError(fields)) clean.push(redactText(fields.err.message));
          Reflect.apply(method, this, clean);
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
  return withCleanChildren(logger);
}

/** pino's `formatters.bindings` does not reach the bindings of children, which inherit this `child` instead. */
function withCleanChildren(logger: Logger): Logger {
  const pinoChild: unknown = Reflect.get(logger, 'child');
  if (typeof pinoChild !== 'function') throw new TypeError('a pino logger has children');
  Object.defineProperty(logger, 'child', {
    value(this: Logger, bindings: Bindings, ...options: unknown[]): unknown {
      return Reflect.apply(pinoChild, this, [redactFields(bindings), ...options]);
    },
  });
  return logger;
}

function isFieldsWithError(fields: unknown): fields is { err: Error } {
  return typeof fields === 'object' && fields !== null && 'err' in fields && fields.err instanceof Error;
}
