import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import { parseJson } from '../json/parse-json.ts';
import { parseRegistry } from '../registry/parse-registry.ts';
import { readRecordedObjectInfo, readRecordedValidations, recordedVersions } from '../registry/recorded-registry.ts';
import type { RecordedVersion } from '../registry/recorded-registry.ts';
import type { Registry } from '../registry/registry.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { checkPolicy } from './check-policy.ts';
import { defaultPolicy } from './default-policy.ts';
import type { Policy, PolicyDecision } from './policy.ts';
import { customClasses } from './testing/custom-classes.ts';
import { harmlessWorkflows } from './testing/harmless-workflows.ts';
import { hostileNames, hostileWorkflows } from './testing/hostile-workflows.ts';
import { imageToImage, plainOptions, textToImage, textToVideo } from './testing/sample-workflows.ts';

/** Numbers that repeat with the seed (a linear congruential generator). */
function picker(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function registryWithCustomClasses(version: RecordedVersion): Registry {
  const text = readRecordedObjectInfo(version).trimEnd();
  return parseRegistry(`${text.slice(0, -1)},${JSON.stringify(customClasses).slice(1)}`);
}

const registries = new Map(recordedVersions.map((version) => [version, registryWithCustomClasses(version)]));
const newest = registries.get('0.8.0')!;

function codesOf(decision: PolicyDecision): string[] {
  return decision.allowed ? [] : [...new Set(decision.reasons.map(({ code }) => code))];
}

describe.each([...registries])('on ComfyUI %s', (version, registry) => {
  test('no hostile workflow passes, and every refusal says why', () => {
    const hostile = hostileWorkflows();
    expect(hostile.length).toBeGreaterThanOrEqual(600);
    const passed = hostile.filter(({ workflow }) => checkPolicy(registry, workflow).allowed).map(({ name }) => name);
    expect(passed).toEqual([]);
    for (const { workflow } of hostile) {
      const decision = checkPolicy(registry, workflow);
      if (decision.allowed) continue;
      expect(decision.reasons.length).toBeLessThanOrEqual(50);
      for (const { message } of decision.reasons) {
        expect(message.length).toBeLessThan(700);
        expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
  });

  test('at most one in a hundred harmless workflows is refused', () => {
    const harmless = harmlessWorkflows(900, picker(version === '0.8.0' ? 8 : 3));
    const refused = harmless.flatMap(({ name, workflow }) => {
      const decision = checkPolicy(registry, workflow);
      return decision.allowed ? [] : [`${name}: ${decision.reasons.map(({ message }) => message).join(' ')}`];
    });
    expect(refused).toEqual([]);
  });
});

test('each public hole is closed for its own reason', () => {
  const load = (image: string): PolicyDecision =>
    checkPolicy(newest, { ...imageToImage(plainOptions), '10': { class_type: 'LoadImage', inputs: { image } } });
  expect(codesOf(load('../../../etc/passwd'))).toEqual(['unsafe_name']);
  expect(codesOf(load('others.png [output]'))).toEqual(['unsafe_name']);
  expect(codesOf(load('others.png [temp]'))).toEqual(['unsafe_name']);
  expect(codesOf(load('page.html'))).toEqual(['not_in_inventory']);
  const only = (classType: string, inputs: Record<string, Json>): string[] =>
    codesOf(checkPolicy(newest, { ...textToImage(plainOptions), '90': { class_type: classType, inputs } }));
  expect(only('LoadTrainingDataset', { folder_name: 'training_dataset' })).toEqual(['class_not_allowed']);
  expect(only('SaveSVGNode', { svg: ['8', 0], filename_prefix: 'svg/ComfyUI' })).toContain('class_not_allowed');
  expect(only('LoadImageFromUrl', { url: 'https://example.com/x.png' })).toEqual(['class_not_allowed', 'url']);
  expect(only('CloudDraw', { prompt: 'a cat' })).toEqual(['class_not_allowed']);
});

test('a reason names node and input and says what to do', () => {
  const workflow = textToImage(plainOptions);
  workflow['4']!.inputs['ckpt_name'] = 'tiny-b.safetensor';
  workflow['3']!.inputs['stepz'] = 3;
  const decision = checkPolicy(newest, workflow);
  expect(decision).toEqual({
    allowed: false,
    reasons: [
      {
        code: 'unknown_input',
        message: 'Node "3" (KSampler), input "stepz": the class has no such input. Did you mean steps?',
        nodeId: '3',
        input: 'stepz',
      },
      {
        code: 'not_in_inventory',
        message:
          'Node "4" (CheckpointLoaderSimple), input "ckpt_name": "tiny-b.safetensor" is not there. Did you mean "tiny-b.safetensors" or "tiny-a.safetensors"?',
        nodeId: '4',
        input: 'ckpt_name',
      },
    ],
  });
});

test('files of the inventory may be loaded, by their exact names only', () => {
  const workflow = imageToImage(plainOptions);
  workflow['10']!.inputs['image'] = 'requests/photo (1).png';
  expect(codesOf(checkPolicy(newest, workflow))).toEqual(['not_in_inventory']);
  expect(checkPolicy(newest, workflow, defaultPolicy, { files: ['requests/photo (1).png'] })).toEqual({
    allowed: true,
  });
  workflow['10']!.inputs['image'] = 'requests/photo (1).png [input]';
  expect(codesOf(checkPolicy(newest, workflow, defaultPolicy, { files: ['requests/photo (1).png'] }))).toEqual([
    'unsafe_name',
  ]);
  workflow['10']!.inputs['image'] = '../x.png';
  expect(codesOf(checkPolicy(newest, workflow, defaultPolicy, { files: ['../x.png'] }))).toEqual(['unsafe_name']);
});

test('a custom pack passes when it is allowed, and its addresses and paths stay closed', () => {
  const policy: Policy = { ...defaultPolicy, packs: [...defaultPolicy.packs, 'trusted-pack'] };
  const style = (inputs: Record<string, Json>): string[] => {
    const workflow = textToImage(plainOptions);
    workflow['90'] = {
      class_type: 'TrustedStyle',
      inputs: { image: ['8', 0], style: 'ink', prompt: 'a/b ... c', ...inputs },
    };
    workflow['9']!.inputs['images'] = ['90', 0];
    return codesOf(checkPolicy(newest, workflow, policy));
  };
  expect(style({})).toEqual([]);
  expect(style({ source_url: '' })).toEqual([]);
  expect(style({ source_url: 'https://example.com' })).toEqual(['url']);
  expect(style({ api_key: 'x' })).toEqual(['url']);
  expect(style({ image_path: 'photo.png' })).toEqual(['not_in_inventory']);
  expect(style({ filename: 'photo.png' })).toEqual(['not_in_inventory']);
  expect(style({ tint: '#ff00aa' })).toEqual([]);
  expect(style({ tint: { r: 1, g: [0, 0.5] } })).toEqual([]);
  // ComfyUI would unwrap it to a link after it has checked all links.
  expect(style({ tint: { __value__: ['8', 0] } })).toEqual(['wrong_type']);
  expect(hostileNames.filter((name) => /[/\\%\0[]/.test(name) && style({ style: name }).length === 0)).toEqual([]);
  expect(hostileNames.filter((name) => style({ image_path: name }).length === 0)).toEqual([]);
});

test('nobody is kept waiting for reasons past the last that is told', () => {
  const inputs = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`seed_${index}`, 1]));
  const nodes = Array.from({ length: 300 }, (_, id) => [String(id), { class_type: 'KSampler', inputs }]);
  const decision = checkPolicy(newest, Object.fromEntries(nodes) as Json);
  expect(decision.allowed ? [] : decision.reasons).toHaveLength(50);
});

test('a single class can be allowed and subfolders for results closed', () => {
  const workflow = textToImage({ ...plainOptions, prefix: 'people/ada' });
  expect(checkPolicy(newest, workflow)).toEqual({ allowed: true });
  expect(codesOf(checkPolicy(newest, workflow, { ...defaultPolicy, allowOutputSubfolders: false }))).toEqual([
    'unsafe_name',
  ]);
  for (const prefix of ['people/../../x', 'people//x', 'people/', 'a/b/c/d/e/f', 'a/.hidden']) {
    expect(codesOf(checkPolicy(newest, textToImage({ ...plainOptions, prefix })))).toEqual(['unsafe_name']);
  }
  const withNode = { ...textToImage(plainOptions), '90': { class_type: 'LoadImageFromUrl', inputs: { url: '' } } };
  expect(checkPolicy(newest, withNode, { ...defaultPolicy, allowedClasses: ['LoadImageFromUrl'] })).toEqual({
    allowed: true,
  });
});

test('a clip of five seconds passes and one that fills the memory does not', () => {
  expect(checkPolicy(newest, textToVideo(plainOptions))).toEqual({ allowed: true });
  const workflow = textToVideo(plainOptions);
  Object.assign(workflow['6']!.inputs, { width: 1920, height: 1088, length: 481 });
  expect(codesOf(checkPolicy(newest, workflow))).toEqual(['too_much_work']);
});

test('the prompts that were recorded as valid pass', () => {
  for (const [version, registry] of registries) {
    const valid = readRecordedValidations(version).flatMap((line) => {
      const record = parseJson(line);
      if (!isJsonObject(record) || typeof record['name'] !== 'string') return [];
      return record['name'].includes('/valid/') ? [record] : [];
    });
    expect(valid).toHaveLength(10);
    for (const { name, prompt = null } of valid) {
      expect({ name, decision: checkPolicy(registry, prompt) }).toEqual({ name, decision: { allowed: true } });
    }
  }
});

test('files that others uploaded can be closed', () => {
  const closed = { ...defaultPolicy, allowListedFiles: false };
  const workflow = imageToImage(plainOptions);
  expect(codesOf(checkPolicy(newest, workflow, closed))).toEqual(['not_in_inventory']);
  expect(checkPolicy(newest, workflow, closed, { files: ['example.png'] })).toEqual({ allowed: true });
});

test('a workflow may not load every model there is', () => {
  const models = Array.from({ length: 30 }, (_, index) => `model-${index}.safetensors`);
  const loader = { input: { required: { lora_name: [models] } }, output: [], python_module: 'nodes' };
  const registry = parseRegistry(JSON.stringify({ Loader: loader }));
  const nodes = (count: number): Record<string, { class_type: string; inputs: Record<string, Json> }> =>
    Object.fromEntries(
      models.slice(0, count).map((name, index) => [`n${index}`, { class_type: 'Loader', inputs: { lora_name: name } }]),
    );
  expect(checkPolicy(registry, nodes(24))).toEqual({ allowed: true });
  expect(codesOf(checkPolicy(registry, nodes(25)))).toEqual(['too_much_work']);
});

test('sizes of loaded pictures count where they are known', () => {
  const workflow = imageToImage(plainOptions);
  expect(
    checkPolicy(newest, workflow, defaultPolicy, { pixels: new Map([['example.png', 1024 * 1024]]) }).allowed,
  ).toBe(true);
  const huge = checkPolicy(newest, workflow, defaultPolicy, { pixels: new Map([['example.png', 6000 * 4000]]) });
  expect(codesOf(huge)).toEqual(['too_much_work']);
});

describe('whatever comes in, the gate answers', () => {
  const anything = fc.json({ maxDepth: 6 }).map((text) => parseJson(text));

  test('any JSON gets a decision', () => {
    expect(() =>
      fc.assert(
        fc.property(anything, (workflow) => {
          const decision = checkPolicy(newest, workflow);
          return !decision.allowed && decision.reasons.length > 0;
        }),
        { seed: 3, numRuns: propertyRuns(300) },
      ),
    ).not.toThrow();
  });

  test('one odd value in a good workflow gets a decision, and only values of the right type pass', () => {
    const places = Object.entries(textToImage(plainOptions)).flatMap(([id, node]) =>
      Object.keys(node.inputs).map((input) => [id, input] as const),
    );
    expect(() =>
      fc.assert(
        fc.property(fc.constantFrom(...places), anything, ([id, input], value) => {
          const workflow = textToImage(plainOptions);
          workflow[id]!.inputs[input] = value;
          const before = textToImage(plainOptions)[id]!.inputs[input];
          const decision = checkPolicy(newest, workflow);
          return (
            !decision.allowed ||
            typeof value === typeof before ||
            (typeof value === 'number' && typeof before === 'bigint')
          );
        }),
        { seed: 5, numRuns: propertyRuns(500) },
      ),
    ).not.toThrow();
  });

  test('a text in a file input never passes unless it is listed', () => {
    expect(() =>
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
          const workflow = imageToImage(plainOptions);
          workflow['10']!.inputs['image'] = name;
          return checkPolicy(newest, workflow).allowed === (name === 'example.png');
        }),
        { seed: 7, numRuns: propertyRuns(300) },
      ),
    ).not.toThrow();
  });

  test('thousands of nodes in a ring or in a row end at the cap', () => {
    const ring = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [
        String(index),
        { class_type: 'ImageInvert', inputs: { image: [String((index + 1) % 5_000), 0] } },
      ]),
    );
    const wide: Policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, maxNodes: 10_000 } };
    expect(codesOf(checkPolicy(newest, ring))).toEqual(['too_large']);
    expect(codesOf(checkPolicy(newest, ring, wide))).toEqual(['cycle']);
    const row = { ...ring, '4999': { class_type: 'LoadImage', inputs: { image: 'example.png' } } };
    expect(codesOf(checkPolicy(newest, row, wide))).toEqual(['too_large']);
  });
});
