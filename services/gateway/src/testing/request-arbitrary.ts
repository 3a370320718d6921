import * as fc from 'fast-check';
import { z } from 'zod';

const schemaObject = z.record(z.string(), z.unknown());
export const operationSchema = z.looseObject({
  parameters: z
    .array(
      z.looseObject({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        schema: schemaObject.optional(),
      }),
    )
    .optional(),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.looseObject({ schema: schemaObject.optional() })) })
    .optional(),
  responses: z.record(z.string(), z.looseObject({ content: z.record(z.string(), z.unknown()).optional() })),
});
export const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), schemaObject) }),
});
export type OpenapiDocument = z.infer<typeof documentSchema>;
export type Operation = z.infer<typeof operationSchema>;

/** One call of an operation. */
export interface GeneratedCall {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** What people who try things out send: traversal, markup, quotes, control characters, what other formats mean something by. */
const hostileTexts = [
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '/etc/passwd',
  String.raw`..\..\windows\win.ini`,
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  '\u0000',
  'a\u0000b',
  '\uD800',
  '\u202Egnp.exe',
  "'; drop table requests; --",
  '${7*7}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'x [output]',
  '__proto__',
  'constructor',
  '%',
  '%zz',
  ' ',
  '',
  '\r\nset-cookie: x=1',
  '😀'.repeat(30),
  'a'.repeat(5_000),
  '99999999999999999999999999',
  '-1',
  '1e400',
  'null',
  'undefined',
  'NaN',
];
const hostileText = fc.constantFrom(...hostileTexts);
/** As JSON text, since some cannot be written by a serializer. */
const hostileJson = fc.oneof(
  hostileText.map((text) => JSON.stringify(text)),
  fc.constantFrom(
    'null',
    'true',
    '-1',
    '1e308',
    '1e999',
    'NaN',
    '18446744073709551616',
    '[]',
    '{}',
    '[[[[[[[[[[]]]]]]]]]]',
    '{"__proto__":{"scopes":["admin"]}}',
    '{"constructor":{"prototype":{}}}',
    '[1,2,3]',
    '"',
    '{',
    '0.1',
  ),
);

/** Calls of an operation: mostly as its document says, with parts that are not. */
export function callArbitrary(
  document: OpenapiDocument,
  path: string,
  operation: Operation,
): fc.Arbitrary<GeneratedCall> {
  const parameters = operation.parameters ?? [];
  const part = (where: string): fc.Arbitrary<Record<string, string>> =>
    fc.record(
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === where)
          .map(({ name, schema, required }) => {
            const good = jsonArbitrary(document, schema ?? {}, 3).map((json) => json.replace(/^"([\s\S]*)"$/, '$1'));
            const value = fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: hostileText });
            return [name, required === true || where === 'path' ? value : fc.option(value, { nil: '\u0001absent' })];
          }),
      ),
    );
  const json = operation.requestBody?.content['application/json']?.schema;
  const body =
    json === undefined
      ? fc.constant(undefined)
      : fc.oneof({ weight: 9, arbitrary: jsonArbitrary(document, json, 5) }, { weight: 1, arbitrary: hostileJson });
  const contentType = fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'text/plain',
        'application/xml',
        'multipart/form-data',
        'application/json; charset=utf-16',
        '',
      ),
    },
  );
  return fc
    .tuple(part('path'), part('query'), part('header'), body, contentType)
    .map(([inPath, inQuery, inHeader, text, type]) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encode(inPath[name] ?? ''));
      const query = Object.entries(inQuery).filter(([, value]) => value !== '\u0001absent');
      const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
      const headers = Object.entries(inHeader).filter(
        ([, value]) => value !== '\u0001absent' && /^[\x21-\x7e]+$/.test(value),
      );
      return {
        path: `${filled}${search === '' ? '' : `?${search}`}`,
        headers: {
          ...Object.fromEntries(headers),
          ...(text === undefined || type === '' ? {} : { 'content-type': type }),
        },
        body: text,
      };
    });
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** JSON text of a schema's values, with a part here and there that is not one. */
function jsonArbitrary(
  document: OpenapiDocument,
  schema: Record<string, unknown>,
  depth: number,
): fc.Arbitrary<string> {
  const good = goodJson(document, schema, depth);
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: hostileJson });
}

function goodJson(document: OpenapiDocument, schema: Record<string, unknown>, depth: number): fc.Arbitrary<string> {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.split('/').at(-1) ?? '';
    return goodJson(document, document.components.schemas[name] ?? {}, depth);
  }
  const choices = listOf(schema['anyOf'] ?? schema['oneOf']);
  if (choices.length > 0) return fc.oneof(...choices.map((choice) => jsonArbitrary(document, choice, depth)));
  if ('const' in schema) return fc.constant(JSON.stringify(schema['const']));
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum'].map((value) => JSON.stringify(value)));
  const most = (name: string, otherwise: number): number =>
    typeof schema[name] === 'number' ? schema[name] : otherwise;
  switch (schema['type']) {
    case 'string': {
      if (schema['format'] === 'uuid') return fc.uuid().map((id) => JSON.stringify(id));
      if (typeof schema['pattern'] === 'string' && !schema['pattern'].includes('(?')) {
        return fc.stringMatching(new RegExp(schema['pattern'])).map((text) => JSON.stringify(text));
      }
      const maxLength = Math.min(most('maxLength', 40), 60);
      return fc
        .string({ minLength: Math.min(most('minLength', 0), maxLength), maxLength, unit: 'grapheme' })
        .map((text) => JSON.stringify(text));
    }
    case 'integer':
      return fc
        .integer({ min: Math.max(most('minimum', -100), -1_000_000), max: Math.min(most('maximum', 1_000), 1_000_000) })
        .map(String);
    case 'number':
      return fc
        .double({ min: most('minimum', -1_000), max: most('maximum', 1_000), noNaN: true })
        .map((value) => JSON.stringify(value));
    case 'boolean':
      return fc.boolean().map(String);
    case 'null':
      return fc.constant('null');
    case 'array': {
      if (depth === 0) return fc.constant('[]');
      const items = jsonArbitrary(document, recordOf(schema['items']), depth - 1);
      return fc
        .array(items, { minLength: Math.min(most('minItems', 0), 2), maxLength: Math.min(most('maxItems', 3), 3) })
        .map((list) => `[${list.join(',')}]`);
    }
    case 'object': {
      const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
      const members = Object.entries(recordOf(schema['properties'])).map(([name, member]) => {
        const value = jsonArbitrary(document, recordOf(member), Math.max(0, depth - 1)).map(
          (json) => `${JSON.stringify(name)}:${json}`,
        );
        return required.has(name) ? value : fc.option(value, { nil: undefined, freq: 2 });
      });
      return fc.tuple(...members).map((list) => `{${list.filter((member) => member !== undefined).join(',')}}`);
    }
    default:
      return hostileJson;
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return schemaObject.safeParse(value).data ?? {};
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}
