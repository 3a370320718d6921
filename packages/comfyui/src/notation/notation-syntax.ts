import { ComfyError, type TextPosition } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';

/** The value of an input as written, before node and output names are resolved. */
export type NotationValue =
  | { kind: 'literal'; value: Json }
  /** `node.OUTPUT` (a name) or `node[1]` (an index). */
  | { kind: 'link'; node: string; output: string | number }
  /** `node` alone: its only output, or the one that fits. */
  | { kind: 'word'; word: string }
  /** `8`: the node of that id where the input takes its output, else the number. */
  | { kind: 'number'; word: string; value: Json }
  /** `$name`: filled by a recipe's parameter. */
  | { kind: 'parameter'; name: string }
  /** `unset`: the input stays absent although its class has a default. */
  | { kind: 'unset' };

export interface NotationInput {
  name: string;
  value: NotationValue;
  at: TextPosition;
  valueAt: TextPosition;
}

export interface NotationNode {
  id: string;
  classType: string;
  inputs: NotationInput[];
  /** A string: the title. `none`: no `_meta`. `empty`: a `_meta` without a title. Undefined: nothing was written. */
  title: string | { kind: 'none' | 'empty' } | undefined;
  at: TextPosition;
  classAt: TextPosition;
}

export interface NotationText {
  nodes: NotationNode[];
  /** `@titles` was written: a node without a title of its own has its class's display name as title. */
  defaultTitles: boolean;
}

/** Longest text that is read, in UTF-16 units. */
const MAX_TEXT = 2_000_000;

export const ID_PATTERN = /[\p{L}\p{N}_][\p{L}\p{N}_:-]*/uy;
export const CLASS_PATTERN = /[\p{L}_][\p{L}\p{N}_.|+/-]*/uy;
export const INPUT_PATTERN = /[\p{L}_][\p{L}\p{N}_.-]*/uy;
export const OUTPUT_PATTERN = /[\p{L}_][\p{L}\p{N}_-]*/uy;
/** With a plus sign it is a number even where a node has it as its id. */
const NUMBER_PATTERN = /[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN/y;
const SLOT_PATTERN = /\[(\d{1,6})\]/y;

/** Words that stand for values and are therefore written in quotes where they are ids. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'unset',
  'untitled',
  'NaN',
  'Infinity',
]);

const WHOLE_NUMBER = /^(?:0|[1-9]\d*)$/;

/** Whether a text is written like a number that can be an id too. */
export function isWholeNumber(text: string): boolean {
  return WHOLE_NUMBER.test(text);
}

/** Whether an id alone reads as a word, never as a number or another value. */
export function isWord(id: string): boolean {
  return matchesWhole(ID_PATTERN, id) && !RESERVED_WORDS.has(id) && !matchesWhole(NUMBER_PATTERN, id);
}

/** Whether the whole of `text` matches one of the patterns above. */
export function matchesWhole(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.exec(text)?.[0].length === text.length && text.length > 0;
}

class Reader {
  readonly text: string;
  offset = 0;
  /** Line, its start and its end where a position was last asked for: positions are asked for in rising order. */
  private line = 1;
  private lineStart = 0;
  private lineEnd: number;

  constructor(text: string) {
    this.text = text;
    this.lineEnd = this.endOfLine(0);
  }

  private endOfLine(start: number): number {
    const end = this.text.indexOf('\n', start);
    return end === -1 ? this.text.length : end;
  }

  position(offset = this.offset): TextPosition {
    if (offset < this.lineStart) [this.line, this.lineStart, this.lineEnd] = [1, 0, this.endOfLine(0)];
    while (this.lineEnd < offset && this.lineEnd < this.text.length) {
      this.line += 1;
      this.lineStart = this.lineEnd + 1;
      this.lineEnd = this.endOfLine(this.lineStart);
    }
    return { line: this.line, column: offset - this.lineStart + 1 };
  }

  fail(message: string, hint?: string, offset = this.offset): never {
    const position = this.position(offset);
    throw new ComfyError('malformed', `Line ${position.line}, column ${position.column}: ${message}`, {
      position,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  peek(): string {
    return this.text[this.offset] ?? '';
  }

  /** Skips blanks and comments, and line ends too where they mean nothing. */
  skip(lines: boolean): void {
    while (this.offset < this.text.length) {
      const char = this.peek();
      if (char === '#') {
        const end = this.text.indexOf('\n', this.offset);
        this.offset = end === -1 ? this.text.length : end;
      } else if (char === ' ' || char === '\t' || char === '\r' || char === '\uFEFF' || (lines && char === '\n')) {
        this.offset += 1;
      } else {
        return;
      }
    }
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined || found === '') return undefined;
    this.offset += found.length;
    return found;
  }

  take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.offset += 1;
    return true;
  }

  expect(char: string, where: string, hint?: string): void {
    if (!this.take(char)) this.fail(`expected "${char}" ${where}, found ${this.found()}.`, hint);
  }

  found(): string {
    const char = this.peek();
    if (char === '') return 'the end of the text';
    if (char === '\n') return 'the end of the line';
    const word = /[^\s,()=#]{1,30}/uy;
    word.lastIndex = this.offset;
    return `"${word.exec(this.text)?.[0] ?? char}"`;
  }

  /** A string in double quotes with JSON's escapes; a raw line end is taken as part of it. */
  string(): string {
    const start = this.offset;
    let index = start + 1;
    for (;;) {
      const char = this.text[index];
      if (char === undefined)
        this.fail('this string has no closing quote.', 'Close it with " or escape inner quotes as \\".', start);
      if (char === '"') break;
      if (char === '\\' && (this.text[index + 1] ?? '') < ' ') {
        this.fail(
          'a backslash ends the line inside a string.',
          'Write \\\\ for a backslash, \\n for a new line.',
          index,
        );
      }
      index += char === '\\' ? 2 : 1;
    }
    const raw = this.text
      .slice(start, index + 1)
      .replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
    this.offset = index + 1;
    const value = this.json(raw, start);
    return typeof value === 'string' ? value : this.fail('this is not a string.', undefined, start);
  }

  json(raw: string, start: number): Json {
    try {
      return parseJson(raw);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'not JSON';
      return this.fail(
        `cannot read this value: ${reason}`,
        'Lists, objects and strings are written as in JSON.',
        start,
      );
    }
  }

  /** A list or an object, as in JSON. */
  bracketed(): Json {
    const start = this.offset;
    let depth = 0;
    let index = start;
    for (;;) {
      const char = this.text[index];
      if (char === undefined) this.fail('this list or object is not closed.', undefined, start);
      if (char === '"') {
        index += 1;
        while (this.text[index] !== undefined && this.text[index] !== '"') index += this.text[index] === '\\' ? 2 : 1;
      } else if (char === '[' || char === '{') depth += 1;
      else if (char === ']' || char === '}') depth -= 1;
      index += 1;
      if (depth === 0) break;
    }
    this.offset = index;
    return this.json(this.text.slice(start, index), start);
  }
}

/** The part of a link after its node: `.OUTPUT`, `."odd name"` or `[1]`. */
function readOutput(reader: Reader): string | number | undefined {
  if (reader.peek() === '[') {
    const slot = reader.match(SLOT_PATTERN);
    return slot === undefined
      ? reader.fail('an output index is a whole number, as in node[1].')
      : Number(slot.slice(1, -1));
  }
  if (reader.peek() !== '.') return undefined;
  reader.offset += 1;
  if (reader.peek() === '"') return reader.string();
  return reader.match(OUTPUT_PATTERN) ?? reader.fail(`expected an output name after ".", found ${reader.found()}.`);
}

function readWordOrNumber(reader: Reader): NotationValue {
  const start = reader.offset;
  const number = reader.match(NUMBER_PATTERN);
  const next = reader.peek();
  if (number !== undefined && !/[\p{L}\p{N}_:.[-]/u.test(next)) {
    const value = reader.json(number.replace(/^\+/, ''), start);
    return isWholeNumber(number) ? { kind: 'number', word: number, value } : { kind: 'literal', value };
  }
  reader.offset = start;
  const word = reader.match(ID_PATTERN);
  if (word === undefined)
    return reader.fail(
      `expected a value, found ${reader.found()}.`,
      'A value is a number, a "string", true, false, null, or a link as node.OUTPUT.',
    );
  const output = readOutput(reader);
  if (output !== undefined) return { kind: 'link', node: word, output };
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
  if (word === 'null') return { kind: 'literal', value: null };
  if (word === 'unset') return { kind: 'unset' };
  return { kind: 'word', word };
}

function readValue(reader: Reader): NotationValue {
  const char = reader.peek();
  if (char === '"') {
    const text = reader.string();
    if (reader.peek() !== '.' && reader.peek() !== '[') return { kind: 'literal', value: text };
    const output = readOutput(reader);
    return output === undefined ? { kind: 'literal', value: text } : { kind: 'link', node: text, output };
  }
  if (char === '[' || char === '{') return { kind: 'literal', value: reader.bracketed() };
  if (char === '$') {
    reader.offset += 1;
    const name = reader.match(OUTPUT_PATTERN);
    return name === undefined ? reader.fail('expected a parameter name after "$".') : { kind: 'parameter', name };
  }
  return readWordOrNumber(reader);
}

function readInputs(reader: Reader): NotationInput[] {
  const inputs: NotationInput[] = [];
  const seen = new Set<string>();
  for (;;) {
    reader.skip(true);
    if (reader.take(')')) return inputs;
    const start = reader.offset;
    const at = reader.position();
    const name = reader.peek() === '"' ? reader.string() : reader.match(INPUT_PATTERN);
    if (name === undefined)
      return reader.fail(
        `expected an input name or ")", found ${reader.found()}.`,
        'Inputs are written name=value, with a blank or a comma between them.',
      );
    if (seen.has(name)) return reader.fail(`the input "${name}" is set twice.`, 'Keep one of them.', start);
    seen.add(name);
    reader.skip(true);
    reader.expect(
      '=',
      `after the input name "${name}"`,
      'Inputs are written name=value; strings stand in double quotes.',
    );
    reader.skip(true);
    const valueAt = reader.position();
    inputs.push({ name, value: readValue(reader), at, valueAt });
    const end = reader.offset;
    reader.skip(true);
    if (!reader.take(',') && reader.peek() !== ')' && reader.offset === end) {
      reader.fail(
        `expected a blank, "," or ")" after the value of "${name}", found ${reader.found()}.`,
        'Strings stand in double quotes.',
      );
    }
  }
}

function readTitle(reader: Reader): NotationNode['title'] {
  reader.skip(false);
  if (reader.peek() === '"') return reader.string();
  if (reader.take('{')) {
    reader.expect('}', 'of an empty title');
    return { kind: 'empty' };
  }
  const start = reader.offset;
  const word = reader.match(ID_PATTERN);
  if (word === undefined) return undefined;
  return word === 'untitled'
    ? { kind: 'none' }
    : reader.fail(`"${word}" stands after the node.`, 'One node a line; a title stands in double quotes.', start);
}

function readNode(reader: Reader): NotationNode {
  const at = reader.position();
  const id = reader.peek() === '"' ? reader.string() : reader.match(ID_PATTERN);
  if (id === undefined)
    return reader.fail(`expected a node, found ${reader.found()}.`, 'A node is written name = Class(input=value, …).');
  reader.skip(false);
  reader.expect('=', `after the node name "${id}"`);
  reader.skip(false);
  const classAt = reader.position();
  const classType = reader.peek() === '"' ? reader.string() : reader.match(CLASS_PATTERN);
  if (classType === undefined || classType === '')
    return reader.fail(`expected a node class, found ${reader.found()}.`);
  reader.skip(false);
  if (reader.peek() !== '(') {
    reader.fail(
      `expected "(" after the class "${classType}", found ${reader.found()}.`,
      'A class name with blanks or signs stands in double quotes.',
    );
  }
  reader.offset += 1;
  const inputs = readInputs(reader);
  const title = readTitle(reader);
  reader.skip(false);
  if (reader.peek() !== '\n' && reader.peek() !== '') {
    reader.fail(`expected the end of the line, found ${reader.found()}.`, 'One node a line.');
  }
  return { id, classType, inputs, title, at, classAt };
}

/**
 * Reads link notation into its parts, without knowing any node class.
 *
 * @throws ComfyError `malformed` with position and hint, `too_large` above 2,000,000 characters.
 */
export function readNotation(text: string): NotationText {
  if (text.length > MAX_TEXT) {
    throw new ComfyError('too_large', `The text has ${text.length} characters; at most ${MAX_TEXT} are read.`);
  }
  const reader = new Reader(text);
  const nodes: NotationNode[] = [];
  const seen = new Set<string>();
  let defaultTitles = false;
  for (;;) {
    reader.skip(true);
    if (reader.peek() === '') return { nodes, defaultTitles };
    if (nodes.length === 0 && reader.text.startsWith('@titles', reader.offset)) {
      reader.offset += '@titles'.length;
      defaultTitles = true;
      continue;
    }
    const start = reader.offset;
    const node = readNode(reader);
    if (seen.has(node.id))
      reader.fail(`there are two nodes named "${node.id}".`, 'Give one of them another name.', start);
    seen.add(node.id);
    nodes.push(node);
  }
}
