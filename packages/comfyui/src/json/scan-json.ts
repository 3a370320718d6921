import { ComfyError } from '../errors/comfy-error.ts';
import type { TextPosition } from '../errors/comfy-error.ts';

/** How the values of a text are built: `parseJson` makes plain values, the validator makes Python's. */
export interface JsonBuilder<Value, Members> {
  readonly null: Value;
  readonly true: Value;
  readonly false: Value;
  string(value: string): Value;
  /** An integer literal as it stands, sign included. At most {@link maxIntegerDigits} digits. */
  integer(literal: string): Value;
  /** A literal with a fraction or an exponent, or Python's `NaN`, `Infinity`, `-Infinity`. */
  float(value: number): Value;
  array(items: Value[]): Value;
  startObject(): Members;
  setMember(members: Members, key: string, value: Value): void;
  endObject(members: Members): Value;
}

export interface ScanLimits {
  /** Longest text in UTF-16 units. */
  maxChars: number;
  /** Deepest nesting of lists and objects. */
  maxDepth: number;
  /** Most values, those inside others included: in memory even `[]` is many times as long as in the text. */
  maxValues: number;
  /** Whether `NaN` and `Infinity`, which Python reads and writes, are values (`accept`) or an error (`refuse`). */
  nonFinite: 'accept' | 'refuse';
}

/** Python refuses longer integer literals (`sys.int_info.default_max_str_digits`), so no server ever held one. */
const maxIntegerDigits = 4300;

const numberLiteral = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

/**
 * Reads one JSON text by Python's `json.loads` rules: the last of equal keys wins, at the place of the first.
 *
 * @throws ComfyError `too_large` past a limit, `malformed` (with a position) for anything else that is not JSON.
 */
export function scanJson<Value, Members>(
  text: string,
  builder: JsonBuilder<Value, Members>,
  limits: ScanLimits,
): Value {
  if (text.length > limits.maxChars) {
    throw new ComfyError(
      'too_large',
      `JSON text of ${text.length} characters is longer than the cap of ${limits.maxChars}`,
    );
  }
  let at = 0;
  let depth = 0;
  let values = 0;

  function fail(message: string, where = at): never {
    throw new ComfyError('malformed', `Not valid JSON: ${message}`, { position: positionAt(text, where) });
  }

  function skipSpace(): number {
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      at += 1;
      code = text.charCodeAt(at);
    }
    return code;
  }

  function enter(): void {
    depth += 1;
    if (depth > limits.maxDepth) {
      throw new ComfyError('too_large', `JSON nested deeper than the cap of ${limits.maxDepth}`, {
        position: positionAt(text, at),
      });
    }
  }

  /** Moves to the next quote, backslash or control character. */
  function skipPlain(): number {
    let code = text.charCodeAt(at);
    while (code !== 0x22 && code !== 0x5c && code >= 0x20) {
      at += 1;
      code = text.charCodeAt(at);
    }
    return code;
  }

  /** The position is just after the opening quote. */
  function readString(): string {
    const start = at;
    if (skipPlain() === 0x22) {
      at += 1;
      return text.slice(start, at - 1);
    }
    const parts = [text.slice(start, at)];
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        at += 1;
        return parts.join('');
      }
      if (Number.isNaN(code)) fail('a string is not closed', start - 1);
      if (code !== 0x5c) fail('a control character inside a string must be escaped');
      parts.push(readEscape());
      const runStart = at;
      skipPlain();
      if (at > runStart) parts.push(text.slice(runStart, at));
    }
  }

  /** The position is at the backslash. */
  function readEscape(): string {
    const letter = text.charAt(at + 1);
    if (letter === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail('\\u needs four hexadecimal digits');
      at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meaning = escapes.get(letter);
    if (meaning === undefined) fail('unknown escape in a string');
    at += 2;
    return meaning;
  }

  /** The end of an integer of at most 15 digits that begins here; the position itself where the number is of another kind. */
  function endOfShortInteger(): number {
    const start = text.charCodeAt(at) === 0x2d ? at + 1 : at;
    let end = start;
    let code = text.charCodeAt(end);
    while (code >= 0x30 && code <= 0x39 && end - start < 16) {
      end += 1;
      code = text.charCodeAt(end);
    }
    const digits = end - start;
    const isOther = digits === 0 || digits > 15 || code === 0x2e || code === 0x65 || code === 0x45;
    return isOther || (digits > 1 && text.charCodeAt(start) === 0x30) ? at : end;
  }

  function readNumber(): Value {
    const end = endOfShortInteger();
    if (end > at) {
      const literal = text.slice(at, end);
      at = end;
      return builder.integer(literal);
    }
    numberLiteral.lastIndex = at;
    const match = numberLiteral.exec(text);
    if (match === null) return readNonFinite();
    const literal = match[0];
    if (match[1] === undefined && match[2] === undefined) {
      if (literal.length > maxIntegerDigits) fail(`an integer of more than ${maxIntegerDigits} digits`);
      at += literal.length;
      return builder.integer(literal);
    }
    const value = Number(literal);
    if (!Number.isFinite(value) && limits.nonFinite === 'refuse') fail('a number too large for a 64-bit float');
    at += literal.length;
    return builder.float(value);
  }

  function readNonFinite(): Value {
    for (const [word, value] of nonFiniteWords) {
      if (!text.startsWith(word, at)) continue;
      if (limits.nonFinite === 'refuse') fail(`${word} is not a JSON value`);
      at += word.length;
      return builder.float(value);
    }
    return fail(at >= text.length ? 'the text ends where a value should stand' : 'a value should stand here');
  }

  function readWord(word: string, value: Value): Value {
    if (!text.startsWith(word, at)) fail('a value should stand here');
    at += word.length;
    return value;
  }

  function readArray(): Value {
    enter();
    at += 1;
    const items: Value[] = [];
    if (skipSpace() === 0x5d) {
      at += 1;
    } else {
      for (;;) {
        items.push(readValue());
        const code = skipSpace();
        at += 1;
        if (code === 0x5d) break;
        if (code !== 0x2c) fail('"," or "]" should stand here', at - 1);
      }
    }
    depth -= 1;
    return builder.array(items);
  }

  function readObject(): Value {
    enter();
    at += 1;
    const members = builder.startObject();
    if (skipSpace() === 0x7d) {
      at += 1;
    } else {
      for (;;) {
        if (skipSpace() !== 0x22) fail('a key in double quotes should stand here');
        at += 1;
        const key = readString();
        if (skipSpace() !== 0x3a) fail('":" should stand here');
        at += 1;
        builder.setMember(members, key, readValue());
        const code = skipSpace();
        at += 1;
        if (code === 0x7d) break;
        if (code !== 0x2c) fail('"," or "}" should stand here', at - 1);
      }
    }
    depth -= 1;
    return builder.endObject(members);
  }

  function readValue(): Value {
    values += 1;
    if (values > limits.maxValues) {
      throw new ComfyError('too_large', `JSON with more than ${limits.maxValues} values`, {
        position: positionAt(text, at),
      });
    }
    switch (skipSpace()) {
      case 0x22:
        at += 1;
        return builder.string(readString());
      case 0x7b:
        return readObject();
      case 0x5b:
        return readArray();
      case 0x74:
        return readWord('true', builder.true);
      case 0x66:
        return readWord('false', builder.false);
      case 0x6e:
        return readWord('null', builder.null);
      default:
        return readNumber();
    }
  }

  if (text.charCodeAt(0) === 0xfeff) fail('the text begins with a byte order mark');
  const value = readValue();
  skipSpace();
  if (at < text.length) fail('text after the value');
  return value;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const nonFiniteWords: readonly (readonly [string, number])[] = [
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
];

function positionAt(text: string, offset: number): TextPosition {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return { line, column: offset - lineStart + 1 };
}
