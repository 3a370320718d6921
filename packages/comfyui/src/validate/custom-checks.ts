import type { PyDict, PyValue } from '../json/python-json.ts';
import { pythonStr } from '../json/python-text.ts';
import type { NodeClass } from '../registry/registry.ts';
import { pythonTypeName } from './python-conversion.ts';
import { PythonException } from './python-exception.ts';

/** A node class's own check of its inputs (`VALIDATE_INPUTS`); it stands in code, so `/object_info` does not tell of it. */
export interface CustomCheck {
  /** The one input that the check takes: its list of values and its bounds are then not checked otherwise. */
  inputName: string;
  /** What the check says of a missing file, before the name. */
  complaint: string;
}

/** ComfyUI's own classes that check that an input file exists. */
const fileChecks: ReadonlyMap<string, CustomCheck> = new Map([
  ['LoadImage', { inputName: 'image', complaint: 'Invalid image file' }],
  ['LoadImageMask', { inputName: 'image', complaint: 'Invalid image file' }],
  ['LoadImageOutput', { inputName: 'image', complaint: 'Invalid image file' }],
  ['LoadAudio', { inputName: 'audio', complaint: 'Invalid audio file' }],
  ['LoadLatent', { inputName: 'latent', complaint: 'Invalid latent file' }],
  ['LoadVideo', { inputName: 'file', complaint: 'Invalid video file' }],
]);

/** The check that a class is known to have. Only ComfyUI's own classes are known. */
export function customCheckOf(nodeClass: NodeClass): CustomCheck | undefined {
  if (nodeClass.pack !== 'core') return undefined;
  const check = fileChecks.get(nodeClass.name);
  return check !== undefined && nodeClass.inputsByName.has(check.inputName) ? check : undefined;
}

/**
 * Runs a check over a node's inputs.
 *
 * @returns undefined when it passes, else what the check answers.
 * @throws PythonException where the server's code would raise: no literal value to check, or one that is not a text.
 */
export function runCustomCheck(
  nodeClass: NodeClass,
  check: CustomCheck,
  inputs: PyDict,
  files: ReadonlySet<string>,
): string | undefined {
  const value = inputs.get(check.inputName);
  if (value === undefined || isServerLink(value)) {
    const method = nodeClass.isV3 ? `${nodeClass.name}.validate_inputs` : `${nodeClass.name}.VALIDATE_INPUTS`;
    throw new PythonException('TypeError', `${method}() missing 1 required positional argument: '${check.inputName}'`);
  }
  if (typeof value !== 'string') {
    throw new PythonException('AttributeError', `'${pythonTypeName(value)}' object has no attribute 'endswith'`);
  }
  return files.has(normalName(value)) ? undefined : `${check.complaint}: ${pythonStr(value)}`;
}

/** ComfyUI's `is_link`. */
export function isServerLink(value: PyValue): value is [string, bigint | number | boolean] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === 'string' &&
    (typeof value[1] === 'bigint' || typeof value[1] === 'number' || typeof value[1] === 'boolean')
  );
}

/** `[input]` is the default folder, so it is dropped. */
function normalName(name: string): string {
  return name.endsWith('[input]') ? name.slice(0, -'[input]'.length - 1) : name;
}

/** The files of the input folder that the registry's upload combos list. */
export function filesInRegistry(classes: Iterable<NodeClass>): Set<string> {
  const files = new Set<string>();
  for (const nodeClass of classes) {
    const check = customCheckOf(nodeClass);
    const options = check === undefined ? undefined : nodeClass.inputsByName.get(check.inputName)?.options;
    for (const option of options ?? []) if (typeof option === 'string') files.add(option);
  }
  return files;
}
