import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { createJsonObject } from '../json/parse-json.ts';
import { pythonRepr } from '../json/python-text.ts';
import type { WholeFloats } from './parse-object-info.ts';
import type { DynamicInput, InputGroup, NodeInput } from './registry.ts';

const nothing: JsonObject = Object.freeze(createJsonObject());
const noWholeFloats: WholeFloats = new Map();

/** Reads one input's declaration, `[type, {…}]`, as `/object_info` sends it. */
export function parseInput(
  name: string,
  group: InputGroup,
  declaration: Json,
  wholeFloats: WholeFloats = noWholeFloats,
): NodeInput {
  const [declaredType, declaredOptions] = Array.isArray(declaration) ? declaration : [declaration];
  const settings = isJsonObject(declaredOptions) ? declaredOptions : nothing;
  const type = typeOf(declaredType, settings);
  const input: NodeInput = { name, group, type, types: splitTypes(type), config: declaration };
  readCombo(input, declaredType, settings);
  readNumbers(input, settings, wholeFloats);
  readFlags(input, settings);
  const matchGroup = dictAt(settings, 'template')?.['template_id'];
  if (declaredType === 'COMFY_MATCHTYPE_V3' && typeof matchGroup === 'string') input.matchGroup = matchGroup;
  const dynamic = readDynamic(declaredType, group, settings, wholeFloats);
  if (dynamic !== undefined) input.dynamic = dynamic;
  return input;
}

function typeOf(declared: Json | undefined, settings: JsonObject): string {
  if (Array.isArray(declared)) return 'COMBO';
  if (declared === 'COMFY_MATCHTYPE_V3') {
    const allowed = dictAt(settings, 'template')?.['allowed_types'];
    return typeof allowed === 'string' && allowed !== '' ? allowed : '*';
  }
  return typeof declared === 'string' ? declared : '*';
}

/** Several types in one declaration are joined by commas: `IMAGE,MASK`. */
export function splitTypes(type: string): readonly string[] {
  return type.includes(',') ? type.split(',').map((part) => part.trim()) : [type];
}

function readCombo(input: NodeInput, declaredType: Json | undefined, settings: JsonObject): void {
  if (Array.isArray(declaredType)) {
    input.comboForm = 'list';
    input.options = declaredType;
  } else if (declaredType === 'COMBO') {
    const options = settings['options'];
    input.comboForm = 'options';
    input.options = Array.isArray(options) ? options : [];
  }
  if (settings['multiselect'] === true) input.multiselect = true;
  if (isJsonObject(settings['remote']) || isJsonObject(settings['remote_combo'])) input.remote = true;
}

function readNumbers(input: NodeInput, settings: JsonObject, wholeFloats: WholeFloats): void {
  const floats = wholeFloats.get(settings);
  const min = settings['min'];
  if (isNumber(min)) {
    input.min = min;
    input.minText = boundText(min, floats?.has('min'));
  }
  const max = settings['max'];
  if (isNumber(max)) {
    input.max = max;
    input.maxText = boundText(max, floats?.has('max'));
  }
  const step = settings['step'];
  if (isNumber(step)) input.step = step;
  const preset = settings['default'];
  if (preset !== undefined) input.default = preset;
}

function boundText(bound: number | bigint, isWholeFloat = false): string {
  return typeof bound === 'number' && (isWholeFloat || !Number.isInteger(bound)) ? pythonRepr(bound) : String(bound);
}

const uploadKinds = ['image', 'audio', 'video', 'file'] as const;

function readFlags(input: NodeInput, settings: JsonObject): void {
  if (settings['multiline'] === true) input.multiline = true;
  if (settings['forceInput'] === true) input.forceInput = true;
  if (settings['lazy'] === true) input.lazy = true;
  const control = settings['control_after_generate'];
  if (control !== undefined && control !== false && control !== null) input.controlAfterGenerate = true;
  const upload = uploadKinds.find((kind) => settings[`${kind}_upload`] === true);
  if (upload !== undefined) {
    input.upload = upload;
    const folder = settings['image_folder'] ?? settings['upload_subfolder'];
    input.uploadFolder = typeof folder === 'string' ? folder : 'input';
  }
  const tooltip = settings['tooltip'];
  if (typeof tooltip === 'string' && tooltip !== '') input.tooltip = tooltip;
  const displayName = settings['display_name'];
  if (typeof displayName === 'string' && displayName !== '') input.displayName = displayName;
}

function readDynamic(
  declaredType: Json | undefined,
  group: InputGroup,
  settings: JsonObject,
  wholeFloats: WholeFloats,
): DynamicInput | undefined {
  switch (declaredType) {
    case 'COMFY_DYNAMICCOMBO_V3':
      return { kind: 'combo', choices: readChoices(settings['options'], wholeFloats) };
    case 'COMFY_AUTOGROW_V3':
      return readAutogrow(dictAt(settings, 'template') ?? nothing, wholeFloats);
    case 'COMFY_DYNAMICSLOT_V3': {
      const slotType = settings['slotType'] ?? '*';
      return {
        kind: 'slot',
        slot: parseInput('', group, [slotType, nothing]),
        inputs: readGroups(dictAt(settings, 'inputs') ?? nothing, wholeFloats),
      };
    }
    case 'COMFY_DYNAMICGROUP_V3':
      return {
        kind: 'group',
        fields: readGroups(dictAt(settings, 'template') ?? nothing, wholeFloats),
        minRows: wholeNumber(settings['min'], 0),
        maxRows: Math.min(wholeNumber(settings['max'], maxGroupRows), maxGroupRows),
      };
    default:
      return undefined;
  }
}

/** ComfyUI caps the rows of a group (`_DynamicGroup._MaxRows`). */
const maxGroupRows = 20;

function readChoices(declared: Json | undefined, wholeFloats: WholeFloats): { key: string; inputs: NodeInput[] }[] {
  if (!Array.isArray(declared)) return [];
  return declared.filter(isJsonObject).map((choice) => {
    const key = choice['key'];
    return {
      key: typeof key === 'string' ? key : '',
      inputs: readGroups(dictAt(choice, 'inputs') ?? nothing, wholeFloats),
    };
  });
}

function readGroups(declared: JsonObject, wholeFloats: WholeFloats): NodeInput[] {
  const inputs: NodeInput[] = [];
  for (const group of ['required', 'optional'] as const) {
    for (const [name, declaration] of Object.entries(dictAt(declared, group) ?? nothing))
      inputs.push(parseInput(name, group, declaration, wholeFloats));
  }
  return inputs;
}

/** ComfyUI caps the names that grow (`Autogrow._MaxNames`). */
const maxAutogrowNames = 100;

function readAutogrow(template: JsonObject, wholeFloats: WholeFloats): DynamicInput | undefined {
  const slot = readGroups(dictAt(template, 'input') ?? nothing, wholeFloats)[0];
  if (slot === undefined) return undefined;
  const names = template['names'];
  const prefix = template['prefix'];
  const max = Math.min(wholeNumber(template['max'], 10), maxAutogrowNames);
  return {
    kind: 'autogrow',
    template: slot,
    names: Array.isArray(names)
      ? names.filter((name) => typeof name === 'string').slice(0, maxAutogrowNames)
      : Array.from({ length: max }, (_, index) => `${typeof prefix === 'string' ? prefix : ''}${index}`),
    min: wholeNumber(template['min'], 1),
  };
}

function dictAt(dict: JsonObject, key: string): JsonObject | undefined {
  const value = dict[key];
  return isJsonObject(value) ? value : undefined;
}

function isNumber(value: Json | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function wholeNumber(value: Json | undefined, otherwise: number): number {
  return isNumber(value) ? Math.max(0, Math.trunc(Number(value)) || 0) : otherwise;
}
