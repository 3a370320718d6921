import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from './json.ts';

export interface StringifyJsonOptions {
  /** Spaces a level; 0 (the default) writes one line without spaces. */
  indent?: number;
  /** Whether NaN and infinities are refused (the default) or written as Python writes and reads them. */
  nonFinite?: 'refuse' | 'literal';
}

const maxDepth = 1_000;

/**
 * Writes JSON so that `parseJson` gives back the same value: bigints as their digits, and floats beyond the safe integers with a
 * fraction, since Python and `parseJson` would read bare digits as an integer.
 *
 * @throws ComfyError `invalid_value` for NaN, an infinity or a value that is not JSON, `too_large` for nesting beyond 1,000 or a cycle.
 */
export function stringifyJson(value: Json, options: number | StringifyJsonOptions = {}): string {
  const { indent = 0, nonFinite = 'refuse' } = typeof options === 'number' ? { indent: options } : options;
  const step = ' '.repeat(indent);
  const colon = indent > 0 ? ': ' : ':';
  const parts: string[] = [];

  function write(item: Json, lead: string, depth: number): void {
    if (depth > maxDepth)
      throw new ComfyError('too_large', `A value nested deeper than ${maxDepth} cannot be written as JSON`);
    if (typeof item === 'string') {
      parts.push(JSON.stringify(item));
    } else if (typeof item === 'number') {
      parts.push(numberText(item, nonFinite));
    } else if (item === null || typeof item === 'boolean' || typeof item === 'bigint') {
      parts.push(String(item));
    } else if (Array.isArray(item)) {
      writeArray(item, lead, depth);
    } else if (typeof item === 'object') {
      writeObject(item, lead, depth);
    } else {
      throw new ComfyError('invalid_value', `A value of type ${typeof item} cannot be written as JSON`);
    }
  }

  function writeArray(items: Json[], lead: string, depth: number): void {
    if (items.length === 0) {
      parts.push('[]');
      return;
    }
    const inner = lead + step;
    let before = indent > 0 ? `[\n${inner}` : '[';
    for (const item of items) {
      parts.push(before);
      write(item, inner, depth + 1);
      before = indent > 0 ? `,\n${inner}` : ',';
    }
    parts.push(indent > 0 ? `\n${lead}]` : ']');
  }

  function writeObject(members: Record<string, Json | undefined>, lead: string, depth: number): void {
    const inner = lead + step;
    const first = indent > 0 ? `{\n${inner}` : '{';
    let before = first;
    for (const key of Object.keys(members)) {
      const member = members[key];
      if (member === undefined) continue;
      parts.push(before, JSON.stringify(key), colon);
      write(member, inner, depth + 1);
      before = indent > 0 ? `,\n${inner}` : ',';
    }
    if (before === first) parts.push('{}');
    else parts.push(indent > 0 ? `\n${lead}}` : '}');
  }

  write(value, '', 0);
  return parts.join('');
}

function numberText(value: number, nonFinite: 'refuse' | 'literal'): string {
  if (!Number.isFinite(value)) {
    if (nonFinite === 'literal') return String(value);
    throw new ComfyError('invalid_value', `${value} cannot be written as JSON`, {
      hint: 'Replace it by a finite number or null.',
    });
  }
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes('e')) return `${text}.0`;
  return text;
}
