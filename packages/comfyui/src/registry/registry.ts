import type { Json } from '../json/json.ts';

/** The group of a node's inputs, in the order in which ComfyUI validates them. */
export type InputGroup = 'required' | 'optional';

/** One choice of a dynamic combo (`COMFY_DYNAMICCOMBO_V3`): picking `key` adds `inputs`, whose names carry the combo's name and a dot before them. */
export interface DynamicChoice {
  key: string;
  inputs: readonly NodeInput[];
}

/** What a V3 input turns into when a workflow is at hand. */
export type DynamicInput =
  /** `COMFY_DYNAMICCOMBO_V3`: the input's value picks a choice, which adds inputs named `<name>.<input>`. */
  | { kind: 'combo'; choices: readonly DynamicChoice[] }
  /**
   * `COMFY_AUTOGROW_V3`: inputs `<name>.<prefix>0`, `<name>.<prefix>1`, …, or `<name>.<each of names>`; the first `min`
   * are required where the input itself is.
   */
  | { kind: 'autogrow'; template: NodeInput; names: readonly string[]; min: number }
  /** `COMFY_DYNAMICSLOT_V3`: a slot that, once linked, adds inputs named `<name>.<input>`. */
  | { kind: 'slot'; slot: NodeInput; inputs: readonly NodeInput[] }
  /** `COMFY_DYNAMICGROUP_V3`: rows of fields named `<name>.<row>.<field>`, rows counted from 0. */
  | { kind: 'group'; fields: readonly NodeInput[]; minRows: number; maxRows: number };

/** One input of a node class. */
export interface NodeInput {
  name: string;
  group: InputGroup;
  /**
   * The type that links are compared by: `MODEL`, `INT`, `COMBO` (both forms), `*`, or several joined by commas. A
   * `COMFY_MATCHTYPE_V3` input has its allowed types here. Dynamic inputs keep their `COMFY_…_V3` name.
   */
  type: string;
  /** `type` split at its commas. */
  types: readonly string[];
  /** The form in which the server declares a combo: `[["a"], {…}]` is `list`, `["COMBO", {options}]` is `options`. */
  comboForm?: 'list' | 'options';
  /** A combo's values, in the server's order. */
  options?: readonly Json[];
  /** A combo that takes a list of values. */
  multiselect?: true;
  /** A combo whose values the front end fetches elsewhere: `options` is then empty. */
  remote?: true;
  default?: Json;
  min?: number | bigint;
  max?: number | bigint;
  /** `min` and `max` as Python prints them (`1.0`, not `1`) where they are floats: what the server writes into messages. */
  minText?: string;
  maxText?: string;
  step?: number | bigint;
  /** A string that is typed in several lines: prose rather than a name. */
  multiline?: true;
  /** The front end shows a slot, never a widget. */
  forceInput?: true;
  /** The front end adds a second widget that changes the value after each run (`fixed`, `randomize`, …). */
  controlAfterGenerate?: true;
  /** The front end adds an upload button; the values are files of ComfyUI's input folder. */
  upload?: 'image' | 'audio' | 'video' | 'file';
  /** The folder whose files an upload combo lists; `input` unless the server says otherwise. */
  uploadFolder?: string;
  /** The slot's inputs are evaluated only when the node asks for them. */
  lazy?: true;
  /** Inputs and outputs of one node that share it have the same type (`COMFY_MATCHTYPE_V3`). */
  matchGroup?: string;
  dynamic?: DynamicInput;
  tooltip?: string;
  displayName?: string;
  /** The declaration as the server sends it, `[type, {…}]`: repeated in its errors as `input_config`. */
  config: Json;
}

export interface NodeOutput {
  /** As declared, `MODEL`; a combo output is `COMBO` and has its values in `options`. */
  type: string;
  name: string;
  isList: boolean;
  options?: readonly Json[];
  /** The `matchGroup` whose inputs decide this output's type. */
  matchGroup?: string;
  tooltip?: string;
}

/** One node class as `/object_info` describes it. */
export interface NodeClass {
  /** The class type that workflows name. */
  name: string;
  displayName: string;
  description: string;
  category: string;
  /** `nodes`, `comfy_extras.nodes_flux`, `comfy_api_nodes.…` or `custom_nodes.<folder>`. */
  pythonModule: string;
  /** The pack that the class came with: `core` (with its extras), `api`, or the folder of a custom pack. */
  pack: string;
  /** Whether a run may end here: only workflows with such a node run at all. */
  isOutputNode: boolean;
  deprecated: boolean;
  experimental: boolean;
  /** It calls a paid service over the network. */
  isApiNode: boolean;
  /** Declared by the V3 schema: such a class can have dynamic inputs. */
  isV3: boolean;
  /** Required ones first, each group in the server's order. */
  inputs: readonly NodeInput[];
  /** `inputs` by name. */
  inputsByName: ReadonlyMap<string, NodeInput>;
  /** Names of inputs that the server fills itself (`prompt`, `unique_id`, …) with their kinds (`PROMPT`, …). */
  hidden: ReadonlyMap<string, string>;
  outputs: readonly NodeOutput[];
  /** Other names that people look for, where the server gives some. */
  searchAliases: readonly string[];
}

/** All node classes of one server. Immutable. */
export interface Registry {
  classes: ReadonlyMap<string, NodeClass>;
  /** SHA-256 of the parsed text, in hexadecimal: equal texts, equal registries. */
  hash: string;
}
