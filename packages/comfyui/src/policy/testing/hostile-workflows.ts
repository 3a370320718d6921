import type { Json } from '../../json/json.ts';
import { stringifyJson } from '../../json/stringify-json.ts';
import {
  controlNet,
  flowModel,
  imageToImage,
  inpaint,
  loraStack,
  plainOptions,
  textToImage,
  textToVideo,
  upscale,
} from './sample-workflows.ts';
import type { MutableWorkflow } from './sample-workflows.ts';

/** A workflow that must not run, and what it tries. */
export interface HostileWorkflow {
  name: string;
  workflow: MutableWorkflow | Json;
}

/** Names that leave their folder, in the spellings that decoders and file systems fold into one another. */
export const hostileNames: readonly string[] = [
  '../secret.png',
  '../../../../etc/passwd',
  'sub/../../secret.png',
  'a/b/../../../c.png',
  './../x.png',
  '..',
  '..\\..\\windows\\win.ini',
  'sub\\..\\..\\x.png',
  '/etc/passwd',
  '//server/share/x.png',
  '\\\\server\\share\\x.png',
  '\\\\?\\C:\\x.png',
  'C:\\Windows\\win.ini',
  'c:/windows/win.ini',
  'C:x.png',
  '~/.ssh/id_rsa',
  '~root/x',
  'example.png\u0000.txt',
  '\u0000',
  'example.png\n',
  'exa\rmple.png',
  '%2e%2e%2fsecret.png',
  '..%2f..%2fsecret.png',
  '%252e%252e%252fsecret.png',
  '%2Fetc%2Fpasswd',
  '..%5csecret.png',
  '%c0%ae%c0%ae/secret.png',
  '%u002e%u002e/secret.png',
  '..%00/secret.png',
  '\\u002e\\u002e/secret.png',
  '&#46;&#46;/secret.png',
  '．．／secret.png',
  '․․/secret.png',
  '..∕secret.png',
  '‥/secret.png',
  'secret.png [output]',
  'secret.png [temp]',
  'secret.png[output]',
  'secret.png [OUTPUT]',
  'secret.png [ temp ]',
  '../secret.png [input]',
  '../../secret.png [output]',
  'http://10.0.0.1/x.png',
  'https://example.com/x.png',
  'HTTPS://example.com/x.png',
  'file:///etc/passwd',
  'ftp://example.com/x',
  'data:image/svg+xml;base64,PHN2Zz4=',
  's3://bucket/key',
  '\u202egnp.x',
  'example.png\u200b',
  'page.html',
  'picture.svg',
  'unknown.safetensors',
  'example.png ',
  ' example.png',
  'EXAMPLE.PNG',
  './example.png',
];

/** `[sample, node id, input]`: every input of the samples that names a file. */
const fileInputs: readonly (readonly [string, () => MutableWorkflow, string, string])[] = [
  ['image', () => imageToImage(plainOptions), '10', 'image'],
  ['mask', () => inpaint(plainOptions), '11', 'image'],
  ['checkpoint', () => textToImage(plainOptions), '4', 'ckpt_name'],
  ['lora', () => loraStack(plainOptions), '20', 'lora_name'],
  ['controlnet', () => controlNet(plainOptions), '12', 'control_net_name'],
  ['upscaler', () => upscale(plainOptions), '14', 'model_name'],
  ['unet', () => flowModel(plainOptions), '1', 'unet_name'],
  ['text encoder', () => flowModel(plainOptions), '2', 'clip_name2'],
  ['vae', () => flowModel(plainOptions), '3', 'vae_name'],
  ['audio', () => withNode('LoadAudio', { audio: 'x' }), '90', 'audio'],
  ['video', () => withNode('LoadVideo', { file: 'x' }), '90', 'file'],
];

function withNode(classType: string, inputs: Record<string, Json>): MutableWorkflow {
  return { ...textToImage(plainOptions), '90': { class_type: classType, inputs } };
}

/** Every hostile name in every input that names a file, and those that leave a folder in the names of results. */
function hostileFileNames(): HostileWorkflow[] {
  const read = fileInputs.flatMap(([what, build, id, input]) =>
    hostileNames.map((name) => {
      const workflow = build();
      workflow[id]!.inputs[input] = name;
      return { name: `${what}: ${JSON.stringify(name)}`, workflow };
    }),
  );
  const written = hostileNames
    .filter((name) => !/^ ?(example|EXAMPLE|page|picture|unknown)[.\w]* ?$/.test(name) || name.startsWith(' '))
    .map((name) => ({
      name: `result name: ${JSON.stringify(name)}`,
      workflow: textToImage({ ...plainOptions, prefix: name }),
    }));
  return [...read, ...written];
}

/** Classes and inputs that open a hole by themselves. */
function hostileClasses(): HostileWorkflow[] {
  const nodes: readonly (readonly [string, Record<string, Json>])[] = [
    ['LoadTrainingDataset', { folder_name: 'training_dataset' }],
    ['SaveTrainingDataset', { latents: ['5', 0], conditioning: ['6', 0], folder_name: 'x', shard_size: 1 }],
    ['LoadImageDataSetFromFolder', { folder: 'x' }],
    ['SaveImageDataSetToFolder', { images: ['8', 0], folder_name: '../../x', filename_prefix: 'x' }],
    ['LoadImageOutput', { image: 'others.png [output]' }],
    ['LoadLatent', { latent: 'x.latent' }],
    ['DiffusersLoader', { model_path: '../..' }],
    ['CheckpointSave', { model: ['4', 0], clip: ['4', 1], vae: ['4', 2], filename_prefix: 'checkpoints/ComfyUI' }],
    ['ModelSave', { model: ['4', 0], filename_prefix: 'diffusion_models/ComfyUI' }],
    ['SaveSVGNode', { svg: ['8', 0], filename_prefix: 'svg/ComfyUI' }],
    ['TrainLoraNode', { steps: 100000 }],
    [
      'RegexMatch',
      {
        string: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa!',
        regex_pattern: '(a+)+$',
        case_insensitive: true,
        multiline: false,
        dotall: false,
      },
    ],
    ['WebcamCapture', { image: '../x.png' }],
    ['Load3D', { model_file: '../x.glb', image: '../x.png' }],
    ['Preview3D', { model_file: '../../../etc/passwd' }],
    ['NoSuchNode', {}],
    ['', {}],
    ['__proto__', {}],
    ['constructor', {}],
    ['LoadImageFromUrl', { url: 'https://example.com/x.png' }],
    ['ShellCommand', { command: 'id' }],
    ['RunPython', { code: 'import os' }],
    ['CloudDraw', { prompt: 'a cat' }],
  ];
  return nodes.map(([classType, inputs]) => ({ name: `class ${classType}`, workflow: withNode(classType, inputs) }));
}

/** Values that are not what their input declares. */
function hostileValues(): HostileWorkflow[] {
  const numbers: readonly Json[] = [
    '20',
    '1e3',
    null,
    true,
    {},
    [],
    ['3'],
    [['3', 0]],
    ['3', 0, 0],
    1.5,
    -1,
    10_001,
    10n ** 30n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ];
  const steps = numbers.map((value) => changed(`steps ${describe(value)}`, '3', 'steps', value));
  const texts: readonly Json[] = [
    null,
    5,
    true,
    {},
    { __value__: '../x' },
    [1, 2],
    'x\u0000y',
    'x\u001b[2J',
    'embedding:../../../etc/passwd',
    'embedding:/etc/passwd',
    'embedding:C:\\x',
    'a, embedding:..\\x, b',
    'x'.repeat(20_001),
  ];
  const prompts = texts.map((value) => changed(`text ${describe(value)}`, '6', 'text', value));
  const choices: readonly Json[] = [
    'Euler',
    'nosuch',
    null,
    3,
    {},
    { __value__: ['euler'] },
    { __value__: 'euler' },
    ['6', 0],
    '',
  ];
  const samplers = choices.map((value) => changed(`sampler ${describe(value)}`, '3', 'sampler_name', value));
  const links: readonly Json[] = [
    ['99', 0],
    ['4', 3],
    ['4', -1],
    ['4', 0.5],
    ['4', '0'],
    [4, 0],
    ['6', 0],
    'tiny-a.safetensors',
    null,
    {},
    ['__proto__', 0],
    ['constructor', 0],
    ['toString', 0],
  ];
  const models = links.map((value) => changed(`model ${describe(value)}`, '3', 'model', value));
  const extras = [
    'extra',
    'prompt',
    'unique_id',
    'extra_pnginfo',
    '__proto__',
    'constructor',
    'Steps',
    'steps ',
    'class_type',
    '../x',
    'upload',
  ].map((key) => {
    const workflow = textToImage(plainOptions);
    Object.defineProperty(workflow['3']!.inputs, key, { value: 'image', enumerable: true, configurable: true });
    return { name: `unknown input ${key}`, workflow };
  });
  return [...steps, ...prompts, ...samplers, ...models, ...extras];
}

function describe(value: Json): string {
  return stringifyJson(value, { nonFinite: 'literal' }).slice(0, 40);
}

function changed(name: string, id: string, input: string, value: Json): HostileWorkflow {
  const workflow = textToImage(plainOptions);
  workflow[id]!.inputs[input] = value;
  return { name, workflow };
}

/** Things that have not the shape of a workflow. */
function hostileShapes(): HostileWorkflow[] {
  const wholes: readonly Json[] = [
    null,
    true,
    3,
    'x',
    [],
    [{}],
    {},
    { '1': null },
    { '1': [] },
    { '1': 'x' },
    { '1': {} },
    { '1': { class_type: 'SaveImage' } },
    { '1': { class_type: 'SaveImage', inputs: [] } },
    { '1': { class_type: 3, inputs: {} } },
    { '1': { inputs: {} } },
  ];
  const shapes = wholes.map((workflow) => ({ name: `shape ${describe(workflow)}`, workflow }));
  const ids = ['__proto__', 'constructor', 'prototype', '', 'a\u0000b', 'a\nb', 'a\u202eb', 'x'.repeat(101)].map(
    (id) => {
      const workflow: MutableWorkflow = textToImage(plainOptions);
      Object.defineProperty(workflow, id, {
        value: { class_type: 'PreviewImage', inputs: { images: ['8', 0] } },
        enumerable: true,
      });
      return { name: `id ${JSON.stringify(id).slice(0, 30)}`, workflow };
    },
  );
  const extras = ['is_changed', 'extra', '__proto__'].map((key) => {
    const workflow = textToImage(plainOptions);
    Object.defineProperty(workflow['9'], key, { value: [Number.NaN], enumerable: true });
    return { name: `node key ${key}`, workflow };
  });
  const metas: readonly Json[] = [{ title: 3 }, { title: 'x'.repeat(501) }, { title: 'x', html: '<script>' }, 'x', []];
  const titles = metas.map((meta) => {
    const workflow = textToImage(plainOptions);
    workflow['9']!._meta = meta;
    return { name: `meta ${describe(meta)}`, workflow };
  });
  return [...shapes, ...ids, ...extras, ...titles];
}

/** More work than a shared server gives to one person. */
function hostileWork(): HostileWorkflow[] {
  const from = (
    name: string,
    change: (workflow: MutableWorkflow) => void,
    workflow = textToImage(plainOptions),
  ): HostileWorkflow => {
    change(workflow);
    return { name, workflow };
  };
  const set = (name: string, id: string, values: Record<string, Json>, workflow?: MutableWorkflow): HostileWorkflow =>
    from(name, (made) => Object.assign(made[id]!.inputs, values), workflow);
  const chain = (
    name: string,
    count: number,
    make: (last: string, id: string) => { class_type: string; inputs: Record<string, Json> },
    start: string,
  ): HostileWorkflow =>
    from(name, (workflow) => {
      let last = start;
      for (let index = 0; index < count; index += 1) {
        const id = String(100 + index);
        workflow[id] = make(last, id);
        last = id;
      }
      const end = workflow[last]!.class_type;
      if (end.startsWith('Conditioning')) workflow['3']!.inputs['positive'] = [last, 0];
      else if (end.startsWith('Image')) workflow['9']!.inputs['images'] = [last, 0];
      else if (end.startsWith('String')) workflow['6']!.inputs['text'] = [last, 0];
      else workflow['3']!.inputs['latent_image'] = [last, 0];
    });
  return [
    set('huge picture', '5', { width: 16384, height: 16384 }),
    set('wide picture', '5', { width: 16384, height: 2048 }),
    set('huge batch', '5', { batch_size: 4096 }),
    set('batch over the cap', '5', { batch_size: 33 }),
    set('many steps', '3', { steps: 10000 }),
    set('steps over the cap', '3', { steps: 151 }),
    set('large, many and long', '5', { width: 4096, height: 4096, batch_size: 16 }),
    set('long clip', '6', { length: 16381 }, textToVideo(plainOptions)),
    set('long clip of large pictures', '6', { length: 481, width: 4096, height: 2160 }, textToVideo(plainOptions)),
    set('scheduler steps', '9', { steps: 5000 }, flowModel(plainOptions)),
    set('size through a primitive', '15', { value: 16384 }, flowModel(plainOptions)),
    set('batch through a primitive', '6', { batch_size: ['15', 0] }, flowModel(plainOptions)),
    from('steps through a computed number', (workflow) => {
      workflow['30'] = { class_type: 'SomethingComputed', inputs: {} };
      workflow['3']!.inputs['steps'] = ['30', 0];
    }),
    set('scale by eight', '16', { scale_by: 8 }, upscale(plainOptions)),
    chain(
      'scale again and again',
      6,
      (last) => ({ class_type: 'ImageScaleBy', inputs: { image: [last, 0], upscale_method: 'area', scale_by: 4 } }),
      '8',
    ),
    chain(
      'upscale latents again and again',
      6,
      (last) => ({
        class_type: 'LatentUpscaleBy',
        inputs: { samples: [last, 0], upscale_method: 'area', scale_by: 4 },
      }),
      '5',
    ),
    chain(
      'double the batch',
      20,
      (last) => ({ class_type: 'ImageBatch', inputs: { image1: [last, 0], image2: [last, 0] } }),
      '8',
    ),
    chain(
      'repeat the batch',
      3,
      (last) => ({ class_type: 'RepeatLatentBatch', inputs: { samples: [last, 0], amount: 64 } }),
      '5',
    ),
    chain(
      'double the prompts',
      20,
      (last) => ({
        class_type: 'ConditioningCombine',
        inputs: { conditioning_1: [last, 0], conditioning_2: [last, 0] },
      }),
      '6',
    ),
    chain(
      'double a text',
      40,
      (last) => ({
        class_type: 'StringConcatenate',
        inputs: { string_a: last === '6' ? 'xx' : [last, 0], string_b: last === '6' ? 'xx' : [last, 0], delimiter: '' },
      }),
      '6',
    ),
    chain('a chain too long', 130, (last) => ({ class_type: 'ImageInvert', inputs: { image: [last, 0] } }), '8'),
    chain('too many nodes', 320, () => ({ class_type: 'ImageInvert', inputs: { image: ['8', 0] } }), '8'),
    from('a node that feeds itself', (workflow) => {
      workflow['50'] = { class_type: 'ImageInvert', inputs: { image: ['50', 0] } };
    }),
    from('two nodes that feed each other', (workflow) => {
      workflow['50'] = { class_type: 'ImageInvert', inputs: { image: ['51', 0] } };
      workflow['51'] = { class_type: 'ImageInvert', inputs: { image: ['50', 0] } };
    }),
    from('endless sound', (workflow) => {
      workflow['60'] = { class_type: 'EmptyLatentAudio', inputs: { seconds: 1000, batch_size: 1 } };
    }),
    from('twenty samplers', (workflow) => {
      for (let index = 0; index < 20; index += 1) {
        workflow[`s${index}`] = { class_type: 'KSampler', inputs: { ...workflow['3']!.inputs, steps: 150 } };
      }
      Object.assign(workflow['5']!.inputs, { width: 2048, height: 2048, batch_size: 8 });
    }),
    from(
      'a schedule written out',
      (workflow) => {
        workflow['9'] = { class_type: 'ManualSigmas', inputs: { sigmas: '1, 0.5, '.repeat(500) } };
      },
      flowModel(plainOptions),
    ),
    from(
      'a schedule stretched',
      (workflow) => {
        workflow['40'] = {
          class_type: 'ExtendIntermediateSigmas',
          inputs: { sigmas: ['9', 0], steps: 100, start_at_sigma: -1, end_at_sigma: 12, spacing: 'linear' },
        };
        workflow['11']!.inputs['sigmas'] = ['40', 0];
      },
      flowModel(plainOptions),
    ),
    from(
      'a sampler that enlarges',
      (workflow) => {
        workflow['8'] = {
          class_type: 'SamplerLCMUpscale',
          inputs: { scale_ratio: 20, scale_steps: -1, upscale_method: 'area' },
        };
      },
      flowModel(plainOptions),
    ),
    from('a batch hidden by rebatching', (workflow) => {
      workflow['41'] = { class_type: 'RepeatLatentBatch', inputs: { samples: ['5', 0], amount: 64 } };
      workflow['42'] = { class_type: 'RebatchLatents', inputs: { latents: ['41', 0], batch_size: 1 } };
      workflow['3']!.inputs['latent_image'] = ['42', 0];
    }),
    from('padding', (workflow) => {
      workflow['61'] = {
        class_type: 'ImagePadForOutpaint',
        inputs: { image: ['8', 0], left: 16384, top: 0, right: 16384, bottom: 16384, feathering: 0 },
      };
    }),
  ];
}

/** Links that carry a name past the checks of names. */
function hostileLinks(): HostileWorkflow[] {
  const text = (value: string) => ({ class_type: 'PrimitiveString', inputs: { value } });
  const linked = (
    name: string,
    workflow: MutableWorkflow,
    id: string,
    input: string,
    source: MutableWorkflow[string],
  ): HostileWorkflow => {
    workflow['70'] = source;
    workflow[id]!.inputs[input] = ['70', 0];
    return { name, workflow };
  };
  return [
    linked('result name from a text', textToImage(plainOptions), '9', 'filename_prefix', text('../../x')),
    linked('picture from a text', imageToImage(plainOptions), '10', 'image', text('../../etc/passwd')),
    linked('checkpoint from a text', textToImage(plainOptions), '4', 'ckpt_name', text('../x.ckpt')),
    linked('checkpoint from a choice', textToImage(plainOptions), '4', 'ckpt_name', {
      class_type: 'CustomCombo',
      inputs: { choice: '../x.ckpt' },
    }),
    linked('sampler from a text', textToImage(plainOptions), '3', 'sampler_name', text('euler')),
    linked('lora from a text', loraStack(plainOptions), '20', 'lora_name', text('../x.pt')),
  ];
}

/** All of them. */
export function hostileWorkflows(): HostileWorkflow[] {
  return [
    ...hostileFileNames(),
    ...hostileClasses(),
    ...hostileValues(),
    ...hostileShapes(),
    ...hostileWork(),
    ...hostileLinks(),
  ];
}
