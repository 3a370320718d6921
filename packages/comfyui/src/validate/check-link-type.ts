import type { PyValue } from '../json/python-json.ts';
import { pythonFromJson } from '../json/python-json.ts';
import type { NodeInput, NodeOutput } from '../registry/registry.ts';
import type { ValidationRules } from './comfy-version.ts';
import { pythonEquals } from './python-conversion.ts';

/** The type of an output as the server compares it: a text, or the list of a combo in the older form. */
export function outputType(output: NodeOutput): PyValue {
  return output.options === undefined ? output.type : output.options.map(pythonFromJson);
}

/** The type of an input as the server compares it. */
export function inputType(input: NodeInput): PyValue {
  if (input.comboForm === 'list') return (input.options ?? []).map(pythonFromJson);
  if (input.matchGroup !== undefined) return 'COMFY_MATCHTYPE_V3';
  return input.type;
}

/** Whether the server lets an output feed an input: equal types, `*` or a match type on either side, or a type in common. */
export function fitsInput(output: NodeOutput, input: NodeInput, rules?: ValidationRules): boolean {
  if (output.type === '*' || input.type === '*') return true;
  if (output.type === 'COMFY_MATCHTYPE_V3' || input.matchGroup !== undefined) return true;
  if (output.options !== undefined && input.comboForm === 'options' && rules?.acceptsListAsCombo !== false) return true;
  if (output.options !== undefined || input.comboForm === 'list')
    return pythonEquals(outputType(output), inputType(input));
  if (output.type === input.type) return true;
  const received = output.type.split(',').map((type) => type.trim());
  return received.includes('*') || input.types.includes('*') || received.some((type) => input.types.includes(type));
}
