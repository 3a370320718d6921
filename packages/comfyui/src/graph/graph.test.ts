import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { cachedNodes, cacheKeys } from './cache-keys.ts';
import { createGraph, mergeWorkflows } from './create-graph.ts';
import { diffWorkflows } from './diff-workflows.ts';
import { estimateWork } from './estimate-work.ts';
import { linksInto, workflowLinks } from './links.ts';
import { parseWorkflow } from './parse-workflow.ts';
import { residencyKey } from './residency.ts';
import { ancestorsOf, findCycle, subWorkflow, topologicalOrder } from './topology.ts';
import type { Workflow } from './workflow.ts';

const textToImage: Workflow = {
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny-a.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 768, batch_size: 2 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'fox', clip: ['4', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
  '3': {
    class_type: 'KSampler',
    inputs: {
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
      seed: 1,
      steps: 20,
      cfg: 7,
    },
  },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
};

function withInput(workflow: Workflow, id: string, input: string, value: Json): Workflow {
  return createGraph(workflow).set(id, input, value).workflow;
}

/** Workflows whose links point to earlier nodes alone. */
const acyclic: fc.Arbitrary<Workflow> = fc
  .array(fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.array(fc.nat(20), { maxLength: 3 }), fc.nat(3)), {
    minLength: 1,
    maxLength: 12,
  })
  .map((nodes) =>
    Object.fromEntries(
      nodes.map(([classType, sources, literal], index) => [
        `n${index}`,
        {
          class_type: classType,
          inputs: Object.fromEntries([
            ['value', literal as Json] as const,
            ...sources.flatMap((source, slot): [string, Json][] =>
              index === 0 ? [] : [[`in${slot}`, [`n${source % index}`, source % 2]]],
            ),
          ]),
        },
      ]),
    ),
  );

function renumbered(workflow: Workflow): Workflow {
  return mergeWorkflows(workflow, workflow).workflow;
}

describe('parseWorkflow', () => {
  it('keeps class, inputs and title, and nothing else', () => {
    expect(
      parseWorkflow({ a: { class_type: 'X', inputs: { b: 1 }, _meta: { title: 'T', more: 1 }, is_changed: [1] } }),
    ).toEqual({
      a: { class_type: 'X', inputs: { b: 1 }, _meta: { title: 'T' } },
    });
  });

  it.each([
    [[], /object of nodes/],
    [{ a: 1 }, /Node "a" is not an object/],
    [{ nodes: { inputs: {} } }, /no class_type/],
    [{ a: { class_type: 'X', inputs: [] } }, /inputs/],
  ] as [Json, RegExp][])('refuses %j', (value, message) => {
    expect(() => parseWorkflow(value)).toThrow(message);
  });
});

describe('createGraph', () => {
  it('builds with typed handles, and leaves earlier builders as they were', () => {
    const empty = createGraph();
    const loader = empty.add('CheckpointLoaderSimple', { ckpt_name: 'a' });
    const clip = loader.node.output(1, 'CLIP');
    const text = loader.graph.add('CLIPTextEncode', { text: 'fox', clip }, { id: 'positive', title: 'Wish' });
    expect(text.graph.workflow).toEqual({
      '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a' } },
      positive: { class_type: 'CLIPTextEncode', inputs: { text: 'fox', clip: ['1', 1] }, _meta: { title: 'Wish' } },
    });
    expect(empty.workflow).toEqual({});
    expect(Object.keys(loader.graph.workflow)).toEqual(['1']);
    expect(text.graph.set('positive', 'text', 'wolf').remove('1').workflow).toEqual({
      positive: { class_type: 'CLIPTextEncode', inputs: { text: 'wolf', clip: ['1', 1] }, _meta: { title: 'Wish' } },
    });
    expect(() => text.graph.add('X', {}, { id: 'positive' })).toThrow(/already a node/);
    expect(() => text.graph.set('2', 'a', 1)).toThrow(ComfyError);
  });

  it('takes any id as data', () => {
    const { graph } = createGraph().add('X', {}, { id: '__proto__' });
    expect(Object.keys(graph.workflow)).toEqual(['__proto__']);
    expect(graph.set('__proto__', 'constructor', 1).workflow['__proto__']?.inputs).toEqual({ constructor: 1 });
  });
});

describe('order', () => {
  it('puts sources first', () => {
    fc.assert(
      fc.property(acyclic, (workflow) => {
        const order = topologicalOrder(workflow);
        expect([...order].sort()).toEqual(Object.keys(workflow).sort());
        const place = new Map(order.map((id, index) => [id, index]));
        for (const link of workflowLinks(workflow)) {
          expect(place.get(link.from) ?? -1).toBeLessThan(place.get(link.to) ?? -1);
        }
        expect(findCycle(workflow)).toBeUndefined();
      }),
      { seed: 3, numRuns: propertyRuns(200) },
    );
  });

  it('finds a cycle wherever it is closed, and names its nodes in the direction of flow', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), fc.nat(), (workflow, a, b) => {
        const ids = Object.keys(workflow);
        const target = ids[a % ids.length] ?? '';
        const source = ids[b % ids.length] ?? '';
        const looped = withInput(workflow, target, 'loop', [source, 0]);
        const closes = ancestorsOf(workflow, [source]).has(target);
        const cycle = findCycle(looped);
        expect(cycle !== undefined).toBe(closes);
        for (const [index, id] of (cycle ?? []).slice(1).entries()) {
          expect(linksInto(looped, id).map((link) => link.from)).toContain(cycle?.[index]);
        }
        expect(cycle?.[0]).toBe(cycle?.at(-1));
      }),
      { seed: 4, numRuns: propertyRuns(200) },
    );
    expect(() =>
      topologicalOrder({
        a: { class_type: 'X', inputs: { x: ['b', 0] } },
        b: { class_type: 'X', inputs: { x: ['a', 0] } },
      }),
    ).toThrow(/cycle: (a → b → a|b → a → b)/);
  });

  it('stands a chain of ten thousand nodes', () => {
    const chain: Workflow = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [
        `n${index}`,
        { class_type: 'X', inputs: index === 9_999 ? {} : { x: [`n${index + 1}`, 0] } },
      ]),
    );
    expect(topologicalOrder(chain)[0]).toBe('n9999');
  });

  it('cuts out what an output needs', () => {
    expect(Object.keys(subWorkflow(textToImage, ['6'])).sort()).toEqual(['4', '6']);
    expect(() => subWorkflow(textToImage, ['99'])).toThrow(/no node "99"/);
  });
});

describe('mergeWorkflows', () => {
  it('moves taken ids and their links', () => {
    const { workflow, ids } = mergeWorkflows(textToImage, subWorkflow(textToImage, ['6']));
    expect(Object.fromEntries(ids)).toEqual({ '4': '10', '6': '11' });
    expect(workflow['11']?.inputs).toEqual({ text: 'fox', clip: ['10', 1] });
    expect(Object.keys(workflow)).toHaveLength(9);
  });
});

describe('cache keys', () => {
  it('do not depend on ids or on the order of inputs', () => {
    const keys = cacheKeys(renumbered(textToImage));
    const { ids } = mergeWorkflows(textToImage, textToImage);
    for (const id of Object.keys(textToImage)) expect(keys.get(id)).toBe(keys.get(ids.get(id) ?? ''));
    expect(new Set(keys.values()).size).toBe(7);
  });

  it('change in a node and all that follows it', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (workflow, pick) => {
        const ids = Object.keys(workflow);
        const changed = ids[pick % ids.length] ?? '';
        const cached = cachedNodes(workflow, withInput(workflow, changed, 'value', 'new'));
        for (const id of ids) expect(cached.has(id)).toBe(!ancestorsOf(workflow, [id]).has(changed));
      }),
      { seed: 5, numRuns: propertyRuns(200) },
    );
  });

  it('tell what a second run reuses', () => {
    expect([...cachedNodes(textToImage, withInput(textToImage, '3', 'seed', 2))].sort()).toEqual(['4', '5', '6', '7']);
    expect([...cachedNodes(textToImage, textToImage)]).toHaveLength(7);
    expect([...cachedNodes(textToImage, textToImage, { executed: new Set(['4', '6']) })].sort()).toEqual(['4', '6']);
  });

  it('follow files, node ids where a class asks for them, and Python’s idea of equality', () => {
    const load: Workflow = { a: { class_type: 'LoadImage', inputs: { image: 'x.png', flag: true } } };
    const same: Workflow = { b: { class_type: 'LoadImage', inputs: { flag: 1, image: 'x.png' } } };
    expect(cacheKeys(load).get('a')).toBe(cacheKeys(same).get('b'));
    expect(cacheKeys(load, { changeToken: () => 'one' }).get('a')).not.toBe(
      cacheKeys(load, { changeToken: () => 'two' }).get('a'),
    );
    const includesNodeId = (classType: string): boolean => classType === 'LoadImage';
    expect(cacheKeys(load, { includesNodeId }).get('a')).not.toBe(cacheKeys(same, { includesNodeId }).get('b'));
  });

  it('tell one shared source from two equal ones, as ComfyUI does', () => {
    const source = { class_type: 'X', inputs: {} };
    const shared: Workflow = { s: source, join: { class_type: 'J', inputs: { a: ['s', 0], b: ['s', 0] } } };
    const twice: Workflow = { s: source, t: source, join: { class_type: 'J', inputs: { a: ['s', 0], b: ['t', 0] } } };
    expect(cacheKeys(shared).get('join')).not.toBe(cacheKeys(twice).get('join'));
    expect(cacheKeys(twice).get('s')).toBe(cacheKeys(twice).get('t'));
  });
});

it('a chain too long to be compared is refused in time', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [
      `n${index}`,
      { class_type: 'X', inputs: { a: [`n${index - 1}`, 0] satisfies Json } },
    ]),
  );
  expect(() => cacheKeys(chain)).toThrow(/too many nodes/);
});

it('an input that contains itself has no cache key', () => {
  const loop: Json[] = [];
  loop.push(loop);
  expect(() => cacheKeys({ '1': { class_type: 'X', inputs: { a: loop } } })).toThrow(ComfyError);
});

describe('estimateWork', () => {
  it('multiplies pixels, steps and batch', () => {
    expect(estimateWork(textToImage)).toEqual({
      pixelSteps: 512 * 768 * 2 * 20,
      steps: 20,
      pixels: 512 * 768,
      images: 2,
      frames: 1,
    });
  });

  it('follows sizes through scaling, encoding, primitives and schedulers', () => {
    const workflow: Workflow = {
      load: { class_type: 'LoadImage', inputs: { image: 'x.png' } },
      encode: { class_type: 'VAEEncode', inputs: { pixels: ['load', 0] } },
      up: { class_type: 'LatentUpscaleBy', inputs: { samples: ['encode', 0], scale_by: 2 } },
      repeat: { class_type: 'RepeatLatentBatch', inputs: { samples: ['up', 0], amount: ['n', 0] } },
      n: { class_type: 'PrimitiveInt', inputs: { value: 3 } },
      sigmas: { class_type: 'BasicScheduler', inputs: { steps: 10 } },
      draw: { class_type: 'SamplerCustomAdvanced', inputs: { latent_image: ['repeat', 0], sigmas: ['sigmas', 0] } },
    };
    const imageSize = () => ({ width: 100, height: 50 });
    expect(estimateWork(workflow, { imageSize })).toMatchObject({ pixelSteps: 200 * 100 * 3 * 10, images: 3 });
    expect(estimateWork(workflow)).toMatchObject({ pixels: 2048 * 2048 });
  });

  it('counts video by latent frames, and ends on cycles', () => {
    const video: Workflow = {
      latent: { class_type: 'EmptyHunyuanLatentVideo', inputs: { width: 832, height: 480, length: 81, batch_size: 1 } },
      draw: { class_type: 'KSampler', inputs: { latent_image: ['latent', 0], steps: 2 } },
    };
    expect(estimateWork(video)).toMatchObject({ pixelSteps: 832 * 480 * 21 * 2, frames: 81 });
    const loop: Workflow = { draw: { class_type: 'KSampler', inputs: { latent_image: ['draw', 0], steps: 2 } } };
    expect(estimateWork(loop)).toMatchObject({ steps: 2, pixels: 1024 * 1024 });
  });
});

describe('residencyKey', () => {
  it('names checkpoints and LoRAs in a fixed order', () => {
    expect(residencyKey(textToImage)).toBe('tiny-a.safetensors');
    const styled = createGraph(textToImage)
      .add('LoraLoader', { lora_name: 'z.safetensors', strength_model: 1 })
      .graph.add('LoraLoaderModelOnly', { lora_name: 'ink.safetensors' });
    expect(residencyKey(styled.graph.workflow)).toBe('tiny-a.safetensors + ink.safetensors + z.safetensors');
    expect(residencyKey({})).toBe('');
  });
});

describe('diffWorkflows', () => {
  it('takes numbers that JSON has no word for as values', () => {
    const before = { '1': { class_type: 'A', inputs: { x: Number.NaN, y: [Number.POSITIVE_INFINITY] } } };
    const after = { '1': { class_type: 'A', inputs: { x: Number.NaN, y: [1] } } };
    expect(diffWorkflows(before, after).words).toEqual(['1 (A): y [Infinity] → [1]']);
  });

  it('sees nothing where only ids moved', () => {
    fc.assert(
      fc.property(acyclic, (workflow) => {
        expect(diffWorkflows(workflow, workflow).changes).toEqual([]);
      }),
      { seed: 6, numRuns: propertyRuns(50) },
    );
    const { workflow, ids } = mergeWorkflows(textToImage, textToImage);
    const moved = subWorkflow(workflow, [ids.get('9') ?? '']);
    expect(diffWorkflows(textToImage, moved).words).toEqual([]);
  });

  it('says changes in words', () => {
    const changed = createGraph(textToImage)
      .set('3', 'steps', 30)
      .set('6', 'text', 'wolf')
      .set('8', 'vae', ['10', 0])
      .set('3', 'denoise', 0.5)
      .add('VAELoader', { vae_name: 'ae' }, { id: '10' })
      .graph.remove('7').workflow;
    expect(diffWorkflows(textToImage, changed).words).toEqual([
      '3 (KSampler): steps 20 → 30',
      '3 (KSampler): denoise nothing → 0.5',
      '6 (CLIPTextEncode): text "fox" → "wolf"',
      'removed 7 (CLIPTextEncode)',
      '8 (VAEDecode): vae now comes from 10 instead of 4[2]',
      'added 10 (VAELoader)',
    ]);
  });
});
