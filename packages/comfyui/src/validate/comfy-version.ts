import { ComfyError } from '../errors/comfy-error.ts';

/** How versions of ComfyUI differ in judging a prompt. */
export interface ValidationRules {
  /** Membership of `["COMBO", {options}]` inputs is checked, not only of the older list form. */
  checksComboOptions: boolean;
  /** Unknown classes are `missing_node_type` with the node's title, not `invalid_prompt`. */
  namesMissingNodeType: boolean;
  /** Cycles are found and named (`dependency_cycle`), not run into Python's recursion limit. */
  findsCycles: boolean;
  /** Groups of dynamic inputs exist; rows that cannot be are `invalid_dynamic_input`. */
  expandsDynamicGroups: boolean;
  /** V3 dynamic inputs are expanded from the prompt. */
  expandsDynamicInputs: boolean;
  /** A combo takes the output of a class that declares its output as a list of values. */
  acceptsListAsCombo: boolean;
  /** Values in messages are written by `repr`. */
  writesRepr: boolean;
  /** A `PYTHONHASHSEED` under which Python's sets have the order that the recorded server of that version showed. */
  hashSeed: number;
}

/** The newest version whose rules this package knows. */
const newestKnownVersion = '0.38.0';

/**
 * The rules of a version: recorded from 0.3.64 and 0.8.0; from 0.38 on, from its source.
 *
 * @throws ComfyError `invalid_value` when the text is not a version.
 */
export function validationRules(version: string = newestKnownVersion): ValidationRules {
  const parts = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  if (parts === null) {
    throw new ComfyError('invalid_value', `"${version.slice(0, 40)}" is not a version of ComfyUI`, {
      hint: 'Pass one such as 0.8.0.',
    });
  }
  const number = Number(parts[1]) * 1_000_000 + Number(parts[2]) * 1_000 + Number(parts[3] ?? 0);
  const since = (minor: number, patch = 0): boolean => number >= minor * 1_000 + patch;
  return {
    checksComboOptions: since(4),
    expandsDynamicInputs: since(4),
    acceptsListAsCombo: since(4),
    namesMissingNodeType: since(12),
    findsCycles: since(20),
    expandsDynamicGroups: since(20),
    writesRepr: since(20),
    hashSeed: since(4) ? 36 : 133,
  };
}
