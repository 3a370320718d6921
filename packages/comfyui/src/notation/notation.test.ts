import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { recordedRegistry, recordedWorkflows } from '../graph/testing/recorded-registry.ts';
import { recordedVersions } from '../registry/recorded-registry.ts';
import type { Workflow, WorkflowNode } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { formatNotation } from './format-notation.ts';
import { parseNotation } from './parse-notation.ts';

const registry = recordedRegistry('0.8.0');

const SIMPLE = `
# a fox
ckpt = CheckpointLoaderSimple(ckpt_name="tiny-a.safetensors")
pos = CLIPTextEncode(clip=ckpt.CLIP, text="a red \\"fox\\"")   # the wish
neg = CLIPTextEncode(text="", clip=ckpt)
latent = EmptyLatentImage()
draw = KSampler(
  model=ckpt.MODEL, positive=pos, negative=neg.CONDITIONING,
  latent_image=latent[0], seed=18446744073709551615, steps=4, # few
  sampler_name=euler, scheduler="normal", denoise=unset,
) "Draw"
image = VAEDecode(samples=draw, vae=ckpt)
save = SaveImage(images=image)
`;

function failure(text: string, options?: Parameters<typeof parseNotation>[2]): ComfyError {
  try {
    parseNotation(text, registry, options);
  } catch (error) {
    if (error instanceof ComfyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseNotation', () => {
  it('reads nodes, links, comments, titles and big integers, and fills defaults', () => {
    const workflow = parseNotation(SIMPLE, registry);
    expect(workflow['neg']?.inputs).toEqual({ text: '', clip: ['ckpt', 1] });
    expect(workflow['latent']?.inputs).toEqual({ width: 512, height: 512, batch_size: 1 });
    expect(workflow['draw']).toEqual({
      class_type: 'KSampler',
      inputs: {
        model: ['ckpt', 0],
        positive: ['pos', 0],
        negative: ['neg', 0],
        latent_image: ['latent', 0],
        seed: 18446744073709551615n,
        steps: 4,
        cfg: 8,
        sampler_name: 'euler',
        scheduler: 'normal',
      },
      _meta: { title: 'Draw' },
    });
    expect(workflow['image']?.inputs).toEqual({ samples: ['draw', 0], vae: ['ckpt', 2] });
  });

  it('reads names that only quotes can hold', () => {
    const workflow = parseNotation(
      '"12 a" = "Epsilon Scaling"(model="m.1".MODEL)\n"m.1" = UNETLoader(unet_name="x")',
      registry,
    );
    expect(workflow['12 a']).toMatchObject({ class_type: 'Epsilon Scaling', inputs: { model: ['m.1', 0] } });
  });

  it('fills placeholders, and leaves an input out whose value is undefined', () => {
    const parameters = new Map<string, Json | undefined>([
      ['prompt', 'a "fox"'],
      ['nothing', undefined],
    ]);
    const workflow = parseNotation('a = CLIPTextEncode(text=$prompt, clip=$nothing)', registry, { parameters });
    expect(workflow['a']?.inputs).toEqual({ text: 'a "fox"' });
  });

  it('takes a choice before a node of the same name, and a node where no choice fits', () => {
    const text =
      'euler = KSamplerSelect(sampler_name=euler)\nnormal = PrimitiveString(value="x")\nk = KSampler(scheduler=normal sampler_name=euler)';
    const workflow = parseNotation(text, registry);
    expect(workflow['k']?.inputs).toMatchObject({ scheduler: 'normal', sampler_name: 'euler' });
    const linked: Workflow = { ...workflow, k: { class_type: 'KSampler', inputs: { scheduler: ['normal', 0] } } };
    expect(formatNotation(linked, registry)).toContain('scheduler=normal.STRING');
  });

  it('takes a number for a node where an input takes only links, and for itself elsewhere', () => {
    const text = [
      '1 = CheckpointLoaderSimple(ckpt_name="a")',
      '2 = EmptyLatentImage()',
      '3 = KSampler(model=1 latent_image=2 seed=1 steps=2 cfg=1 positive=2 negative=+2)',
      '4 = VAEDecode(samples=3.LATENT vae=1[2])',
    ].join('\n');
    const { 3: sampler, 4: decode } = parseNotation(text, registry);
    expect(sampler?.inputs).toMatchObject({ model: ['1', 0], latent_image: ['2', 0], seed: 1, steps: 2, cfg: 1 });
    // No output of node 2 fits here: the number stays one, and validation says what is wrong.
    expect(sampler?.inputs).toMatchObject({ positive: 2, negative: 2 });
    expect(decode?.inputs).toEqual({ samples: ['3', 0], vae: ['1', 2] });
  });

  it('chooses no file for anybody', () => {
    const workflow = parseNotation('a = CheckpointLoaderSimple()\nb = LoadImage()\nc = UNETLoader()', registry);
    expect(Object.values(workflow).map((node) => node.inputs)).toEqual([{}, {}, { weight_dtype: 'default' }]);
  });

  it('keeps keys of an object prototype as data', () => {
    const workflow = parseNotation(
      '__proto__ = VAEDecode(samples=constructor[0])\nconstructor = VAEDecode()',
      registry,
    );
    expect(Object.keys(workflow)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(workflow)).toBe(Object.prototype);
  });

  it.each([
    ['a = KSampeler(seed=1)', 'unknown_name', 1, 5, /KSampler/],
    ['a = KSampler(\n  stepz=1)', 'unknown_name', 2, 3, /steps/],
    ['a = CheckpointLoaderSimple()\nb = VAEDecode(vae=a.VEA)', 'unknown_name', 2, 19, /VAE/],
    ['ckpt = CheckpointLoaderSimple()\nb = VAEDecode(vae=cpkt.VAE)', 'unknown_name', 2, 19, /ckpt/],
    ['a = KSampler(sampler_name=eular)', 'invalid_value', 1, 27, /euler/],
    ['a = CLIPTextEncode(text=fox)', 'malformed', 1, 25, /text="fox/],
    ['a = CheckpointLoaderSimple()\nb = PreviewAny(source=a)', 'malformed', 2, 23, /a\.MODEL or a\.CLIP/],
    ['a = SaveImage()\nb = PreviewAny(source=a)', 'invalid_value', 2, 23, /makes something/],
    ['a = KSampler(seed=1', 'malformed', 1, 20, /double quotes/],
    ['a = KSampler(seed=1) b = KSampler()', 'malformed', 1, 22, /One node a line/],
    ['a = CLIPTextEncode(text=a red fox)', 'malformed', 1, 31, /double quotes/],
    ['a = KSampler(seed=1"x")', 'malformed', 1, 20, /double quotes/],
    ['a = CLIPTextEncode(text="fox)', 'malformed', 1, 25, /Close it/],
    ['a = KSampler(seed=1, seed=2)', 'malformed', 1, 22, /Keep one/],
    ['a = SaveImage()\na = SaveImage()', 'malformed', 2, 1, /another name/],
    ['a = KSampler(seed=$sead)', 'unknown_name', 1, 19, /seed/],
    ['a = Power Loader(x=1)', 'malformed', 1, 11, /double quotes/],
  ] as const)('refuses %j with position and hint', (text, code, line, column, hint) => {
    const error = failure(text, { parameters: new Map([['seed', 1]]) });
    expect({ code: error.code, position: error.position }).toEqual({ code, position: { line, column } });
    expect(error.hint).toMatch(hint);
    expect(error.message).toContain(`Line ${line}, column ${column}`);
  });

  it('never fails otherwise than with a ComfyError', () => {
    const piece = fc.constantFrom(
      'a',
      ' = ',
      'KSampler',
      '(',
      ')',
      'seed=',
      '1',
      '"',
      '\\',
      ',',
      '\n',
      '$x',
      '[',
      '{',
      '.',
      '#',
      '@titles',
      '😀',
      '-',
    );
    const failures: unknown[] = [];
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parseNotation(pieces.join(''), registry);
        } catch (error) {
          if (!(error instanceof ComfyError)) failures.push(pieces, error);
        }
      }),
      { seed: 7, numRuns: propertyRuns(500) },
    );
    expect(failures).toEqual([]);
  });
});

describe('formatNotation', () => {
  it('writes sources first, leaves defaults out and names outputs only where there are several', () => {
    const text = formatNotation(parseNotation(SIMPLE, registry), registry);
    expect(text).toBe(
      [
        'ckpt = CheckpointLoaderSimple(ckpt_name="tiny-a.safetensors")',
        'pos = CLIPTextEncode(clip=ckpt.CLIP text="a red \\"fox\\"")',
        'neg = CLIPTextEncode(text="" clip=ckpt.CLIP)',
        'latent = EmptyLatentImage()',
        'draw = KSampler(model=ckpt.MODEL positive=pos negative=neg latent_image=latent seed=18446744073709551615 steps=4 scheduler=normal denoise=unset) "Draw"',
        'image = VAEDecode(samples=draw vae=ckpt.VAE)',
        'save = SaveImage(images=image)',
        '',
      ].join('\n'),
    );
  });

  it('says once that titles are the classes’ own', () => {
    const workflow: Workflow = {
      1: { class_type: 'EmptyLatentImage', inputs: {}, _meta: { title: 'Empty Latent Image' } },
      2: { class_type: 'VAEDecode', inputs: { samples: ['1', 0] }, _meta: { title: 'Mine' } },
      3: { class_type: 'VAEDecode', inputs: { samples: ['1', 0] } },
      4: { class_type: 'VAEDecode', inputs: { samples: ['1', 0] }, _meta: {} },
    };
    const text = formatNotation(workflow, registry);
    expect(text).toBe(
      [
        '@titles',
        '1 = EmptyLatentImage(width=unset height=unset batch_size=unset)',
        '2 = VAEDecode(samples=1) "Mine"',
        '3 = VAEDecode(samples=1) untitled',
        '4 = VAEDecode(samples=1) {}',
        '',
      ].join('\n'),
    );
    expect(parseNotation(text, registry)).toEqual(workflow);
  });

  it('writes number ids alone where they can mean nothing else', () => {
    const workflow: Workflow = {
      1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a' } },
      '2:7': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512, batch_size: 1 } },
      '1e5': { class_type: 'VAEDecode', inputs: { samples: ['2:7', 0], vae: ['1', 2] } },
      8: { class_type: 'VAEEncode', inputs: { pixels: ['1e5', 0], vae: 8 } },
      9: { class_type: 'VAEDecode', inputs: { samples: ['8', 0], vae: 1 } },
      10: { class_type: 'VAEDecode', inputs: { samples: 8, vae: -1 } },
      11: { class_type: 'PreviewAny', inputs: { source: ['9', 0] } },
    };
    const text = formatNotation(workflow, registry);
    expect(text).toContain('1e5 = VAEDecode(samples=2:7 vae=1.VAE)');
    expect(text).toContain('8 = VAEEncode(pixels=1e5.IMAGE vae=8)');
    expect(text).toContain('9 = VAEDecode(samples=8 vae=+1)');
    expect(text).toContain('10 = VAEDecode(samples=+8 vae=-1)');
    expect(text).toContain('11 = PreviewAny(source=9.IMAGE)');
    expect(parseNotation(text, registry)).toEqual(workflow);
  });

  it.each(recordedVersions)('gives back every recorded prompt of %s', (version) => {
    const recorded = recordedRegistry(version);
    const workflows = recordedWorkflows(version);
    expect(workflows.length).toBeGreaterThan(300);
    for (const { workflow } of workflows) {
      const text = formatNotation(workflow, recorded);
      expect(parseNotation(text, recorded, { unknownNames: 'keep' })).toEqual(workflow);
    }
  });

  it('gives back any workflow', () => {
    const classNames = [...registry.classes.keys()].filter((name) => name.length < 40);
    const id = fc.oneof(
      fc.nat(30).map(String),
      fc.constantFrom(
        'a',
        'b',
        '1e5',
        '-1',
        'true',
        'null',
        'NaN',
        '__proto__',
        '12:7',
        'a.b',
        '',
        ' ',
        '图',
        '1.5',
        'unset',
      ),
      fc.string({ maxLength: 5 }),
    );
    const scalar: fc.Arbitrary<Json> = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    );
    const json: fc.Arbitrary<Json> = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.string(), scalar, { maxKeys: 2 }),
    );
    const node = fc
      .record({
        name: fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom(...classNames) },
          { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
        ),
        extra: fc.dictionary(
          fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('images.image0', '__proto__')),
          json,
          { maxKeys: 2 },
        ),
        values: fc.array(
          fc.oneof(
            json,
            fc.tuple(id, fc.oneof(fc.nat(5), fc.constantFrom(-1, 0.5))).map(([source, slot]): Json => [source, slot]),
            fc.nat(30),
            fc.constant(undefined),
          ),
          { maxLength: 12 },
        ),
        meta: fc.option(fc.oneof(fc.string(), fc.constant({})), { nil: undefined }),
        defaults: fc.boolean(),
      })
      .map(({ name, extra, values, meta, defaults }): WorkflowNode => {
        const nodeClass = registry.classes.get(name);
        const inputs = (nodeClass?.inputs ?? []).flatMap((input, index): [string, Json][] => {
          const value = defaults && index % 2 === 0 ? input.default : values[index];
          return value === undefined ? [] : [[input.name, value]];
        });
        return {
          class_type: name,
          inputs: Object.fromEntries([...inputs, ...Object.entries(extra)]),
          ...(meta === undefined ? {} : { _meta: typeof meta === 'string' ? { title: meta } : {} }),
        };
      });
    fc.assert(
      fc.property(fc.array(fc.tuple(id, node), { maxLength: 8 }), (entries) => {
        const workflow: Workflow = Object.fromEntries(entries);
        const back = parseNotation(formatNotation(workflow, registry), registry, { unknownNames: 'keep' });
        expect(sorted(back)).toBe(sorted(workflow));
      }),
      { seed: 11, numRuns: propertyRuns(400) },
    );
  });

  it('reads one long line in time', () => {
    const inputs = Array.from({ length: 120_000 }, (_, index) => `x${index}=1`).join(' ');
    const workflow = parseNotation(`a = X(${inputs})`, registry, { unknownNames: 'keep' });
    expect(workflow['a']?.inputs['x119999']).toBe(1);
  });
});

function sorted(value: Workflow): string {
  const order = (item: Json): Json =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(
          Object.keys(item)
            .sort()
            .map((key) => [key, order(item[key] ?? null)]),
        )
      : item;
  return stringifyJson(order(value), { nonFinite: 'literal' });
}
