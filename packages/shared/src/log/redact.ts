/** Names of fields whose values never reach a log: those that end in a word for a credential, in any spelling. */
const secretKey = /(?:token|secret|password|passwd|authorization|cookie|api[-_]?key|access[-_]?key|private[-_]?key)$/i;

/**
 * Credentials that stand inside texts: Telegram's (whose addresses hold them right behind the word `bot`), Discord's and
 * Anthropic's tokens, user information of addresses, authorization headers.
 */
const secretPatterns: [RegExp, string][] = [
  [/\d{6,12}:[A-Za-z0-9_-]{30,}/g, '[token]'],
  [/[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}/g, '[token]'],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, '[key]'],
  [/(\/\/[^\s/:@]*:)[^\s/]+@/g, '$1[password]@'],
  [/(\/\/)[^\s/:@]+@/g, '$1[token]@'],
  [/\bBearer\s+[\w.~+/=-]{16,}/g, 'Bearer [token]'],
  [/\bBot\s+[\w.~+/=-]{20,}/g, 'Bot [token]'],
];

const redacted = '[redacted]';
/** Deeper than anything that we log on purpose. */
const maxDepth = 8;
const maxItems = 100;

/** The text without what looks like a credential. For every text of outside origin that goes to a log or an error. */
export function redactText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/** The fields without credentials, as plain data: errors as their facts, bytes as their number, circles cut. */
export function redactFields(fields: object): Record<string, unknown> {
  return redactObject(fields, maxDepth, new Set());
}

export function redactValue(value: unknown): unknown {
  return redactAt(value, maxDepth, new Set());
}

function redactAt(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth === 0 || above.has(value)) return '[…]';
  above.add(value);
  try {
    if (value instanceof Error) return redactError(value, depth - 1, above);
    if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redactAt(item, depth - 1, above));
    if (value instanceof URL) return redactText(value.href);
    return redactObject(value, depth, above);
  } finally {
    above.delete(value);
  }
}

function redactObject(value: object, depth: number, above: Set<object>): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
    key,
    secretKey.test(key) && item !== undefined && item !== null ? redacted : redactAt(item, depth - 1, above),
  ]);
  return Object.fromEntries(entries);
}

function redactError(error: Error, depth: number, above: Set<object>): Record<string, unknown> {
  const facts: Record<string, unknown> = {
    type: error.name,
    message: redactText(error.message),
    stack: redactText(error.stack ?? ''),
  };
  if ('code' in error && typeof error.code === 'string') facts['code'] = error.code;
  if ('details' in error) facts['details'] = redactAt(error.details, depth, above);
  if (error.cause !== undefined) facts['cause'] = redactAt(error.cause, depth, above);
  if (error instanceof AggregateError) facts['errors'] = redactAt(error.errors, depth, above);
  return facts;
}
