import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { workflowLinks } from '@atelier/comfyui/graph/links';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { parseNotation } from '@atelier/comfyui/notation/parse-notation';
import { editWorkflow, type Edit } from './edit-workflow.ts';

const registry = recordedRegistry('0.8.0');
const base = parseNotation(
  [
    'ckpt = CheckpointLoaderSimple(ckpt_name="tiny-a.safetensors")',
    'pos = CLIPTextEncode(clip=ckpt.CLIP text="a fox")',
    'neg = CLIPTextEncode(clip=ckpt.CLIP text="")',
    'size = EmptyLatentImage(width=512 height=512 batch_size=1)',
    'draw = KSampler(model=ckpt.MODEL positive=pos negative=neg latent_image=size seed=1)',
    'img = VAEDecode(samples=draw vae=ckpt.VAE)',
    'save = SaveImage(images=img filename_prefix="fox")',
  ].join('\n'),
  registry,
);
const edit = (...edits: Edit[]) => editWorkflow(base, edits, registry);
const refusal = (...edits: Edit[]): string => {
  try {
    edit(...edits);
  } catch (error) {
    if (error instanceof ComfyError) return `${error.message} ${error.hint ?? ''}`;
    throw error;
  }
  return 'nothing was refused';
};

/** What came of it; of a refusal its words, and the workflow as it was. */
function tryEdits(edits: readonly Edit[]) {
  try {
    return { workflow: edit(...edits).workflow, refused: undefined };
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    return { workflow: base, refused: error.message };
  }
}

describe('set', () => {
  test('reads numbers that came as text, seeds of any size among them', () => {
    const { workflow } = edit(
      { op: 'set', node: 'draw', input: 'steps', value: '12' },
      { op: 'set', node: 'draw', input: 'seed', value: '18446744073709551615' },
      { op: 'set', node: 'pos', input: 'text', value: 7 },
    );
    expect(workflow['draw']?.inputs).toMatchObject({ steps: 12, seed: 18446744073709551615n });
    expect(workflow['pos']?.inputs['text']).toBe('7');
  });

  test('removes an input with null, and leaves what it was given as it was', () => {
    expect(edit({ op: 'set', node: 'draw', input: 'seed', value: null }).workflow['draw']?.inputs).not.toHaveProperty(
      'seed',
    );
    expect(base['draw']?.inputs['seed']).toBe(1);
  });

  test('names what there is instead', () => {
    expect(refusal({ op: 'set', node: 'drawing', input: 'steps', value: 1 })).toMatch(
      /Change 1 \(set\): there is no node "drawing".*draw/,
    );
    expect(refusal({ op: 'set', node: 'draw', input: 'stepps', value: 1 })).toMatch(/no input "stepps".*steps/);
  });
});

describe('connect', () => {
  test('takes the only output that fits', () => {
    expect(edit({ op: 'connect', from: 'ckpt', to: 'neg.clip' }).workflow['neg']?.inputs['clip']).toEqual(['ckpt', 1]);
  });

  test('refuses other types, and outputs that are not there', () => {
    expect(refusal({ op: 'connect', from: 'size.LATENT', to: 'save.images' })).toContain(
      'gives LATENT, but save.images takes IMAGE',
    );
    expect(refusal({ op: 'connect', from: 'ckpt.IMAGE', to: 'save.images' })).toContain(
      'ckpt.MODEL, ckpt.CLIP, ckpt.VAE',
    );
  });
});

describe('insert_between', () => {
  test('rewires both ends', () => {
    const { workflow } = edit({
      op: 'insert_between',
      from: 'img',
      to: 'save.images',
      notation: 'flip = ImageInvert()',
    });
    expect(workflow['flip']?.inputs['image']).toEqual(['img', 0]);
    expect(workflow['save']?.inputs['images']).toEqual(['flip', 0]);
  });

  test('finds the source by itself', () => {
    const { workflow } = edit({
      op: 'insert_between',
      to: 'draw.model',
      notation: 'lora = LoraLoaderModelOnly(lora_name="x.safetensors" strength_model=0.5)',
    });
    expect(workflow['draw']?.inputs['model']).toEqual(['lora', 0]);
    expect(workflow['lora']?.inputs['model']).toEqual(['ckpt', 0]);
  });

  test('wants one line whose class takes and gives the type', () => {
    expect(
      refusal({
        op: 'insert_between',
        from: 'img',
        to: 'save.images',
        notation: 'a = ImageInvert()\nb = ImageInvert()',
      }),
    ).toContain('exactly one');
    expect(
      refusal({ op: 'insert_between', from: 'img', to: 'save.images', notation: 'x = EmptyLatentImage()' }),
    ).toContain('does not take and give IMAGE');
    expect(refusal({ op: 'insert_between', from: 'img', to: 'save.images', notation: 'x = Nothing()' })).toContain(
      'Line 1',
    );
  });
});

describe('remove and replace', () => {
  test('a node in the middle hands on what it got', () => {
    const inserted = edit({
      op: 'insert_between',
      from: 'img',
      to: 'save.images',
      notation: 'flip = ImageInvert()',
    }).workflow;
    expect(editWorkflow(inserted, [{ op: 'remove', node: 'flip' }], registry).workflow).toEqual(base);
  });

  test('what then hangs open is told', () => {
    const { workflow, notes } = edit({ op: 'remove', node: 'size' });
    expect(workflow['draw']?.inputs).not.toHaveProperty('latent_image');
    expect(notes).toEqual(['draw.latent_image is open now']);
  });

  test('another class keeps the inputs that it has too, and the links by their types', () => {
    const { workflow, notes } = edit({ op: 'replace', node: 'size', class: 'EmptySD3LatentImage' });
    expect(workflow['size']).toMatchObject({ class_type: 'EmptySD3LatentImage', inputs: { width: 512, height: 512 } });
    expect(workflow['draw']?.inputs['latent_image']).toEqual(['size', 0]);
    expect(notes).toEqual([]);
    expect(refusal({ op: 'replace', node: 'size', class: 'EmptyLatentImge' })).toContain('EmptyLatentImage');
  });
});

test('merge gives taken ids new ones, and says which', () => {
  const { workflow, notes } = editWorkflow(
    base,
    [{ op: 'merge', source: 'other' }],
    registry,
    new Map([['other', base]]),
  );
  expect(Object.keys(workflow)).toHaveLength(14);
  expect(notes[0]).toContain('ckpt is now');
  expect(refusal({ op: 'merge', source: 'nowhere' })).toContain('no workflow "nowhere"');
});

test('whatever is tried, the result is a workflow whose notation reads back, or a refusal in words', () => {
  const ids = ['ckpt', 'pos', 'size', 'draw', 'img', 'save', 'ghost'];
  const name = fc.constantFrom(...ids);
  const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({
      op: fc.constant('set' as const),
      node: name,
      input: fc.constantFrom('steps', 'text', 'images', 'nothing'),
      value: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
    }),
    fc.record({
      op: fc.constant('connect' as const),
      from: fc.constantFrom('ckpt.CLIP', 'img', 'draw.LATENT', 'ghost.X', '..'),
      to: fc.constantFrom('save.images', 'img.samples', 'pos.clip', 'x', ''),
    }),
    fc.record({
      op: fc.constant('insert_between' as const),
      to: fc.constantFrom('save.images', 'draw.model'),
      notation: fc.constantFrom('flip = ImageInvert()', 'ckpt = ImageInvert()', 'x = y', ''),
    }),
    fc.record({ op: fc.constant('remove' as const), node: name }),
    fc.record({
      op: fc.constant('replace' as const),
      node: name,
      class: fc.constantFrom('ImageInvert', 'PreviewImage', 'KSampler', 'Nope'),
    }),
  );
  fc.assert(
    fc.property(fc.array(anyEdit, { minLength: 1, maxLength: 6 }), (edits) => {
      const { workflow, refused } = tryEdits(edits);
      expect(refused ?? 'Change 1').toMatch(/^Change \d/);
      expect(parseNotation(formatNotation(workflow, registry), registry, { unknownNames: 'keep' })).toEqual(workflow);
      for (const { from } of workflowLinks(workflow)) expect(Object.keys(workflow)).toContain(from);
    }),
    { seed: 7, numRuns: 200 },
  );
});
