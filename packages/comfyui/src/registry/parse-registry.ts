import { createHash } from 'node:crypto';
import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { createJsonObject } from '../json/parse-json.ts';
import type { ScanLimits } from '../json/scan-json.ts';
import { createInputReading, parseInput } from './parse-input.ts';
import type { InputReading } from './parse-input.ts';
import { parseObjectInfo } from './parse-object-info.ts';
import type { InputGroup, NodeClass, NodeInput, NodeOutput, Registry } from './registry.ts';

const nothing: JsonObject = Object.freeze(createJsonObject());
const noNames: readonly string[] = [];
const noneHidden: ReadonlyMap<string, string> = new Map();
const groups: readonly InputGroup[] = ['required', 'optional'];

/**
 * Parses what `GET /object_info` answers: V1 and V3 classes, both forms of combos, dynamic inputs. A class that is declared
 * in a way that cannot be understood is kept with what could be read of it, since one odd custom node must not hide a server's others.
 *
 * @throws ComfyError `malformed` when the text is not JSON or not an object of classes, `too_large` past the limits.
 */
export function parseRegistry(objectInfoText: string, limits: Partial<ScanLimits> = {}): Registry {
  const { value: declared, wholeFloats } = parseObjectInfo(objectInfoText, limits);
  if (!isJsonObject(declared)) {
    throw new ComfyError('malformed', 'The node registry must be a JSON object of node classes', {
      hint: 'Pass the text that GET /object_info answers.',
    });
  }
  const reading = createInputReading(wholeFloats);
  const classes = new Map<string, NodeClass>();
  for (const name of Object.keys(declared)) {
    const declaration = declared[name];
    if (isJsonObject(declaration)) classes.set(name, parseNodeClass(name, declaration, reading));
  }
  return { classes, hash: createHash('sha256').update(objectInfoText).digest('hex') };
}

function parseNodeClass(name: string, declaration: JsonObject, reading: InputReading): NodeClass {
  const inputs = parseInputs(declaration, reading);
  const pythonModule = textOf(declaration['python_module'], 'nodes');
  return {
    name,
    displayName: textOf(declaration['display_name'], '') || name,
    description: textOf(declaration['description'], ''),
    category: textOf(declaration['category'], ''),
    pythonModule,
    pack: packOf(pythonModule),
    isOutputNode: declaration['output_node'] === true,
    deprecated: declaration['deprecated'] === true,
    experimental: declaration['experimental'] === true,
    isApiNode: declaration['api_node'] === true,
    // The V3 schema writes all three flags for every class; V1 classes have a flag only where they set it.
    isV3: 'api_node' in declaration && 'deprecated' in declaration && 'experimental' in declaration,
    inputs,
    inputsByName: inputsByName(inputs),
    hidden: parseHidden(dictOf(dictOf(declaration['input'])['hidden'])),
    outputs: parseOutputs(declaration),
    searchAliases: stringsOf(declaration['search_aliases']),
  };
}

function parseInputs(declaration: JsonObject, reading: InputReading): NodeInput[] {
  const declaredGroups = dictOf(declaration['input']);
  const orders = dictOf(declaration['input_order']);
  const inputs: NodeInput[] = [];
  for (const group of groups) {
    const declared = dictOf(declaredGroups[group]);
    for (const name of namesInOrder(declared, orders[group])) {
      const config = declared[name];
      if (config !== undefined) inputs.push(parseInput(name, group, config, reading));
    }
  }
  return inputs;
}

/** A dict that went through a sorting JSON writer has lost its order: the separate list keeps it. */
function namesInOrder(declared: JsonObject, order: Json | undefined): readonly string[] {
  const keys = Object.keys(declared);
  const named = stringsOf(order).filter((name) => name in declared);
  return named.length === keys.length ? named : keys;
}

function inputsByName(inputs: readonly NodeInput[]): ReadonlyMap<string, NodeInput> {
  const byName = new Map<string, NodeInput>();
  for (const input of inputs) byName.set(input.name, input);
  return byName;
}

function parseHidden(declared: JsonObject): ReadonlyMap<string, string> {
  const names = Object.keys(declared);
  if (names.length === 0) return noneHidden;
  const hidden = new Map<string, string>();
  for (const name of names) {
    const kind = declared[name];
    hidden.set(name, textOf(Array.isArray(kind) ? kind[0] : kind, ''));
  }
  return hidden;
}

function parseOutputs(declaration: JsonObject): NodeOutput[] {
  const names = listOf(declaration['output_name']);
  const lists = listOf(declaration['output_is_list']);
  const tooltips = listOf(declaration['output_tooltips']);
  const matchGroups = listOf(declaration['output_matchtypes']);
  return listOf(declaration['output']).map((declared, index) => {
    const isCombo = Array.isArray(declared);
    const type = isCombo ? 'COMBO' : textOf(declared, '*');
    const tooltip = tooltips[index];
    const matchGroup = matchGroups[index];
    return {
      type,
      name: textOf(names[index], type),
      isList: lists[index] === true,
      ...(isCombo ? { options: declared } : {}),
      ...(typeof matchGroup === 'string' ? { matchGroup } : {}),
      ...(typeof tooltip === 'string' && tooltip !== '' ? { tooltip } : {}),
    };
  });
}

const ownPacks = new Set(['core', 'api']);

/**
 * `nodes` and `comfy_extras.…` are ComfyUI's own; API nodes go together; what follows `custom_nodes.` is a pack's folder, unless the
 * folder is called like one of the first two: such a pack must not pass for ComfyUI's own, and keeps the name in full.
 */
function packOf(pythonModule: string): string {
  const folder = pythonModule.startsWith('custom_nodes.') ? pythonModule.slice('custom_nodes.'.length) : undefined;
  if (folder !== undefined) return ownPacks.has(folder) ? pythonModule : folder;
  const end = pythonModule.indexOf('.');
  const first = end === -1 ? pythonModule : pythonModule.slice(0, end);
  if (first === 'comfy_api_nodes') return 'api';
  return first === 'nodes' || first === 'comfy_extras' ? 'core' : pythonModule;
}

function textOf(value: Json | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function dictOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : nothing;
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : noNames;
}

function stringsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : noNames;
}
