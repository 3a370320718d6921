import type { JsonObject } from '@atelier/comfyui/json/json';
import { NodeException, literal } from './node-context.ts';
import type { NodeImplementation } from './node-context.ts';
import { booleanInput, numberInput, requiredInput, textInput } from './read-input.ts';

function declare(name: string, required: JsonObject, outputs: string[], extra: JsonObject = {}): JsonObject {
  return {
    input: { required },
    input_order: { required: Object.keys(required) },
    output: outputs,
    output_is_list: outputs.map(() => false),
    output_name: outputs,
    name,
    display_name: name,
    description: '',
    python_module: 'custom_nodes.sim_test_pack',
    category: 'testing',
    output_node: false,
    ...extra,
  };
}

const flag = ['BOOLEAN', { default: false }];

/** Declarations of classes that show what few core classes do: lazy inputs, blocked branches, expansion, failures. */
export const testNodeClasses: JsonObject = {
  SimLazyChoice: declare(
    'SimLazyChoice',
    { use_second: flag, first: ['IMAGE', { lazy: true }], second: ['IMAGE', { lazy: true }] },
    ['IMAGE'],
  ),
  SimBlock: declare('SimBlock', { image: ['IMAGE'], block: flag, message: ['STRING', { default: '' }] }, ['IMAGE']),
  SimExpandInvert: declare('SimExpandInvert', { image: ['IMAGE'], times: ['INT', { default: 2, min: 1, max: 10 }] }, [
    'IMAGE',
  ]),
  SimFail: declare('SimFail', { image: ['IMAGE'], message: ['STRING', { default: 'failed on purpose' }] }, ['IMAGE']),
  SimWork: declare(
    'SimWork',
    {
      image: ['IMAGE'],
      duration_ms: ['INT', { default: 1000, min: 0, max: 600_000 }],
      steps: ['INT', { default: 10, min: 1, max: 1000 }],
    },
    ['IMAGE'],
  ),
};

const lazyChoice: NodeImplementation = {
  wantedInputs: (context) => [booleanInput(context, 'use_second') ? 'second' : 'first'],
  run: (context) => ({
    outputs: [context.inputs.get(booleanInput(context, 'use_second') ? 'second' : 'first') ?? literal(null)],
  }),
};

const block: NodeImplementation = {
  run: (context) => {
    const message = textInput(context, 'message');
    if (!booleanInput(context, 'block')) return { outputs: [requiredInput(context, 'image', 'image')] };
    return { outputs: [{ kind: 'blocked', message: message === '' ? undefined : message }] };
  },
};

/** Takes the place of a chain of ImageInvert nodes, as a loop would be unrolled. */
const expandInvert: NodeImplementation = {
  run: (context) => {
    const source = context.node.inputs['image'] ?? null;
    const times = Math.max(1, numberInput(context, 'times', 2));
    const ids = Array.from({ length: times }, (_, index) => `${context.id}.0.0.${index + 1}`);
    const nodes = Object.fromEntries(
      ids.map((id, index) => [
        id,
        { class_type: 'ImageInvert', inputs: { image: index === 0 ? source : [ids[index - 1] ?? '', 0] } },
      ]),
    );
    return { outputs: [], expansion: { nodes, outputs: [{ link: [ids.at(-1) ?? '', 0] }] } };
  },
};

/** The implementations of {@link testNodeClasses}. */
export const testNodes: Readonly<Record<string, NodeImplementation>> = {
  SimLazyChoice: lazyChoice,
  SimBlock: block,
  SimExpandInvert: expandInvert,
  SimFail: {
    run: (context) => {
      throw new NodeException('RuntimeError', textInput(context, 'message'));
    },
  },
  SimWork: {
    run: async (context) => {
      const steps = Math.max(1, numberInput(context, 'steps', 10));
      for (let step = 1; step <= steps; step += 1) {
        await context.work(numberInput(context, 'duration_ms') / steps);
        await context.tick(step, steps);
      }
      return { outputs: [requiredInput(context, 'image', 'image')] };
    },
  },
};
