import type { Json } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { literal } from './node-context.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { booleanInput, numberInput, textInput } from './read-input.ts';

const value: NodeImplementation = { run: (context) => ({ outputs: [context.inputs.get('value') ?? literal(null)] }) };

function text(make: (context: NodeContext) => Json): NodeImplementation {
  return { run: (context) => ({ outputs: context.nodeClass.outputs.map(() => literal(make(context))) }) };
}

/** Gives one of two inputs and asks only for that one. */
const switchNode: NodeImplementation = {
  wantedInputs: (context) => [booleanInput(context, 'switch') ? 'on_true' : 'on_false'],
  run: (context) => ({
    outputs: [context.inputs.get(booleanInput(context, 'switch') ? 'on_true' : 'on_false') ?? literal(null)],
  }),
};

function pythonText(value: Json): string {
  return typeof value === 'object' ? stringifyJson(value, { nonFinite: 'literal' }) : String(value);
}

const previewAny: NodeImplementation = {
  run: (context) => {
    const source = context.inputs.get('source');
    const shown =
      source === undefined ? 'None' : source.kind === 'literal' ? pythonText(source.value) : `<${source.kind}>`;
    return { outputs: [], ui: { text: [shown] } };
  },
};

export const primitiveNodes: Readonly<Record<string, NodeImplementation>> = {
  PrimitiveString: value,
  PrimitiveStringMultiline: value,
  PrimitiveInt: value,
  PrimitiveFloat: value,
  PrimitiveBoolean: value,
  ComfySwitchNode: switchNode,
  StringConcatenate: text(
    (context) => `${textInput(context, 'string_a')}${textInput(context, 'delimiter')}${textInput(context, 'string_b')}`,
  ),
  StringTrim: text((context) => textInput(context, 'string').trim()),
  StringReplace: text((context) =>
    textInput(context, 'string').replaceAll(textInput(context, 'find'), textInput(context, 'replace')),
  ),
  StringLength: text((context) => textInput(context, 'string').length),
  StringSubstring: text((context) =>
    textInput(context, 'string').slice(numberInput(context, 'start'), numberInput(context, 'end')),
  ),
  PreviewAny: previewAny,
};
