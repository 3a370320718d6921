import { pythonFromJson } from '@atelier/comfyui/json/python-json';
import type { PyDict } from '@atelier/comfyui/json/python-json';

const types = ['IMAGE', 'MASK', 'LATENT', 'MODEL', 'CLIP', 'VAE', 'CONDITIONING'] as const;

/**
 * Node classes of a made-up large install, added to `base` until it has `count` classes. The same arguments give the same
 * classes: names, categories, inputs and outputs vary with the index alone.
 */
export function generateObjectInfo(base: PyDict, count: number): PyDict {
  const all: PyDict = new Map(base);
  for (let index = base.size; index < count; index += 1) {
    const name = `Bench${index}Node`;
    const input = types[index % types.length] ?? 'IMAGE';
    const output = types[(index * 3 + 1) % types.length] ?? 'IMAGE';
    const declaration = {
      input: {
        required: {
          source: [input],
          strength: ['FLOAT', { default: 1, min: 0, max: 10, step: 0.01 }],
          seed: ['INT', { default: 0, min: 0, max: 0xffff_ffff_ffff_ffffn }],
          mode: [['soft', 'hard', `variant ${index % 17}`]],
        },
        optional: { mask: ['MASK'], note: ['STRING', { default: '', multiline: true }] },
      },
      input_order: { required: ['source', 'strength', 'seed', 'mode'], optional: ['mask', 'note'] },
      output: [output],
      output_is_list: [false],
      output_name: [output],
      name,
      display_name: `Bench ${input.toLowerCase()} to ${output.toLowerCase()} ${index}`,
      description: `Turns ${input} into ${output}, variant ${index % 17}.`,
      python_module: `custom_nodes.bench_pack_${index % 40}`,
      category: `bench/pack ${index % 40}`,
      output_node: false,
    };
    all.set(name, pythonFromJson(declaration));
  }
  return all;
}
