import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { parseRegistry } from './parse-registry.ts';
import { readRecordedObjectInfo } from './recorded-registry.ts';
import type { NodeClass } from './registry.ts';
import { samplerInputs } from './testing/sampler-inputs.ts';

const old = parseRegistry(readRecordedObjectInfo('0.3.64'));
const newer = parseRegistry(readRecordedObjectInfo('0.8.0'));

function classOf(registry: typeof old, name: string): NodeClass {
  const found = registry.classes.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

test('every recorded class is read', () => {
  expect(old.classes.size).toBe(379);
  expect(newer.classes.size).toBe(442);
  expect(old.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(parseRegistry(readRecordedObjectInfo('0.3.64')).hash).toBe(old.hash);
  expect(newer.hash).not.toBe(old.hash);
});

test('a sampler: order, bounds beyond 2^53, bounds as Python prints them', () => {
  const sampler = classOf(newer, 'KSampler');
  expect(sampler.inputs.map(({ name }) => name)).toEqual(samplerInputs);
  expect(sampler.inputsByName.get('seed')).toMatchObject({
    type: 'INT',
    max: 18446744073709551615n,
    controlAfterGenerate: true,
  });
  expect(sampler.inputsByName.get('cfg')).toMatchObject({
    type: 'FLOAT',
    min: 0,
    minText: '0.0',
    max: 100,
    maxText: '100.0',
    step: 0.1,
  });
  expect(sampler).toMatchObject({
    pack: 'core',
    isV3: false,
    isOutputNode: false,
    outputs: [{ type: 'LATENT', name: 'LATENT', isList: false }],
  });
});

test('both forms of combos', () => {
  expect(classOf(old, 'KSampler').inputsByName.get('scheduler')).toMatchObject({ type: 'COMBO', comboForm: 'list' });
  expect(classOf(newer, 'KSamplerSelect').inputsByName.get('sampler_name')).toMatchObject({
    type: 'COMBO',
    comboForm: 'options',
  });
  expect(classOf(newer, 'KSamplerSelect').inputsByName.get('sampler_name')?.options).toContain('euler');
  expect(classOf(newer, 'LoadImage').inputsByName.get('image')).toMatchObject({
    upload: 'image',
    uploadFolder: 'input',
    options: ['example.png'],
  });
  expect(classOf(newer, 'LoadImageOutput').inputsByName.get('image')).toMatchObject({
    upload: 'image',
    uploadFolder: 'output',
    remote: true,
    options: [],
  });
});

test('V3 classes and their dynamic inputs', () => {
  const resize = classOf(newer, 'ResizeImageMaskNode');
  expect(resize.isV3).toBe(true);
  expect(resize.inputsByName.get('input')).toMatchObject({
    type: 'IMAGE,MASK',
    types: ['IMAGE', 'MASK'],
    matchGroup: 'input_type',
  });
  const dynamic = resize.inputsByName.get('resize_type')?.dynamic;
  expect(
    dynamic?.kind === 'combo'
      ? dynamic.choices.map(({ key, inputs }) => `${key}: ${inputs.map(({ name }) => name).join(' ')}`)
      : [],
  ).toEqual([
    'scale by multiplier: multiplier',
    'scale dimensions: width height crop',
    'scale longer dimension: longer_size',
    'scale shorter dimension: shorter_size',
    'scale width: width',
    'scale height: height',
    'scale total pixels: megapixels',
    'match size: match crop',
  ]);
  const batch = classOf(newer, 'BatchImagesNode').inputsByName.get('images')?.dynamic;
  expect(batch).toMatchObject({ kind: 'autogrow', min: 2, template: { name: 'image', type: 'IMAGE' } });
  expect(batch?.kind === 'autogrow' ? batch.names.slice(0, 2) : []).toEqual(['image0', 'image1']);
  expect(classOf(newer, 'ComfySwitchNode').outputs[0]).toMatchObject({
    type: 'COMFY_MATCHTYPE_V3',
    matchGroup: 'switch',
  });
});

test('hidden inputs are apart', () => {
  expect([...classOf(old, 'SaveImage').hidden]).toEqual([
    ['prompt', 'PROMPT'],
    ['extra_pnginfo', 'EXTRA_PNGINFO'],
  ]);
});

test('packs are told from modules', () => {
  const declare = (module: string): unknown => ({ input: {}, output: [], python_module: module });
  const registry = parseRegistry(
    JSON.stringify({
      A: declare('nodes'),
      B: declare('comfy_extras.nodes_flux'),
      C: declare('custom_nodes.ComfyUI-Some-Pack'),
      D: declare('comfy_api_nodes.nodes_bfl'),
      E: declare('custom_nodes.dots.in.name'),
      F: declare('custom_nodes.core'),
      G: declare('custom_nodes.api'),
    }),
  );
  expect([...registry.classes.values()].map(({ pack }) => pack)).toEqual([
    'core',
    'core',
    'ComfyUI-Some-Pack',
    'api',
    'dots.in.name',
    'custom_nodes.core',
    'custom_nodes.api',
  ]);
});

test('rows of a dynamic group and the cap on names', () => {
  const field = { required: { strength: ['FLOAT', { min: 0, max: 1 }] } };
  const registry = parseRegistry(
    JSON.stringify({
      G: {
        input: {
          required: {
            rows: ['COMFY_DYNAMICGROUP_V3', { template: field, min: 1, max: 99 }],
            grow: ['COMFY_AUTOGROW_V3', { template: { input: field, prefix: 'x', min: 0, max: 1e9 } }],
          },
        },
        output: [],
      },
    }),
  );
  const inputs = registry.classes.get('G')?.inputsByName;
  expect(inputs?.get('rows')?.dynamic).toMatchObject({
    kind: 'group',
    minRows: 1,
    maxRows: 20,
    fields: [{ name: 'strength' }],
  });
  const grow = inputs?.get('grow')?.dynamic;
  expect(grow?.kind === 'autogrow' ? grow.names.length : 0).toBe(100);
});

describe('bad input', () => {
  test.each(['', 'null', '[]', '"x"', '{', '<html>'])('%j is a clear error', (text) => {
    expect(() => parseRegistry(text)).toThrow(ComfyError);
  });

  test('odd classes are kept as far as they go', () => {
    const registry = parseRegistry(
      '{"__proto__":{"input":{"required":{"constructor":["INT"]}}},"a":null,"b":{"input":3,"output":"x"},"c":{"input":{"required":{"x":null,"y":[],"z":[["a"],null],"w":[{"a":1}],"v":["INT",{"max":Infinity}]}}}}',
    );
    expect([...registry.classes.keys()]).toEqual(['__proto__', 'b', 'c']);
    expect(registry.classes.get('__proto__')?.inputs.map(({ name }) => name)).toEqual(['constructor']);
    expect(registry.classes.get('c')?.inputs.map(({ type }) => type)).toEqual(['*', '*', 'COMBO', '*', 'INT']);
    expect(registry.classes.get('c')?.inputsByName.get('v')?.max).toBe(Number.POSITIVE_INFINITY);
  });

  test('any JSON in any place is read or refused, never worse', () => {
    const places = [
      'input',
      'output',
      'input_order',
      'output_name',
      'python_module',
      'category',
      'display_name',
    ] as const;
    expect(() =>
      fc.assert(
        fc.property(
          fc.constantFrom(...places),
          fc.jsonValue({ maxDepth: 5 }),
          fc.jsonValue({ maxDepth: 4 }),
          (place, value, declaration) => {
            const sane = {
              input: {
                required: {
                  x: declaration,
                  y: ['INT', declaration],
                  z: ['COMFY_AUTOGROW_V3', declaration],
                  w: ['COMFY_DYNAMICCOMBO_V3', declaration],
                },
              },
              output: ['INT'],
            };
            const registry = parseRegistry(JSON.stringify({ A: { ...sane, [place]: value }, B: sane }));
            expect(registry.classes.get('B')?.inputs).toHaveLength(4);
          },
        ),
        { seed: 23, numRuns: propertyRuns(200) },
      ),
    ).not.toThrow();
  });
});
