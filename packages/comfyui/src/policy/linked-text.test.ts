import { describe, expect, test } from 'vitest';
import { textToImage, type SampleNode } from '../graph/testing/text-to-image.ts';
import type { Json } from '../json/json.ts';
import { parseRegistry } from '../registry/parse-registry.ts';
import { readRecordedObjectInfo } from '../registry/recorded-registry.ts';
import { checkPolicy } from './check-policy.ts';
import { createLinkedTexts } from './linked-text.ts';

const registry = parseRegistry(readRecordedObjectInfo('0.8.0'));

type NodeList = readonly (readonly [classType: string, inputs: Record<string, Json>])[];

/** Nodes under the ids `a`, `b`, …, the last of which is asked. */
function nodes(list: NodeList): Record<string, SampleNode> {
  return Object.fromEntries(
    list.map(([class_type, inputs], index) => [String.fromCodePoint(97 + index), { class_type, inputs }]),
  );
}

function textsOf(...list: NodeList): readonly string[] | undefined {
  const workflow = nodes(list);
  return createLinkedTexts(workflow, 100).of(Object.keys(workflow).at(-1) ?? '');
}

describe('what string nodes will give', () => {
  // As CPython 3.11 answers for the expression that the node runs.
  test.each([
    ['StringConcatenate', { string_a: 'embed', string_b: 'ding:x', delimiter: '' }, 'embedding:x'],
    ['StringConcatenate', { string_a: 'a', string_b: 'b', delimiter: ', ' }, 'a, b'],
    ['StringSubstring', { string: 'abcdef', start: 1, end: 3 }, 'bc'],
    ['StringSubstring', { string: 'abcdef', start: -3, end: -1 }, 'de'],
    ['StringSubstring', { string: '🎨🎨ab', start: 1, end: 3 }, '🎨a'],
    ['StringReplace', { string: 'aXbX', find: 'X', replace: '' }, 'ab'],
    ['StringReplace', { string: 'ab', find: '', replace: '-' }, '-a-b-'],
    ['StringReplace', { string: 'aaa', find: 'aa', replace: 'b' }, 'ba'],
    ['StringTrim', { string: '  a b  ', mode: 'Both' }, 'a b'],
    ['ReplaceText', { texts: 'a$&b', find: '$&', replace: '$1' }, 'a$1b'],
    ['AddTextPrefix', { texts: 'b', prefix: 'a' }, 'ab'],
    ['AddTextSuffix', { texts: 'a', suffix: 'b' }, 'ab'],
    ['TruncateText', { texts: 'abcdef', max_length: 2 }, 'ab'],
    ['PrimitiveString', { value: 'a' }, 'a'],
  ])('%s %j', (classType, inputs, expected) => {
    expect(textsOf([classType, inputs])).toEqual([expected]);
  });

  test('a switch gives either, and what follows is made of both', () => {
    expect(
      textsOf(
        ['PrimitiveString', { value: 'one' }],
        ['PrimitiveString', { value: 'two' }],
        ['ComfySwitchNode', { switch: true, on_false: ['a', 0], on_true: ['b', 0] }],
        ['StringConcatenate', { string_a: ['c', 0], string_b: ['c', 0], delimiter: '+' }],
      ),
    ).toEqual(['one+one', 'one+two', 'two+one', 'two+two']);
  });

  test('a number may stand in a primitive; one that is computed leaves the text unknown', () => {
    expect(
      textsOf(['PrimitiveInt', { value: 2n }], ['StringSubstring', { string: 'abc', start: 0, end: ['a', 0] }]),
    ).toEqual(['ab']);
    expect(
      textsOf(['StringLength', { string: 'ab' }], ['StringSubstring', { string: 'abc', start: 0, end: ['a', 0] }]),
    ).toBeUndefined();
  });

  test('too many switches, circles and texts beyond the limit end at once', () => {
    const switches = Array.from({ length: 7 }, (_, index): [string, Record<string, Json>] => {
      const before = String.fromCodePoint(97 + index + 1);
      return ['StringConcatenate', { string_a: ['a', 0], string_b: [before, 0], delimiter: '' }];
    });
    const choice: [string, Record<string, Json>] = ['ComfySwitchNode', { on_false: 'x', on_true: 'y' }];
    expect(textsOf(choice, ['PrimitiveString', { value: '' }], ...switches)).toBeUndefined();
    expect(textsOf(['StringConcatenate', { string_a: ['a', 0], string_b: 'x', delimiter: '' }])).toEqual(['x']);
    const long = 'a'.repeat(100);
    expect(textsOf(['StringReplace', { string: long, find: 'a', replace: long }])).toEqual([]);
    expect(textsOf(['StringTrim', { string: ['nobody', 0] }])).toEqual(['']);
  });
});

/** A text-to-image workflow whose prompt comes from node `b` or the last one given. */
function promptFrom(...list: NodeList): Record<string, SampleNode> {
  const made = nodes(list);
  const workflow = { ...textToImage(), ...made };
  workflow['6']!.inputs['text'] = [Object.keys(made).at(-1) ?? '', 0];
  return workflow;
}

describe('a prompt that nodes put together', () => {
  test.each<[string, NodeList]>([
    ['joined', [['StringConcatenate', { string_a: 'a, embed', string_b: 'ding:../../x', delimiter: '' }]]],
    ['split at the dots', [['StringConcatenate', { string_a: 'embedding:.', string_b: './x', delimiter: '' }]]],
    ['by its delimiter', [['StringConcatenate', { string_a: 'embedding', string_b: '/etc/x', delimiter: ':' }]]],
    ['by a replacement', [['StringReplace', { string: 'embeX:~/x', find: 'X', replace: 'dding' }]]],
    ['by a replaced comma', [['StringReplace', { string: 'embedding:a,/../../x', find: ',', replace: '' }]]],
    [
      'cut out of a longer one',
      [
        ['StringSubstring', { string: 'xxembeddingyy', start: 2, end: 11 }],
        ['StringConcatenate', { string_a: ['a', 0], string_b: '/etc/passwd', delimiter: ':' }],
      ],
    ],
    [
      'behind a switch',
      [
        ['PrimitiveString', { value: 'embed' }],
        ['PrimitiveString', { value: 'a fox' }],
        ['ComfySwitchNode', { switch: true, on_false: ['a', 0], on_true: ['b', 0] }],
        ['StringConcatenate', { string_a: ['c', 0], string_b: 'ding:../x', delimiter: '' }],
      ],
    ],
  ])('is refused for an embedding that is a path, %s', (_how, list) => {
    const decision = checkPolicy(registry, promptFrom(...list));
    expect(decision.allowed).toBe(false);
    expect(decision.allowed ? [] : decision.reasons).toContainEqual(
      expect.objectContaining({ code: 'unsafe_name', nodeId: '6', input: 'text' }),
    );
  });

  test.each<[string, NodeList]>([
    ['words and a style', [['StringConcatenate', { string_a: 'a fox', string_b: '(ink:1.2)', delimiter: ', ' }]]],
    ['an embedding by its name', [['StringConcatenate', { string_a: 'embedding:', string_b: 'easy', delimiter: '' }]]],
    ['a template', [['StringReplace', { string: 'a {x} in snow, 1/2', find: '{x}', replace: 'fox' }]]],
    ['a label', [['StringConcatenate', { string_a: 'style', string_b: '../x', delimiter: ': ' }]]],
  ])('passes with %s', (_what, list) => {
    expect(checkPolicy(registry, promptFrom(...list))).toEqual({ allowed: true });
  });

  test('is refused where a computed number decides what it says', () => {
    const decision = checkPolicy(
      registry,
      promptFrom(
        ['StringLength', { string: 'abc' }],
        ['StringSubstring', { string: 'xxembedding', start: 0, end: ['a', 0] }],
      ),
    );
    expect(decision.allowed ? [] : decision.reasons.map(({ code }) => code)).toEqual(['bad_link']);
  });
});
