import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json } from '../json/json.ts';
import { pythonFromJson } from '../json/python-json.ts';
import { nearestNames } from '../notation/nearest-names.ts';
import type { NodeClass, NodeInput, Registry } from '../registry/registry.ts';
import { fitsInput } from '../validate/check-link-type.ts';
import { inputsInUse } from '../validate/expand-inputs.ts';
import { pythonEquals } from '../validate/python-conversion.ts';
import { inputRole, listsFiles } from './input-role.ts';
import type { LinkedTexts } from './linked-text.ts';
import { embeddingHazard, hasControlCharacters, nameHazard, pathHazard } from './name-hazard.ts';
import type { Policy, PolicyReason, PolicyReasonCode } from './policy.ts';
import { shown } from './shown.ts';

/** What ComfyUI and its page fill in when a result is saved: `%date:yyyy-MM-dd%`, `%width%`, `%KSampler.seed%`. */
const outputNameTokens = /%(date(:[\w :.-]*)?|year|month|day|hour|minute|second|width|height|[A-Z]\w+\.\w+)%/g;

/** Types of ComfyUI's own widgets whose values are small objects. */
const widgetTypes = new Set(['COLOR', 'COLORS', 'BOUNDING_BOX', 'BOUNDING_BOXES', 'CURVE', 'RANGE', 'VIDEO_EDIT']);

/** Classes that hand on the text they hold. */
const primitiveTexts = new Set(['PrimitiveString', 'PrimitiveStringMultiline']);

export interface InputCheck {
  registry: Registry;
  nodes: Workflow;
  policy: Policy;
  /** Files of the input folder that may be read beside those that the registry lists. */
  files: ReadonlySet<string>;
  /** What nodes that put texts together will give. */
  texts: LinkedTexts;
  refuse: (reason: PolicyReason) => void;
  /** Whether there are as many reasons as anybody is told: looking for more, and for names that are near, would only take time. */
  isFull: () => boolean;
}

/** Holds every input of one node to its declaration and its value to the policy. */
export function checkNodeInputs(
  check: InputCheck,
  id: NodeId,
  node: Readonly<WorkflowNode>,
  nodeClass: NodeClass,
): void {
  // A dynamic combo that picks no choice is nothing to the server; here it is declared, so that its value is judged.
  const combos = nodeClass.inputs.filter(({ dynamic }) => dynamic?.kind === 'combo');
  const declared = new Map([
    ...combos.map((input) => [input.name, input] as const),
    ...inputsInUse(nodeClass, node).map(({ name, input }) => [name, input] as const),
  ]);
  for (const [name, value] of Object.entries(node.inputs)) {
    if (check.isFull()) return;
    const input = declared.get(name);
    const refuse = (code: PolicyReasonCode, message: string): void => {
      check.refuse({
        code,
        message: `Node ${shown(id)} (${nodeClass.name}), input ${shown(name)}: ${message}`,
        nodeId: id,
        input: name.slice(0, 100),
      });
    };
    if (input !== undefined) new ValueCheck(check, nodeClass, input, refuse).check(value);
    else if (!isFrontEndLeftover(nodeClass, name, value))
      refuse('unknown_input', unknownInput(name, [...declared.keys()]));
  }
}

/** ComfyUI's page exports a button of LoadImage as if it were an input. */
function isFrontEndLeftover(nodeClass: NodeClass, name: string, value: Json): boolean {
  return name === 'upload' && value === 'image' && nodeClass.inputs.some(({ upload }) => upload !== undefined);
}

function unknownInput(name: string, declared: readonly string[]): string {
  const near = nearestNames(name, declared);
  return `the class has no such input. ${near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Remove it.'}`;
}

type Refuse = (code: PolicyReasonCode, message: string) => void;

/** One value in one input. */
class ValueCheck {
  readonly #check: InputCheck;
  readonly #nodeClass: NodeClass;
  readonly #input: NodeInput;
  readonly #refuse: Refuse;

  constructor(check: InputCheck, nodeClass: NodeClass, input: NodeInput, refuse: Refuse) {
    this.#check = check;
    this.#nodeClass = nodeClass;
    this.#input = input;
    this.#refuse = refuse;
  }

  check(value: Json): void {
    const { type } = this.#input;
    if (Array.isArray(value)) this.#checkLink(value);
    else if (this.#input.dynamic?.kind === 'combo') this.#checkDynamicCombo(value);
    else if (this.#input.options !== undefined) this.#checkCombo(value);
    else if (type === 'INT' || type === 'FLOAT') this.#checkNumber(value);
    else if (type === 'BOOLEAN') this.#checkBoolean(value);
    else if (type === 'STRING') this.#checkText(value);
    else if (widgetTypes.has(type)) this.#checkWidget(value);
    else this.#refuse('wrong_type', `it takes a link to an output of type ${type}, not a value.`);
  }

  #checkLink(value: Json[]): void {
    const [source, slot] = value;
    if (
      value.length !== 2 ||
      typeof source !== 'string' ||
      typeof slot !== 'number' ||
      !Number.isSafeInteger(slot) ||
      slot < 0
    ) {
      this.#refuse('bad_link', 'a list here has to be a link: [node id as text, number of the output].');
      return;
    }
    const node = Object.hasOwn(this.#check.nodes, source) ? this.#check.nodes[source] : undefined;
    if (node === undefined) {
      this.#refuse('bad_link', `it is linked to node ${shown(source)}, which does not exist.`);
      return;
    }
    const output = this.#check.registry.classes.get(node.class_type)?.outputs[slot];
    if (output === undefined) {
      this.#refuse('bad_link', `node ${shown(source)} (${shown(node.class_type)}) has no output ${slot}.`);
    } else if (!fitsInput(output, this.#input)) {
      this.#refuse('bad_link', `node ${shown(source)} gives ${output.type} there, but ${this.#input.type} is needed.`);
    } else if (this.#mustBeLiteral()) {
      const literal = primitiveTexts.has(node.class_type) ? node.inputs['value'] : undefined;
      if (this.#input.type === 'STRING' && typeof literal === 'string') {
        this.#checkText(literal);
        return;
      }
      this.#refuse(
        'bad_link',
        'this value decides which file or setting is used, so it has to be written here and not be linked.',
      );
    } else if (this.#input.type === 'STRING') {
      this.#checkLinkedText(source);
    }
  }

  /** Parts that are harmless can make a name that is not. */
  #checkLinkedText(source: string): void {
    const texts = this.#check.texts.of(source);
    if (texts === undefined) {
      this.#refuse(
        'bad_link',
        'the text that is linked here cannot be known before it runs. Write its numbers, and use fewer switches.',
      );
      return;
    }
    for (const text of texts) {
      const hazard = embeddingHazard(text);
      if (hazard === undefined) continue;
      this.#refuseHazard(text, hazard, 'Name the embedding by its file name alone.');
      return;
    }
  }

  /** A link would carry a name past the checks of this gate. */
  #mustBeLiteral(): boolean {
    if (this.#input.options !== undefined || this.#input.dynamic?.kind === 'combo') return true;
    return this.#input.type === 'STRING' && inputRole(this.#nodeClass, this.#input) !== 'prose';
  }

  #checkDynamicCombo(value: Json): void {
    const keys = this.#input.dynamic?.kind === 'combo' ? this.#input.dynamic.choices.map(({ key }) => key) : [];
    if (typeof value !== 'string' || !keys.includes(value))
      this.#refuse('not_in_inventory', `choose one of: ${keys.join(', ')}.`);
  }

  #checkCombo(value: Json): void {
    if (
      this.#input.multiselect === true &&
      isJsonObject(value) &&
      Array.isArray(value['__value__']) &&
      Object.keys(value).length === 1
    ) {
      for (const item of value['__value__']) {
        if (this.#check.isFull()) return;
        this.#checkChoice(item);
      }
    } else {
      this.#checkChoice(value);
    }
  }

  #checkChoice(value: Json): void {
    const options = this.#listed();
    const isFile = listsFiles(this.#nodeClass, this.#input);
    const isListed =
      typeof value === 'string'
        ? options.includes(value)
        : typeof value !== 'object' && options.some((option) => sameValue(option, value));
    if (typeof value === 'string') {
      const hazard = nameHazard(value);
      // A server may list names with backslashes (Windows) or brackets ("[None]"): those are its own.
      if (hazard !== undefined && !(isListed && !/\[\s*(input|output|temp)\s*\]/i.test(value))) {
        this.#refuse(
          'unsafe_name',
          `the name ${shown(value)} ${hazard}. ${isFile ? 'Use a name from the list of files.' : 'Choose a listed value.'}`,
        );
        return;
      }
      if (this.#input.upload !== undefined && this.#check.files.has(value)) return;
    }
    if (!isListed) this.#refuse('not_in_inventory', this.#notListed(value, isFile));
  }

  /** The server's values, but for the input files that others may have put there. */
  #listed(): readonly Json[] {
    const closed = this.#input.upload !== undefined && !this.#check.policy.allowListedFiles;
    return closed ? [] : (this.#input.options ?? []);
  }

  #notListed(value: Json, isFile: boolean): string {
    const names = [
      ...this.#listed().filter((option) => typeof option === 'string'),
      ...(this.#input.upload === undefined ? [] : this.#check.files),
    ];
    const near = typeof value === 'string' ? nearestNames(value, names) : [];
    const what = typeof value === 'string' ? shown(value) : 'this value';
    if (near.length > 0) return `${what} is not there. Did you mean ${near.map(shown).join(' or ')}?`;
    return isFile
      ? `this server has no file ${what}. Use one that it lists.`
      : `${what} is not one of the allowed values.`;
  }

  #checkNumber(value: Json): void {
    const { type, min, max } = this.#input;
    const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
    if (!isNumber || (type === 'INT' && typeof value === 'number' && !Number.isInteger(value))) {
      this.#refuse('wrong_type', `it takes ${type === 'INT' ? 'a whole number' : 'a number'}, written without quotes.`);
      return;
    }
    if (min !== undefined && value < min)
      this.#refuse('out_of_range', `${String(value)} is below the least allowed value, ${String(min)}.`);
    if (max !== undefined && value > max)
      this.#refuse('out_of_range', `${String(value)} is above the greatest allowed value, ${String(max)}.`);
  }

  #checkBoolean(value: Json): void {
    if (typeof value !== 'boolean') this.#refuse('wrong_type', 'it takes true or false, written without quotes.');
  }

  #checkWidget(value: Json): void {
    if (!isPlainSetting(value, 4))
      this.#refuse('wrong_type', `it takes a plain ${this.#input.type} value: numbers, words and nothing else.`);
  }

  #checkText(value: Json): void {
    if (typeof value !== 'string') {
      this.#refuse('wrong_type', 'it takes a text.');
      return;
    }
    const { maxTextChars } = this.#check.policy.limits;
    if (value.length > maxTextChars) {
      this.#refuse('too_large', `the text has ${value.length} characters; at most ${maxTextChars} are allowed.`);
      return;
    }
    if (value === '' || value === this.#input.default) return;
    switch (inputRole(this.#nodeClass, this.#input)) {
      case 'prose':
        this.#checkProse(value);
        break;
      case 'plain':
        this.#refuseHazard(value, pathHazard(value), 'Write it without paths and addresses.');
        break;
      case 'output_name':
        this.#checkOutputName(value);
        break;
      case 'file':
        this.#checkFileName(value);
        break;
      case 'address':
        this.#refuse(
          'url',
          'the server fetches nothing itself and takes no secrets from a workflow. Upload the file and load it by its name.',
        );
        break;
    }
  }

  #checkProse(value: string): void {
    if (hasControlCharacters(value)) this.#refuse('unsafe_name', 'the text has control characters. Remove them.');
    else this.#refuseHazard(value, embeddingHazard(value), 'Name the embedding by its file name alone.');
  }

  #checkOutputName(value: string): void {
    const bare = value.replace(outputNameTokens, '');
    const hazard = nameHazard(bare) ?? this.#outputNameHazard(bare);
    this.#refuseHazard(value, hazard, 'Use letters, digits, spaces, "-", "_" and "." only.');
  }

  #outputNameHazard(value: string): string | undefined {
    if (value.length > 150) return 'is longer than 150 characters';
    const folders = value.split('/').length - 1;
    if (folders > 0 && !this.#check.policy.allowOutputSubfolders) return 'names a subfolder';
    if (folders > 4) return 'names too many subfolders';
    if (/(^|\/)([\s./]|$)/.test(value)) return 'has an empty part, or one that begins with a dot or a space';
    return /[<>:"|?*%]/.test(value) ? 'has a character that file systems refuse' : undefined;
  }

  #checkFileName(value: string): void {
    const hazard = pathHazard(value);
    if (hazard !== undefined) this.#refuseHazard(value, hazard, 'Use the name of an uploaded file.');
    else if (!this.#check.files.has(value))
      this.#refuse('not_in_inventory', `there is no file ${shown(value)}. Upload it first.`);
  }

  #refuseHazard(value: string, hazard: string | undefined, remedy: string): void {
    if (hazard !== undefined) this.#refuse('unsafe_name', `the text ${shown(value)} ${hazard}. ${remedy}`);
  }
}

/**
 * Numbers, true and false, short words and colours, in lists and objects of at most so many levels. Nothing wrapped: ComfyUI unwraps
 * `__value__` after it has checked links, and a list inside is then a link that nobody has judged.
 */
function isPlainSetting(value: Json, levels: number): boolean {
  if (typeof value === 'string') return /^#?[\w-]{0,40}$/.test(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  const members = Object.entries(value);
  return (
    levels > 0 &&
    members.length <= 100 &&
    members.every(
      ([key, member]) => key !== '__value__' && /^\w{1,40}$/.test(key) && isPlainSetting(member, levels - 1),
    )
  );
}

function sameValue(option: Json, value: Json): boolean {
  return pythonEquals(pythonFromJson(option), pythonFromJson(value));
}
