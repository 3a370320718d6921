import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { createJsonObject } from '../json/parse-json.ts';
import { pythonRepr } from '../json/python-text.ts';
import { wholeMax, wholeMin } from './parse-object-info.ts';
import type { WholeFloats } from './parse-object-info.ts';
import type { DynamicInput, InputGroup, NodeInput } from './registry.ts';

const nothing: JsonObject = Object.freeze(createJsonObject());

/** What the inputs of one registry share: thousands have the same few types and bounds. */
export interface InputReading {
  wholeFloats: WholeFloats;
  typesOf: (type: string) => readonly string[];
  textOf: (bound: number) => string;
}

export function createInputReading(wholeFloats: WholeFloats): InputReading {
  const textOf = remembered<number, string>(pythonRepr);
  return {
    wholeFloats,
    typesOf: remembered(splitTypes),
    // A map takes -0 for 0.
    textOf: (bound) => (bound === 0 ? pythonRepr(bound) : textOf(bound)),
  };
}

function remembered<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}

/** Reads one input's declaration, `[type, {…}]`, as `/object_info` sends it. */
export function parseInput(name: string, group: InputGroup, declaration: Json, reading: InputReading): NodeInput {
  const declaredType = Array.isArray(declaration) ? declaration[0] : declaration;
  const declaredOptions = Array.isArray(declaration) ? declaration[1] : undefined;
  const settings = isJsonObject(declaredOptions) ? declaredOptions : nothing;
  const type = typeOf(declaredType, settings);
  const input: NodeInput = { name, group, type, types: reading.typesOf(type), config: declaration };
  if (Array.isArray(declaredType)) {
    input.comboForm = 'list';
    input.options = declaredType;
  }
  if (settings === nothing) return input;
  readCombo(input, declaredType, settings);
  readNumbers(input, settings, reading);
  readFlags(input, settings);
  const matchGroup = dictAt(settings, 'template')?.['template_id'];
  if (declaredType === 'COMFY_MATCHTYPE_V3' && typeof matchGroup === 'string') input.matchGroup = matchGroup;
  const dynamic = readDynamic(declaredType, group, settings, reading);
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
function splitTypes(type: string): readonly string[] {
  return type.includes(',') ? type.split(',').map((part) => part.trim()) : [type];
}

function readCombo(input: NodeInput, declaredType: Json | undefined, settings: JsonObject): void {
  if (declaredType === 'COMBO') {
    const options = settings['options'];
    input.comboForm = 'options';
    input.options = Array.isArray(options) ? options : [];
  }
  if (settings['multiselect'] === true) input.multiselect = true;
  if (isJsonObject(settings['remote']) || isJsonObject(settings['remote_combo'])) input.remote = true;
}

function readNumbers(input: NodeInput, settings: JsonObject, { wholeFloats, textOf }: InputReading): void {
  const min = settings['min'];
  const max = settings['max'];
  const whole = min === undefined && max === undefined ? 0 : (wholeFloats.get(settings) ?? 0);
  if (isNumber(min)) {
    input.min = min;
    if (isFloat(min, whole & wholeMin)) input.minText = textOf(min);
  }
  if (isNumber(max)) {
    input.max = max;
    if (isFloat(max, whole & wholeMax)) input.maxText = textOf(max);
  }
  const step = settings['step'];
  if (isNumber(step)) input.step = step;
  const preset = settings['default'];
  if (preset !== undefined) input.default = preset;
}

function isFloat(bound: number | bigint, whole: number): bound is number {
  return typeof bound === 'number' && (whole !== 0 || !Number.isInteger(bound));
}

const uploadKinds = [
  ['image', 'image_upload'],
  ['audio', 'audio_upload'],
  ['video', 'video_upload'],
  ['file', 'file_upload'],
] as const;

function readFlags(input: NodeInput, settings: JsonObject): void {
  if (settings['multiline'] === true) input.multiline = true;
  if (settings['forceInput'] === true) input.forceInput = true;
  if (settings['lazy'] === true) input.lazy = true;
  const control = settings['control_after_generate'];
  if (control !== undefined && control !== false && control !== null) input.controlAfterGenerate = true;
  for (const [kind, key] of uploadKinds) {
    if (settings[key] !== true) continue;
    input.upload = kind;
    const folder = settings['image_folder'] ?? settings['upload_subfolder'];
    input.uploadFolder = typeof folder === 'string' ? folder : 'input';
    break;
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
  reading: InputReading,
): DynamicInput | undefined {
  switch (declaredType) {
    case 'COMFY_DYNAMICCOMBO_V3':
      return { kind: 'combo', choices: readChoices(settings['options'], reading) };
    case 'COMFY_AUTOGROW_V3':
      return readAutogrow(dictAt(settings, 'template') ?? nothing, reading);
    case 'COMFY_DYNAMICSLOT_V3': {
      const slotType = settings['slotType'] ?? '*';
      return {
        kind: 'slot',
        slot: parseInput('', group, [slotType, nothing], reading),
        inputs: readGroups(dictAt(settings, 'inputs') ?? nothing, reading),
      };
    }
    case 'COMFY_DYNAMICGROUP_V3':
      return {
        kind: 'group',
        fields: readGroups(dictAt(settings, 'template') ?? nothing, reading),
        minRows: wholeNumber(settings['min'], 0),
        maxRows: Math.min(wholeNumber(settings['max'], maxGroupRows), maxGroupRows),
      };
    default:
      return undefined;
  }
}

/** ComfyUI caps the rows of a group (`_DynamicGroup._MaxRows`). */
const maxGroupRows = 20;

function readChoices(declared: Json | undefined, reading: InputReading): { key: string; inputs: NodeInput[] }[] {
  if (!Array.isArray(declared)) return [];
  return declared.filter(isJsonObject).map((choice) => {
    const key = choice['key'];
    return {
      key: typeof key === 'string' ? key : '',
      inputs: readGroups(dictAt(choice, 'inputs') ?? nothing, reading),
    };
  });
}

function readGroups(declared: JsonObject, reading: InputReading): NodeInput[] {
  const inputs: NodeInput[] = [];
  for (const group of ['required', 'optional'] as const) {
    for (const [name, declaration] of Object.entries(dictAt(declared, group) ?? nothing))
      inputs.push(parseInput(name, group, declaration, reading));
  }
  return inputs;
}

/** ComfyUI caps the names that grow (`Autogrow._MaxNames`). */
const maxAutogrowNames = 100;

function readAutogrow(template: JsonObject, reading: InputReading): DynamicInput | undefined {
  const slot = readGroups(dictAt(template, 'input') ?? nothing, reading)[0];
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
