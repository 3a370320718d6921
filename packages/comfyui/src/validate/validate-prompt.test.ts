import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { parseRegistry } from '../registry/parse-registry.ts';
import { readRecordedObjectInfo, readRecordedValidations } from '../registry/recorded-registry.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import type { PromptVerdict, ValidateOptions } from './prompt-verdict.ts';
import { validatePrompt } from './validate-prompt.ts';

const old = parseRegistry(readRecordedObjectInfo('0.3.64'));
const newer = parseRegistry(readRecordedObjectInfo('0.8.0'));

interface Node {
  class_type: string;
  inputs: Record<string, Json>;
  _meta?: Json;
}
type Nodes = Record<string, Node>;

const image = (name: Json = 'example.png'): Node => ({ class_type: 'LoadImage', inputs: { image: name } });
const preview = (source: string, slot = 0): Node => ({
  class_type: 'PreviewImage',
  inputs: { images: [source, slot] },
});
const invert = (source: string): Node => ({ class_type: 'ImageInvert', inputs: { image: [source, 0] } });

/** `id: type of error, input` for every error of the nodes. */
function errorsOf({ node_errors }: PromptVerdict): string[] {
  return Object.entries(node_errors).flatMap(([id, { errors }]) =>
    errors.map(
      ({ type, extra_info }) =>
        `${id}: ${type}${typeof extra_info['input_name'] === 'string' ? ` ${extra_info['input_name']}` : ''}`,
    ),
  );
}

function validate(nodes: Nodes, options: ValidateOptions = {}): PromptVerdict {
  return validatePrompt(options.version === '0.3.64' ? old : newer, JSON.stringify(nodes), options);
}

test('a good prompt runs all of its outputs', () => {
  const verdict = validate({ '1': image(), '2': preview('1'), '3': preview('1') });
  expect(verdict).toEqual({ status: 200, node_errors: {}, outputs: ['2', '3'], hints: [] });
});

test('outputs are named in the order of the prompt, whatever order the server visits them in', () => {
  const names = ['z', 'save b', 'a', 'preview', '图'];
  const nodes = Object.fromEntries([['img', image()], ...names.map((name) => [name, preview('img')] as const)]);
  for (const hashSeed of [0, 1, 2, 3]) expect(validate(nodes, { hashSeed }).outputs).toEqual(names);
});

test('one good output is enough: the others are dropped with their errors', () => {
  const verdict = validate({ '1': image(), '2': preview('1'), '3': { class_type: 'PreviewImage', inputs: {} } });
  expect(verdict.status).toBe(200);
  expect(verdict.error).toBeUndefined();
  expect(verdict.outputs).toEqual(['2']);
  expect(errorsOf(verdict)).toEqual(['3: required_input_missing images']);
});

test('targets leave the other outputs out', () => {
  const nodes = { '1': image(), '2': preview('1'), '3': { class_type: 'PreviewImage', inputs: {} } };
  expect(validate(nodes, { targets: ['2'] })).toMatchObject({ status: 200, outputs: ['2'], node_errors: {} });
  expect(validate(nodes, { targets: ['3'] }).status).toBe(400);
  expect(validate(nodes, { targets: ['1'] }).error?.type).toBe('prompt_no_outputs');
});

describe('files', () => {
  test('without a list, those of the registry exist', () => {
    expect(errorsOf(validate({ '1': image('other.png'), '2': preview('1') }))).toEqual([
      '1: custom_validation_failed image',
    ]);
    expect(validate({ '1': image('example.png [input]'), '2': preview('1') }).status).toBe(200);
  });

  test('with a list, those on it', () => {
    const nodes = { '1': image('people/ada.png'), '2': preview('1') };
    expect(validate(nodes, { files: ['people/ada.png'] }).status).toBe(200);
    const verdict = validate(nodes, { files: ['people/bob.png', 'people/ada.jpg'] });
    expect(verdict.node_errors['1']?.errors[0]?.details).toBe('image - Invalid image file: people/ada.png');
    expect(verdict.hints).toEqual([
      {
        nodeId: '1',
        classType: 'LoadImage',
        errorType: 'custom_validation_failed',
        inputName: 'image',
        hint: 'Did you mean "people/ada.jpg" or "people/bob.png"?',
        nearest: ['people/ada.jpg', 'people/bob.png'],
      },
    ]);
  });
});

describe('versions', () => {
  const wrongSampler: Nodes = {
    '1': { class_type: 'KSamplerSelect', inputs: { sampler_name: 'nosuch' } },
    '2': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
  };

  test('values of the newer combo form are checked from 0.4 on', () => {
    const upscaler: Nodes = {
      '1': { class_type: 'UpscaleModelLoader', inputs: { model_name: 'nosuch.pth' } },
      '2': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
    };
    expect(validate(upscaler, { version: '0.3.64' }).status).toBe(200);
    expect(errorsOf(validate(upscaler, { version: '0.8.0' }))).toEqual(['1: value_not_in_list model_name']);
    expect(errorsOf(validate(wrongSampler, { version: '0.8.0' }))).toEqual(['1: value_not_in_list sampler_name']);
  });

  test('unknown classes have another error from 0.12 on, with the title of the node', () => {
    const nodes: Nodes = { '7': { class_type: 'KSamplr', inputs: {}, _meta: { title: 'My sampler' } } };
    expect(validate(nodes, { version: '0.8.0' }).error).toEqual({
      type: 'invalid_prompt',
      message: 'Cannot execute because node KSamplr does not exist.',
      details: "Node ID '#7'",
      extra_info: {},
    });
    const verdict = validate(nodes, { version: '0.38.0' });
    expect(verdict.error).toEqual({
      type: 'missing_node_type',
      message: "Node 'My sampler' not found. The custom node may not be installed.",
      details: "Node ID '#7'",
      extra_info: { node_id: '7', class_type: 'KSamplr', node_title: 'My sampler' },
    });
    expect(verdict.hints[0]?.nearest).toContain('KSampler');
  });

  test('a cycle is named by the newest, and makes older ones refuse without a word', () => {
    const ring: Nodes = { a: invert('b'), b: invert('a'), out: preview('a') };
    const older = validate(ring, { version: '0.8.0' });
    expect(older).toMatchObject({ status: 400, node_errors: {}, error: { type: 'prompt_outputs_failed_validation' } });
    expect(older.hints.map(({ hint }) => hint)).toEqual([
      "These nodes need each other's results: a (ImageInvert) -> b (ImageInvert) -> a (ImageInvert). Remove one of the links.",
    ]);
    const newest = validate(ring, { version: '0.38.0' });
    expect(errorsOf(newest)).toEqual(['a: dependency_cycle', 'b: dependency_cycle']);
    expect(newest.node_errors['a']?.errors[0]).toMatchObject({
      details: 'a (ImageInvert) -> b (ImageInvert) -> a (ImageInvert)',
      extra_info: { node_id: 'a', cycle_nodes: ['a', 'b'] },
    });
    expect(newest.node_errors['b']?.dependent_outputs).toEqual(['out']);
    expect(validate({ a: invert('a'), out: preview('a') }, { version: '0.38.0' }).status).toBe(400);
  });

  test('messages quote values by repr in the newest', () => {
    const details = (version: string): string | undefined =>
      validate(wrongSampler, { version }).node_errors['1']?.errors[0]?.details;
    const other: Nodes = { ...wrongSampler, '1': { class_type: 'KSamplerSelect', inputs: { sampler_name: 3 } } };
    expect(details('0.8.0')).toMatch(/^sampler_name: 'nosuch' not in \(list of length 44\)$/);
    expect(details('0.38.0')).toMatch(/^sampler_name: 'nosuch' not in /);
    expect(validate(other, { version: '0.8.0' }).node_errors['1']?.errors[0]?.details).toMatch(
      /^sampler_name: '3' not/,
    );
    expect(validate(other, { version: '0.38.0' }).node_errors['1']?.errors[0]?.details).toMatch(/^sampler_name: 3 not/);
  });

  test('what is no version is refused', () => {
    expect(() => validate({}, { version: 'newest' })).toThrow(ComfyError);
    expect(validate({}, { version: 'v0.3.64' }).status).toBe(400);
  });
});

describe('dynamic inputs', () => {
  const resize = (inputs: Record<string, Json>): PromptVerdict =>
    validate({
      '1': image(),
      '2': { class_type: 'ResizeImageMaskNode', inputs: { input: ['1', 0], scale_method: 'area', ...inputs } },
      '3': preview('2'),
    });

  test('a choice adds its inputs', () => {
    expect(resize({ resize_type: 'scale by multiplier', 'resize_type.multiplier': 2 }).status).toBe(200);
    expect(errorsOf(resize({ resize_type: 'scale by multiplier' }))).toEqual([
      '2: required_input_missing resize_type.multiplier',
    ]);
    expect(errorsOf(resize({ resize_type: 'scale by multiplier', 'resize_type.multiplier': 9 }))).toEqual([
      '2: value_bigger_than_max resize_type.multiplier',
    ]);
    const missing = resize({ resize_type: 'scale dimensions', 'resize_type.width': 64, 'resize_type.crop': 'center' });
    expect(missing.node_errors['2']?.errors[0]).toMatchObject({
      details: 'height',
      extra_info: { input_name: 'resize_type.height' },
    });
    expect(missing.hints[0]?.hint).toBe('Write a whole number, such as 512.');
  });

  test('a growing input needs its first slots and takes more', () => {
    const batch = (inputs: Record<string, Json>): PromptVerdict =>
      validate({ '1': image(), '2': { class_type: 'BatchImagesNode', inputs }, '3': preview('2') });
    expect(batch({ 'images.image0': ['1', 0], 'images.image1': ['1', 0], 'images.image7': ['1', 0] }).status).toBe(200);
    expect(errorsOf(batch({ 'images.image0': ['1', 0] }))).toEqual(['2: required_input_missing images.image1']);
    expect(errorsOf(batch({ 'images.image0': ['1', 0], 'images.image1': ['1', 1] }))).toEqual([
      '2: return_type_mismatch images.image1',
    ]);
  });

  test('rows of a group are counted and named', () => {
    const registry = parseRegistry(
      JSON.stringify({
        Rows: {
          input: {
            required: {
              row: [
                'COMFY_DYNAMICGROUP_V3',
                { template: { required: { strength: ['FLOAT', { max: 1.0 }] } }, min: 1, max: 2 },
              ],
            },
          },
          output: [],
          output_node: true,
          api_node: false,
          deprecated: false,
          experimental: false,
        },
      }),
    );
    const rows = (inputs: Record<string, Json>): string[] =>
      errorsOf(validatePrompt(registry, { '1': { class_type: 'Rows', inputs } }));
    expect(rows({ 'row.0.strength': 0.5 })).toEqual([]);
    expect(rows({})).toEqual(['1: invalid_dynamic_input row']);
    expect(rows({ 'row.2.strength': 0.5 })).toEqual(['1: invalid_dynamic_input row.2.strength']);
    expect(rows({ 'row.01.strength': 0.5 })).toEqual(['1: invalid_dynamic_input row.01.strength']);
    expect(rows({ 'row.0.strength': 2 })).toEqual(['1: value_bigger_than_max row.0.strength']);
  });
});

describe('hints', () => {
  test('a wrong link is answered by outputs that fit, none of them downstream', () => {
    const nodes: Nodes = {
      '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny-a.safetensors' } },
      '5': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
      '8': { class_type: 'VAEDecode', inputs: { samples: ['4', 0], vae: ['4', 2] } },
      '9': preview('8'),
    };
    expect(validate(nodes).hints).toEqual([
      {
        nodeId: '8',
        classType: 'VAEDecode',
        errorType: 'return_type_mismatch',
        inputName: 'samples',
        hint: 'It needs LATENT. Link it to ["5", 0] (LATENT).',
        fittingOutputs: [['5', 0]],
      },
    ]);
  });

  test('a misspelt model is answered by the nearest', () => {
    const verdict = validate({
      '1': { class_type: 'LoraLoaderModelOnly', inputs: { model: ['2', 0], lora_name: 'gouache', strength_model: 1 } },
      '2': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny_a' } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
    });
    expect(verdict.hints.map(({ nodeId, nearest }) => [nodeId, nearest?.[0]])).toEqual(
      expect.arrayContaining([
        ['1', 'styles/gouache.safetensors'],
        ['2', 'tiny-a.safetensors'],
      ]),
    );
  });

  test('an exception is explained by the link behind it', () => {
    const verdict = validate({ '1': image(), '2': invert('99'), '3': preview('2') });
    expect(verdict.hints).toEqual([
      {
        nodeId: '2',
        classType: 'ImageInvert',
        errorType: 'exception_during_inner_validation',
        inputName: 'image',
        hint: 'Input "image" is linked to node "99", which is not there. It needs IMAGE. Link it to ["1", 0] (IMAGE).',
        fittingOutputs: [['1', 0]],
      },
    ]);
  });

  test('every recorded error has a hint', () => {
    for (const line of readRecordedValidations('0.8.0')) {
      const verdict = validatePrompt(newer, line.slice(line.indexOf('"prompt":') + 9, line.lastIndexOf(',"status":')), {
        version: '0.8.0',
      });
      const count = Object.values(verdict.node_errors).reduce((sum, { errors }) => sum + errors.length, 0);
      expect(verdict.hints.length).toBeGreaterThanOrEqual(count);
      expect(verdict.status === 400 && verdict.hints.length === 0).toBe(false);
      for (const { hint } of verdict.hints) expect(hint).toMatch(/\S{3,}.*[.?]$/s);
    }
  });
});

describe('odd and hostile prompts', () => {
  test.each<[string, number]>([
    ['', 500],
    ['{', 500],
    ['null', 500],
    ['true', 500],
    ['3', 500],
    ['"x"', 500],
    ['""', 400],
    ['[]', 400],
    ['{}', 400],
    ['{"1":null}', 500],
    ['{"1":3}', 500],
    ['{"1":[]}', 400],
    ['{"1":"x"}', 400],
    ['{"1":"class_type"}', 500],
    ['{"1":{"class_type":[]}}', 500],
    ['{"1":{"class_type":{}}}', 500],
    ['{"1":{"class_type":null}}', 400],
  ])('%s answers %i', (text, status) => {
    expect(validatePrompt(newer, text, { version: '0.8.0' }).status).toBe(status);
  });

  test('ids of any kind are ids', () => {
    const nodes = parseJson(
      '{"__proto__":{"class_type":"LoadImage","inputs":{"image":"example.png"}},"constructor":{"class_type":"PreviewImage","inputs":{"images":["__proto__",0]}}}',
    );
    expect(validatePrompt(newer, nodes)).toMatchObject({ status: 200, outputs: ['constructor'] });
    const broken = validatePrompt(
      newer,
      '{"__proto__":{"class_type":"PreviewImage","inputs":{"images":["toString",0]}}}',
    );
    expect(Object.keys(broken.node_errors)).toEqual(['__proto__']);
  });

  test('of nodes with one id the last counts', () => {
    const text =
      '{"1":{"class_type":"Nope","inputs":{}},"2":{"class_type":"PreviewImage","inputs":{"images":["1",0]}},"1":{"class_type":"LoadImage","inputs":{"image":"example.png"}}}';
    expect(validatePrompt(newer, text).status).toBe(200);
  });

  test('a chain deeper than Python goes is an error like there', () => {
    const nodes: Nodes = { out: preview('0'), '3000': image() };
    for (let index = 0; index < 3_000; index += 1) nodes[String(index)] = invert(String(index + 1));
    const verdict = validate(nodes);
    expect(verdict.status).toBe(400);
    expect(Object.values(verdict.node_errors)[0]?.errors[0]).toMatchObject({
      type: 'exception_during_inner_validation',
      extra_info: { exception_type: 'RecursionError' },
    });
  });

  test('depth takes none of the engine’s stack: also deep in other calls the verdict is the same', () => {
    const chain = (length: number): Nodes => ({
      '1': image(),
      ...Object.fromEntries(
        Array.from({ length }, (_, index) => [String(index + 2), invert(String(index + 1))] as const),
      ),
      out: preview(String(length + 1)),
    });
    const inside = (calls: number, run: () => PromptVerdict): PromptVerdict =>
      calls === 0 ? run() : inside(calls - 1, run);
    expect(inside(5_000, () => validate(chain(900))).status).toBe(200);
    expect(errorsOf(inside(5_000, () => validate(chain(1_600))))).toEqual(errorsOf(validate(chain(1_600))));
  });

  test('thousands of nodes end at a cap', () => {
    const many = (count: number): Nodes =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`n${index}`, { class_type: 'PreviewImage', inputs: {} }]),
      );
    expect(() => validate(many(10_001))).toThrow(/at most 10000/);
    expect(() => validate(many(5_000))).toThrow(/too many errors/);
    expect(validate(many(500)).hints).toHaveLength(500);
  });

  test('nesting past the cap is a typed error, also of parsed values', () => {
    expect(() => validatePrompt(newer, `{"1":${'['.repeat(1_000)}`)).toThrow(ComfyError);
    const ring: Record<string, Json> = {};
    ring['1'] = ring;
    expect(() => validatePrompt(newer, ring)).toThrow(ComfyError);
  });

  test('any value in any input gets an answer of a known shape', () => {
    const nodes: Nodes = {
      '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny-a.safetensors' } },
      '2': { class_type: 'CLIPTextEncode', inputs: { text: 'x', clip: ['1', 1] } },
      '3': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
      '4': {
        class_type: 'KSampler',
        inputs: {
          model: ['1', 0],
          seed: 1,
          steps: 2,
          cfg: 3,
          sampler_name: 'euler',
          scheduler: 'normal',
          positive: ['2', 0],
          negative: ['2', 0],
          latent_image: ['3', 0],
          denoise: 1,
        },
      },
      '5': { class_type: 'VAEDecode', inputs: { samples: ['4', 0], vae: ['1', 2] } },
      '6': preview('5'),
      '7': image(),
    };
    const places = Object.entries(nodes).flatMap(([id, node]) =>
      Object.keys(node.inputs).map((name) => [id, name] as const),
    );
    const odd = fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom(
        '["1",0]',
        '["1",true]',
        '["1",-1]',
        '["4",0]',
        '["6",0]',
        '[null,0]',
        '[["1"],0]',
        '{"__value__":[1]}',
        '1e400',
        'NaN',
        '"12"',
        '1.0',
        '99999999999999999999999',
      ),
    );
    expect(() =>
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.constantFrom(...places), odd), { minLength: 1, maxLength: 4 }),
          fc.constantFrom('0.3.64', '0.8.0', '0.38.0'),
          (changes, version) => {
            const copy = structuredClone(nodes);
            for (const [[id, name]] of changes) copy[id]!.inputs[name] = `@${id}.${name}`;
            let text = JSON.stringify(copy);
            for (const [[id, name], value] of changes) text = text.replace(`"@${id}.${name}"`, () => value);
            const verdict = validatePrompt(version === '0.3.64' ? old : newer, text, { version });
            expect([200, 400]).toContain(verdict.status);
            expect(verdict.status === 200).toBe(verdict.outputs.length > 0);
            expect(verdict.error === undefined).toBe(verdict.status === 200);
            for (const { errors, dependent_outputs } of Object.values(verdict.node_errors)) {
              expect(errors.length).toBeGreaterThan(0);
              expect(dependent_outputs).toEqual(['6']);
            }
          },
        ),
        { seed: 29, numRuns: propertyRuns(500) },
      ),
    ).not.toThrow();
  });

  test('the hash seed changes what is reported beside, never the status', () => {
    const nodes: Nodes = {
      '1': { class_type: 'VAEDecode', inputs: { samples: ['8', 0], vae: ['2', 0] } },
      '2': { class_type: 'VAELoader', inputs: { vae_name: 'nosuch' } },
      '3': preview('1'),
    };
    const verdicts = Array.from({ length: 20 }, (_, hashSeed) => validate(nodes, { hashSeed }));
    expect(new Set(verdicts.map(({ status }) => status))).toEqual(new Set([400]));
    expect(new Set(verdicts.map((verdict) => errorsOf(verdict).join()))).toEqual(
      new Set([
        '1: exception_during_inner_validation images,2: value_not_in_list vae_name',
        '1: exception_during_inner_validation images',
      ]),
    );
  });
});
