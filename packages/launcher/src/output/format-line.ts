import { z } from 'zod';

/** The part of a service's log line that people read; pino writes levels as numbers (30 info, 40 warn, 50 error). */
const logLine = z.looseObject({ level: z.number(), msg: z.string().optional(), time: z.string().optional() });

const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const levelNumbers: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: 100,
};
const hiddenKeys = new Set(['level', 'msg', 'time', 'service', 'pid', 'hostname', 'err']);

const nameWidth = 13;

/** `name` as the first column of the terminal. */
export function prefixLine(name: string, text: string): string {
  return `${name.padEnd(nameWidth)} ${text}`;
}

/**
 * A line that a process printed, as the terminal shows it: JSON log lines of at least `minLevel` in short form, other text
 * as it is; undefined for what is left to the log file.
 */
export function formatLine(name: string, text: string, minLevel: string): string | undefined {
  if (text.trim() === '') return undefined;
  const entry = parseLogLine(text);
  if (entry === undefined) return prefixLine(name, text);
  if (entry.level < (levelNumbers[minLevel] ?? 0)) return undefined;
  const fields = Object.entries(entry)
    .filter(([key]) => !hiddenKeys.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const error = errorMessage(entry['err']);
  if (error !== undefined) fields.push(`error=${error}`);
  const words = [entry.time?.slice(11, 19), levelNames[entry.level] ?? String(entry.level), entry.msg, ...fields];
  return prefixLine(name, words.filter((word) => word !== undefined && word !== '').join(' '));
}

function parseLogLine(text: string): z.infer<typeof logLine> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return logLine.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function errorMessage(err: unknown): string | undefined {
  const parsed = z.looseObject({ message: z.string() }).safeParse(err);
  return parsed.success ? parsed.data.message : undefined;
}
