import { describe, expect, it } from 'vitest';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { LOADER, decode, linkObject, node, out, slot } from './testing/frontend-nodes.ts';
import { convertToApi } from './to-api.ts';

const registry = recordedRegistry('0.8.0');

function inputsOf(frontend: Json, id: string): Record<string, Json> | undefined {
  return convertToApi(frontend, registry).workflow[id]?.inputs;
}

describe('convertToApi', () => {
  const sampler = node(3, 'KSampler', {
    inputs: [
      slot('model', 'MODEL', 1),
      slot('positive', 'CONDITIONING'),
      slot('negative', 'CONDITIONING'),
      slot('latent_image', 'LATENT', 2),
      slot('seed', 'INT', 3, true),
    ],
    outputs: [out('LATENT')],
    widgets_values: [18446744073709551615n, 'randomize', 20, 7.5, 'euler', 'normal', 0.9],
  });
  const latent = node(5, 'EmptyLatentImage', { outputs: [out('LATENT')], widgets_values: [512, 768, 2] });

  it('reads schema 0.4: widget order, control_after_generate, big integers, titles', () => {
    const { workflow, missing } = convertToApi(
      {
        version: 0.4,
        nodes: [LOADER, sampler, { ...latent, title: 'Canvas' }],
        links: [
          [1, 4, 0, 3, 0, 'MODEL'],
          [2, 5, 0, 3, 3, 'LATENT'],
        ],
      },
      registry,
    );
    expect(missing).toEqual([]);
    expect(workflow).toEqual({
      '3': {
        class_type: 'KSampler',
        inputs: {
          seed: 18446744073709551615n,
          steps: 20,
          cfg: 7.5,
          sampler_name: 'euler',
          scheduler: 'normal',
          denoise: 0.9,
          model: ['4', 0],
          latent_image: ['5', 0],
        },
        _meta: { title: 'KSampler' },
      },
      '4': {
        class_type: 'CheckpointLoaderSimple',
        inputs: { ckpt_name: 'tiny-a.safetensors' },
        _meta: { title: 'Load Checkpoint' },
      },
      '5': {
        class_type: 'EmptyLatentImage',
        inputs: { width: 512, height: 768, batch_size: 2 },
        _meta: { title: 'Canvas' },
      },
    });
  });

  it('reads schema 1.0: links as objects, and ids that are texts', () => {
    const frontend: Json = {
      version: 1,
      nodes: [{ ...LOADER, id: 'load' }, decode(8, null, 5)],
      links: [linkObject(5, 'load', 2, 8, 1)],
    };
    expect(inputsOf(frontend, '8')).toEqual({ vae: ['load', 2] });
  });

  it('reads widgets that are saved by name, and fills what is not saved', () => {
    const named = { ...latent, widgets_values: { height: 640 } };
    expect(inputsOf({ nodes: [named], links: [] }, '5')).toEqual({ width: 512, height: 640, batch_size: 1 });
    const bare = node(5, 'EmptyLatentImage');
    expect(inputsOf({ nodes: [bare], links: [] }, '5')).toEqual({ width: 512, height: 512, batch_size: 1 });
  });

  it('reads seeds that were saved without control, and skips upload buttons', () => {
    const plain = { ...sampler, widgets_values: [5, 12, 6, 'lcm', 'karras', 1] };
    expect(inputsOf({ nodes: [plain], links: [] }, '3')).toMatchObject({ seed: 5, steps: 12, scheduler: 'karras' });
    const load = node(1, 'LoadImageMask', { widgets_values: ['example.png', 'red', 'image'] });
    expect(inputsOf({ nodes: [load], links: [] }, '1')).toEqual({ image: 'example.png', channel: 'red' });
  });

  it('reads the widgets that a dynamic combo adds', () => {
    const resize = node(1, 'ResizeImageMaskNode', { widgets_values: ['scale dimensions', 640, 480, 'center', 'area'] });
    expect(inputsOf({ nodes: [resize], links: [] }, '1')).toEqual({
      resize_type: 'scale dimensions',
      'resize_type.width': 640,
      'resize_type.height': 480,
      'resize_type.crop': 'center',
      scale_method: 'area',
    });
  });

  it('resolves choices in prompts and keeps values that are lists apart from links', () => {
    const text = node(6, 'CLIPTextEncode', { widgets_values: ['a {red|blue} fox // note'] });
    const frontend: Json = { nodes: [text, { ...latent, widgets_values: [[1, 2], 512, 1] }], links: [] };
    const { workflow } = convertToApi(frontend, registry, { random: () => 0.9 });
    expect(workflow['6']?.inputs['text']).toBe('a blue fox ');
    expect(workflow['5']?.inputs['width']).toEqual({ __value__: [1, 2] });
  });

  it('fills in names of files to save', () => {
    const save = (prefix: string): Json => ({
      nodes: [
        { ...sampler, inputs: [] },
        { ...latent, title: 'Canvas' },
        node(9, 'SaveImage', { widgets_values: [prefix] }),
      ],
      links: [],
    });
    const prefix = (text: string, now?: Date): Json | undefined =>
      convertToApi(save(text), registry, now === undefined ? {} : { now }).workflow['9']?.inputs['filename_prefix'];
    expect(prefix('a/%KSampler.sampler_name%_%Canvas.width%')).toBe('a/euler_512');
    expect(prefix('%width%_%Nobody.seed%_%KSampler.nothing%_100%')).toBe(
      '%width%_%Nobody.seed%_%KSampler.nothing%_100%',
    );
    expect(prefix('%date:yyyy-MM-dd/hhmmss%', new Date(2026, 2, 4, 5, 6, 7))).toBe('2026-03-04/050607');
    expect(prefix('%date:yy%')).toBe('%date:yy%');
  });

  it('dissolves reroutes, primitives, notes, and Get and Set nodes', () => {
    const frontend: Json = {
      nodes: [
        LOADER,
        sampler,
        node(10, 'Reroute', { inputs: [slot('', '*', 10)], outputs: [out('', 'VAE')] }),
        node(11, 'Reroute', { inputs: [slot('', '*', 11)], outputs: [out('', 'VAE')] }),
        decode(8, null, 12),
        node(12, 'PrimitiveNode', { outputs: [out('INT')], widgets_values: [99, 'fixed'] }),
        node(13, 'Note', { widgets_values: ['remember'] }),
        node(14, 'MarkdownNote', { widgets_values: ['# x'] }),
        node(15, 'SetNode', { inputs: [slot('MODEL', 'MODEL', 13)], widgets_values: ['m'] }),
        node(16, 'GetNode', { outputs: [out('MODEL')], widgets_values: ['m'] }),
      ],
      links: [
        [10, 4, 2, 10, 0, '*'],
        [11, 10, 0, 11, 0, '*'],
        [12, 11, 0, 8, 1, 'VAE'],
        [3, 12, 0, 3, 4, 'INT'],
        [13, 4, 0, 15, 0, 'MODEL'],
        [1, 16, 0, 3, 0, 'MODEL'],
      ],
    };
    const { workflow, missing } = convertToApi(frontend, registry);
    expect(Object.keys(workflow)).toEqual(['3', '4', '8']);
    expect(workflow['8']?.inputs).toEqual({ vae: ['4', 2] });
    expect(workflow['3']?.inputs).toMatchObject({ seed: 99, model: ['4', 0] });
    expect(missing).toEqual([]);
  });

  it('hands on what enters a bypassed node, by type, and drops muted nodes with their links', () => {
    const lora = (mode: number): JsonObject =>
      node(6, 'LoraLoader', {
        mode,
        inputs: [slot('clip', 'CLIP', 21), slot('model', 'MODEL', 20)],
        outputs: [out('MODEL'), out('CLIP')],
        widgets_values: ['ink.safetensors', 1, 1],
      });
    const links: Json = [
      [20, 4, 0, 6, 1, 'MODEL'],
      [21, 4, 1, 6, 0, 'CLIP'],
      [22, 6, 0, 3, 0, 'MODEL'],
      [23, 6, 1, 7, 0, 'CLIP'],
    ];
    const text = node(7, 'CLIPTextEncode', {
      inputs: [slot('clip', 'CLIP', 23)],
      outputs: [out('CONDITIONING')],
      widgets_values: ['x'],
    });
    const draw = { ...sampler, inputs: [slot('model', 'MODEL', 22)] };
    const bypassed = convertToApi({ nodes: [LOADER, lora(4), text, draw], links }, registry).workflow;
    expect(bypassed['3']?.inputs['model']).toEqual(['4', 0]);
    expect(bypassed['7']?.inputs['clip']).toEqual(['4', 1]);
    expect(Object.keys(bypassed)).not.toContain('6');
    const muted = convertToApi({ nodes: [LOADER, lora(2), text, draw], links }, registry).workflow;
    expect(muted['7']?.inputs).toEqual({ text: 'x' });
    expect(muted['3']?.inputs).not.toHaveProperty('model');
  });

  it('reports missing classes by name, and reads what it can of them', () => {
    const frontend: Json = {
      nodes: [
        LOADER,
        node(20, 'Odd Node', {
          inputs: [slot('model', 'MODEL', 1), slot('amount', 'INT', null, true)],
          widgets_values: [3],
        }),
        node(21, 'Odd Node', { widgets_values: { amount: 4 } }),
        node(22, 'Other', { widgets_values: [1, 2] }),
      ],
      links: [[1, 4, 0, 20, 0, 'MODEL']],
    };
    const { workflow, missing } = convertToApi(frontend, registry);
    expect(missing).toEqual([
      { classType: 'Odd Node', nodes: ['20', '21'] },
      { classType: 'Other', nodes: ['22'] },
    ]);
    expect(workflow['20']?.inputs).toEqual({ amount: 3, model: ['4', 0] });
    expect(workflow['21']?.inputs).toEqual({ amount: 4 });
    expect(workflow['22']?.inputs).toEqual({});
  });
});

describe('subgraphs', () => {
  const text = (id: number, textLink: number | null, clipLink: number): JsonObject =>
    node(id, 'CLIPTextEncode', {
      inputs: [slot('clip', 'CLIP', clipLink), slot('text', 'STRING', textLink, true)],
      outputs: [out('CONDITIONING')],
      widgets_values: ['inner text'],
    });
  /** Takes CLIP and a text, gives CONDITIONING. */
  const inner: Json = {
    id: 'aaa',
    name: 'Encode',
    inputNode: { id: -10 },
    outputNode: { id: -20 },
    inputs: [
      { name: 'clip', linkIds: [1] },
      { name: 'text', linkIds: [2] },
    ],
    outputs: [{ name: 'CONDITIONING', linkIds: [3] }],
    nodes: [text(7, 2, 1)],
    links: [linkObject(1, -10, 0, 7, 0), linkObject(2, -10, 1, 7, 1), linkObject(3, 7, 0, -20, 0)],
  };
  /** Takes CLIP, hands it to an inner subgraph, and shows the inner text. */
  const middle: Json = {
    id: 'bbb',
    name: 'Around',
    inputs: [{ name: 'clip', linkIds: [1] }],
    outputs: [{ name: 'CONDITIONING', linkIds: [2] }],
    nodes: [
      node(2, 'aaa', {
        inputs: [slot('clip', 'CLIP', 1), slot('text', 'STRING', null, true)],
        outputs: [out('CONDITIONING')],
        widgets_values: ['middle text'],
      }),
    ],
    links: [linkObject(1, -10, 0, 2, 0), linkObject(2, 2, 0, -20, 0)],
  };
  const area = (id: number, from: number): JsonObject =>
    node(id, 'ConditioningZeroOut', {
      inputs: [slot('conditioning', 'CONDITIONING', from)],
      outputs: [out('CONDITIONING')],
    });
  const wrap = (type: string, fields: JsonObject): Json => ({
    nodes: [LOADER, node(5, type, { outputs: [out('CONDITIONING')], ...fields }), area(9, 2)],
    links: [
      [1, 4, 1, 5, 0, 'CLIP'],
      [2, 5, 0, 9, 0, 'CONDITIONING'],
    ],
    definitions: { subgraphs: [inner, middle] },
  });
  const clip = slot('clip', 'CLIP', 1);

  it('become their inner nodes, with links through both borders and promoted values', () => {
    const frontend = wrap('aaa', {
      inputs: [clip, slot('text', 'STRING', null, true)],
      widgets_values: ['outer text'],
    });
    const { workflow } = convertToApi(frontend, registry);
    expect(Object.keys(workflow)).toEqual(['4', '9', '5:7']);
    expect(workflow['5:7']).toEqual({
      class_type: 'CLIPTextEncode',
      inputs: { text: 'outer text', clip: ['4', 1] },
      _meta: { title: 'CLIP Text Encode (Prompt)' },
    });
    expect(workflow['9']?.inputs).toEqual({ conditioning: ['5:7', 0] });
  });

  it('keep the inner value where nothing was promoted', () => {
    const frontend = wrap('aaa', { inputs: [clip, slot('text', 'STRING')] });
    expect(inputsOf(frontend, '5:7')).toEqual({ text: 'inner text', clip: ['4', 1] });
  });

  it.each([
    ['by its input', [['-1', 'text']], ['proxied'], 'proxied'],
    ['by its inner widget', [['7', 'text']], ['proxied'], 'proxied'],
    [
      'among others',
      [
        ['7', 'other'],
        ['-1', 'text'],
      ],
      [1, 'proxied'],
      'proxied',
    ],
    ['with the value inside', [['7', 'text']], [], 'inner text'],
  ] as [string, Json, Json, string][])('read proxied widgets %s', (_name, proxyWidgets, values, expected) => {
    const frontend = wrap('aaa', {
      inputs: [clip, slot('text', 'STRING', null, true)],
      properties: { proxyWidgets },
      widgets_values: values,
    });
    expect(inputsOf(frontend, '5:7')?.['text']).toBe(expected);
  });

  it('may be nested', () => {
    const { workflow } = convertToApi(wrap('bbb', { inputs: [clip] }), registry);
    expect(workflow['5:2:7']?.inputs).toEqual({ text: 'middle text', clip: ['4', 1] });
    expect(workflow['9']?.inputs).toEqual({ conditioning: ['5:2:7', 0] });
    const promoted = wrap('bbb', {
      inputs: [clip],
      properties: { proxyWidgets: [['2', 'text']] },
      widgets_values: ['outermost'],
    });
    expect(inputsOf(promoted, '5:2:7')?.['text']).toBe('outermost');
  });

  it('vanish with their links when muted, and hand on by type when bypassed', () => {
    expect(Object.keys(convertToApi(wrap('aaa', { inputs: [clip], mode: 2 }), registry).workflow)).toEqual(['4', '9']);
    const bypassed = convertToApi(wrap('aaa', { inputs: [clip], mode: 4 }), registry).workflow;
    expect(bypassed['9']?.inputs).toEqual({});
  });

  it('may not contain themselves', () => {
    const loop: Json = {
      nodes: [node(1, 'ccc')],
      links: [],
      definitions: { subgraphs: [{ id: 'ccc', nodes: [node(1, 'ccc')], links: [] }] },
    };
    expect(() => convertToApi(loop, registry)).toThrow(/nested deeper/);
  });

  it('may be of the older kind, group nodes', () => {
    const frontend: Json = {
      nodes: [
        LOADER,
        node(5, 'workflow>Pair', {
          inputs: [slot('clip', 'CLIP', 1)],
          outputs: [out('CONDITIONING')],
          widgets_values: ['group text'],
        }),
        area(9, 2),
      ],
      links: [
        [1, 4, 1, 5, 0, 'CLIP'],
        [2, 5, 0, 9, 0, 'CONDITIONING'],
      ],
      extra: {
        groupNodes: {
          Pair: {
            nodes: [
              node(0, 'CLIPTextEncode', {
                inputs: [slot('clip', 'CLIP')],
                outputs: [out('CONDITIONING')],
                widgets_values: ['own'],
              }),
              node(1, 'ConditioningZeroOut', {
                inputs: [slot('conditioning', 'CONDITIONING')],
                outputs: [out('CONDITIONING')],
              }),
            ],
            links: [[0, 0, 1, 0, 'CONDITIONING']],
            external: [],
          },
        },
      },
    };
    const { workflow } = convertToApi(frontend, registry);
    expect(workflow['5:0']?.inputs).toEqual({ text: 'group text', clip: ['4', 1] });
    expect(workflow['5:1']?.inputs).toEqual({ conditioning: ['5:0', 0] });
    expect(workflow['9']?.inputs).toEqual({ conditioning: ['5:1', 0] });
  });
});
