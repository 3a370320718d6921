import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Random } from './random.ts';

const keys = [
  '__proto__',
  'constructor',
  'toString',
  'prototype',
  'hasOwnProperty',
  '',
  '3',
  'class_type',
  'inputs',
] as const;
const texts = [
  '__proto__',
  '',
  '\u0000',
  '\ud800',
  '../../etc/passwd',
  '%s%n${x}',
  'NaN',
  '1e999',
  'a'.repeat(5_000),
  '🦊'.repeat(500),
  '{a|{b|',
  '%date:yyyy%%KSampler.seed%',
] as const;

/** A text full of one piece, as long as asked. */
export function filled(piece: string, chars: number): string {
  return piece.repeat(Math.ceil(chars / piece.length)).slice(0, chars);
}

function nested(depth: number, random: Random): Json {
  let value: Json = 0;
  for (let level = 0; level < depth; level += 1) value = random.chance(0.5) ? [value] : { a: value };
  return value;
}

function leaf(random: Random): Json {
  return random.pick<() => Json>([
    () => null,
    () => random.chance(0.5),
    () => random.pick([0, -0, -1, 1.5, 1e308, 5e-324, Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21]),
    () => random.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
    () => random.pick([2n ** 64n - 1n, 2n ** 64n, -(2n ** 63n), 10n ** 400n]),
    () => random.pick(texts),
    () => [],
    () => ({}),
    () => [random.pick(['3', '4', '5', '__proto__', '']), random.pick([0, 1, -1, 0.5, 2 ** 40])],
    () => nested(random.pick([3, 60, 250]), random),
  ])();
}

function isContainer(value: Json | undefined): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

/** A random member somewhere inside, with the containers on the way to it. */
function descend(
  root: Json[] | JsonObject,
  random: Random,
): { path: (Json[] | JsonObject)[]; key: string } | undefined {
  const path: (Json[] | JsonObject)[] = [root];
  for (;;) {
    const at = path.at(-1);
    const members = at === undefined ? [] : Object.keys(at);
    const key = members[random.integer(members.length)];
    if (at === undefined || key === undefined) return undefined;
    const child = memberOf(at, key);
    if (!isContainer(child) || path.length > 12 || random.chance(0.15)) return { path, key };
    path.push(child);
  }
}

function memberOf(container: Json[] | JsonObject, key: string): Json | undefined {
  return Array.isArray(container) ? container[Number(key)] : container[key];
}

function setMember(container: Json[] | JsonObject, key: string, value: Json): void {
  if (Array.isArray(container)) container[Number(key)] = value;
  else Object.defineProperty(container, key, { value, enumerable: true, writable: true, configurable: true });
}

/** Breaks a value in place, in one to eight ways. */
function mutate(value: Json, random: Random): Json {
  let root = value;
  const count = 1 + random.integer(8);
  for (let change = 0; change < count; change += 1) {
    const found = isContainer(root) ? descend(root, random) : undefined;
    const container = found?.path.at(-1);
    if (found === undefined || container === undefined) {
      root = leaf(random);
      continue;
    }
    const { key } = found;
    random.pick<() => void>([
      () => setMember(container, key, leaf(random)),
      () => setMember(container, key, leaf(random)),
      () =>
        Array.isArray(container) ? void container.splice(Number(key), 1) : void Reflect.deleteProperty(container, key),
      () => setMember(container, Array.isArray(container) ? key : random.pick(keys), leaf(random)),
      () => setMember(container, Array.isArray(container) ? key : random.pick(keys), memberOf(container, key) ?? null),
      () => (Array.isArray(container) ? void container.push(...container.slice(0, 50)) : undefined),
    ])();
  }
  return root;
}

/** Makes a value contain itself: no text can, but values that callers pass can. */
function makeCyclic(value: Json, random: Random): Json {
  const found = isContainer(value) ? descend(value, random) : undefined;
  const container = found?.path.at(-1);
  const ancestor = found?.path[random.integer(found.path.length)];
  if (found !== undefined && container !== undefined && ancestor !== undefined)
    setMember(container, found.key, ancestor);
  return value;
}

/** Breaks a text: cut, repeated, overwritten, with pieces that parsers stumble over. */
export function mutateText(text: string, random: Random): string {
  const at = random.integer(text.length + 1);
  const end = Math.min(text.length, at + random.integer(200));
  const piece = random.pick([
    'NaN',
    '-Infinity',
    '{',
    '[',
    '"',
    '\\',
    '\\ud800',
    ',',
    ':',
    '\u0000',
    '\ufeff',
    '1e999',
    '9'.repeat(5_000),
    '"__proto__":',
    '\n',
    '-',
    '[['.repeat(400),
  ]);
  return random.pick([
    () => text.slice(0, at),
    () => text.slice(0, at) + piece + text.slice(at),
    () => text.slice(0, at) + piece + text.slice(end),
    // Repeating a stretch gives equal keys, and nodes with equal ids.
    () => text.slice(0, end) + text.slice(at),
    () => text.slice(at),
  ])();
}

/** A hostile value made from an honest one. It may contain itself. */
export function hostileValue(honest: string, random: Random): Json {
  const value = mutate(parseJson(honest), random);
  return random.chance(0.1) ? makeCyclic(value, random) : value;
}

/** A hostile text made from an honest one: at times still JSON, at times not. */
export function hostileText(honest: string, random: Random): string {
  const text = random.chance(0.3) ? honest : stringifyJson(mutate(parseJson(honest), random), { nonFinite: 'literal' });
  return random.chance(0.4) ? mutateText(text, random) : text;
}

/** Texts of about `chars` characters, each made to cost as much as its length allows. The last ones are shaped like workflows. */
export function giantTexts(chars: number): (() => string)[] {
  return [
    () => filled('[', chars),
    () => filled('{"a":', chars),
    () => `[${filled('[],', chars)}0]`,
    () => `[${filled('{},', chars)}0]`,
    () => `[${filled('1,', chars)}0]`,
    () => `"${filled('\\u0041', chars)}"`,
    () => `"${filled('x', chars)}"`,
    () => filled('9', chars),
    () => filled(' ', chars),
    () => filled('\n', chars),
    () => filled('"', chars),
    () => filled('\\', chars),
    () =>
      `{${Array.from({ length: Math.ceil(chars / 60) }, (_, id) => `"${id}":{"class_type":"KSampler","inputs":{"k${id}":["${id + 1}",0]}}`).join(',')}}`,
    () => `{"nodes":[${filled('{"id":1,"type":"KSampler"},', chars)}],"links":[]}`,
  ];
}

/** Those of {@link giantTexts} that differ for a parser that stands on `parseJson`: what the JSON target tries need not be tried again. */
export function giantValues(chars: number): (() => string)[] {
  const texts = giantTexts(chars);
  return [...texts.slice(0, 4), ...texts.slice(-2)];
}

/** Those of {@link giantTexts} that are shaped like workflows. */
export function giantWorkflows(chars: number): (() => string)[] {
  return giantTexts(chars).slice(-2);
}
