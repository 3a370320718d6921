import type { Json } from '../json/json.ts';
import { jsonFromPython, pythonFromJson } from '../json/python-json.ts';
import type { PyDict, PyValue } from '../json/python-json.ts';
import { pythonRepr, pythonStr } from '../json/python-text.ts';
import type { NodeClass, NodeInput, Registry } from '../registry/registry.ts';
import { fitsInput, inputType, outputType } from './check-link-type.ts';
import { customCheckOf, runCustomCheck } from './custom-checks.ts';
import type { CustomCheck } from './custom-checks.ts';
import { expandInputs } from './expand-inputs.ts';
import type { Expansion, ExpandedInput } from './expand-inputs.ts';
import type { ServerError } from './prompt-verdict.ts';
import { numericValue, pythonBool, pythonEquals, pythonFloat, pythonInt, pythonTypeName } from './python-conversion.ts';
import { PythonException } from './python-exception.ts';
import { PythonSet } from './python-set.ts';
import type { NodeResult, ValidationRun } from './validation-run.ts';

/** The visit of a node: gives the id of each node that it wants to know more of, and takes what that came to. */
export type Visit = Generator<string, NodeResult, NodeResult>;

/** @throws PythonException where the prompt has no such node, or none that can be visited. */
export function visitNode(run: ValidationRun, id: string): Visit {
  const node = nodeDict(run.prompt, id);
  const inputs = member(node, 'inputs');
  const nodeClass = classOf(run.registry, member(node, 'class_type'));
  return new NodeVisit(run, id, nodeClass, inputs).validate();
}

export function nodeDict(prompt: PyDict, id: string): PyValue {
  const node = prompt.get(id);
  if (node === undefined) throw new PythonException('KeyError', pythonRepr(id));
  return node;
}

export function member(node: PyValue, key: string): PyValue {
  if (node instanceof Map) {
    const value = node.get(key);
    if (value === undefined) throw new PythonException('KeyError', pythonRepr(key));
    return value;
  }
  if (typeof node === 'string') throw new PythonException('TypeError', "string indices must be integers, not 'str'");
  if (Array.isArray(node)) throw new PythonException('TypeError', 'list indices must be integers or slices, not str');
  throw new PythonException('TypeError', `'${pythonTypeName(node)}' object is not subscriptable`);
}

function classOf(registry: Registry, name: PyValue): NodeClass {
  const nodeClass = typeof name === 'string' ? registry.classes.get(name) : undefined;
  if (nodeClass === undefined) throw new PythonException('KeyError', pythonRepr(name));
  return nodeClass;
}

/** A link that leads to a node which fits, as far as its class says. */
interface SourceLink {
  sourceId: string;
  link: PyValue;
}

/** One visit of one node. */
class NodeVisit {
  readonly #run: ValidationRun;
  readonly #id: string;
  readonly #nodeClass: NodeClass;
  readonly #inputs: PyValue;
  readonly #check: CustomCheck | undefined;
  readonly #errors: ServerError[] = [];
  #valid = true;

  constructor(run: ValidationRun, id: string, nodeClass: NodeClass, inputs: PyValue) {
    this.#run = run;
    this.#id = id;
    this.#nodeClass = nodeClass;
    this.#inputs = inputs;
    this.#check = customCheckOf(nodeClass);
  }

  *validate(): Visit {
    const { rules } = this.#run;
    const live = this.#inputs instanceof Map ? this.#inputs : new Map<string, PyValue>();
    const expansion = expandInputs(this.#nodeClass, live, rules);
    if (expansion.failure !== undefined) {
      const { inputName, details } = expansion.failure;
      const extra = { input_name: inputName };
      return {
        valid: false,
        errors: [{ type: 'invalid_dynamic_input', message: 'Invalid dynamic input', details, extra_info: extra }],
      };
    }
    for (const expanded of this.#visitOrder(expansion)) {
      const link = this.#visit(expanded, expansion.hasDynamicInputs);
      if (link !== undefined) yield* this.#visitSource(expanded, link);
    }
    this.#runCustomCheck(live);
    return this.#result();
  }

  /** Python visits a set of the names; without dynamic inputs its order is the same for every node of a class. */
  #visitOrder({ inputs, hasDynamicInputs }: Expansion): readonly ExpandedInput[] {
    const { hashSecret, orders } = this.#run;
    const known = orders.get(this.#nodeClass);
    if (known !== undefined) return known;
    const namesIn = (group: string): string[] =>
      inputs.filter((input) => input.group === group).map(({ name }) => name);
    const required = PythonSet.fromKeys(namesIn('required'), hashSecret);
    const names = required.union(PythonSet.fromKeys(namesIn('optional'), hashSecret)).values();
    const byName = new Map(inputs.map((input) => [input.name, input]));
    const order = names.flatMap((name) => byName.get(name) ?? []);
    if (!hasDynamicInputs) orders.set(this.#nodeClass, order);
    return order;
  }

  #result(): NodeResult {
    const earlier = this.#run.validated.get(this.#id);
    const errors = [...(earlier?.errors ?? []), ...this.#errors];
    return { valid: (earlier?.valid ?? true) && this.#valid && this.#errors.length === 0, errors };
  }

  /** Gives the link that has still to be followed, if any. */
  #visit({ name, group, input }: ExpandedInput, hasDynamicInputs: boolean): SourceLink | undefined {
    if (!hasMember(this.#inputs, name)) {
      if (group !== 'required') return undefined;
      const details = hasDynamicInputs ? (name.split('.').at(-1) ?? name) : name;
      this.#errors.push({
        type: 'required_input_missing',
        message: 'Required input is missing',
        details,
        extra_info: { input_name: name },
      });
      return undefined;
    }
    const value = member(this.#inputs, name);
    if (Array.isArray(value)) return this.#visitLink(name, input, value);
    this.#visitLiteral(name, input, value);
    return undefined;
  }

  #visitLink(name: string, input: NodeInput, value: PyValue[]): SourceLink | undefined {
    const [source, slot] = value;
    if (value.length !== 2 || source === undefined || slot === undefined) {
      this.#fail(
        'bad_linked_input',
        'Bad linked input, must be a length-2 list of [node_id, slot_index]',
        name,
        name,
        input,
        {
          received_value: jsonFromPython(value),
        },
      );
      return undefined;
    }
    const sourceId = linkedId(this.#run.prompt, source);
    const sourceClass = classOf(this.#run.registry, member(nodeDict(this.#run.prompt, sourceId), 'class_type'));
    const output = sourceClass.outputs[slotIndex(sourceClass, slot)];
    if (output === undefined) throw outOfRange(sourceClass);
    if (!fitsInput(output, input, this.#run.rules)) {
      const received = outputType(output);
      const details = `${name}, received_type(${pythonStr(received)}) mismatch input_type(${pythonStr(inputType(input))})`;
      this.#fail('return_type_mismatch', 'Return type mismatch between linked nodes', details, name, input, {
        received_type: jsonFromPython(received),
        linked_node: jsonFromPython(value),
      });
      return undefined;
    }
    return { sourceId, link: value };
  }

  *#visitSource({ name, input }: ExpandedInput, { sourceId, link }: SourceLink): Generator<string, void, NodeResult> {
    const run = this.#run;
    run.visiting.push(this.#id);
    try {
      const source = yield sourceId;
      if (!source.valid) this.#valid = false;
    } catch (error) {
      if (!(error instanceof PythonException)) throw error;
      this.#valid = false;
      const inner: ServerError = {
        type: 'exception_during_inner_validation',
        message: 'Exception when validating inner node',
        details: error.message,
        extra_info: {
          input_name: name,
          input_config: serverConfig(input),
          exception_message: error.message,
          exception_type: error.type,
          traceback: [],
          linked_node: jsonFromPython(link),
        },
      };
      run.validated.set(sourceId, { valid: false, errors: [inner] });
    } finally {
      run.visiting.pop();
    }
  }

  #visitLiteral(name: string, input: NodeInput, received: PyValue): void {
    let value = received;
    if (value instanceof Map && value.has('__value__')) value = this.#replace(name, value.get('__value__') ?? null);
    try {
      value = this.#replace(name, convert(input, value));
    } catch (error) {
      if (!(error instanceof PythonException)) throw error;
      const details = `${name}, ${pythonStr(value)}, ${error.message}`;
      this.#fail(
        'invalid_input_type',
        `Failed to convert an input value to a ${input.type} value`,
        details,
        name,
        input,
        {
          received_value: jsonFromPython(value),
          exception_message: error.message,
        },
      );
      return;
    }
    if (this.#check?.inputName === name) return;
    if (this.#checkBounds(name, input, value)) this.#checkOptions(name, input, value);
  }

  /** The server writes converted values back, and a class's own check sees those. */
  #replace(name: string, value: PyValue): PyValue {
    if (this.#inputs instanceof Map) this.#inputs.set(name, value);
    return value;
  }

  #checkBounds(name: string, input: NodeInput, value: PyValue): boolean {
    const bounds = [
      { bound: input.min, text: input.minText, type: 'value_smaller_than_min', words: 'smaller than min', sign: '<' },
      { bound: input.max, text: input.maxText, type: 'value_bigger_than_max', words: 'bigger than max', sign: '>' },
    ];
    for (const { bound, text, type, words, sign } of bounds) {
      if (bound === undefined) continue;
      const number = numericValue(value);
      if (number === undefined) {
        const other = typeof bound === 'bigint' || Number.isInteger(bound) ? 'int' : 'float';
        const message = `'${sign}' not supported between instances of '${pythonTypeName(value)}' and '${other}'`;
        throw new PythonException('TypeError', message);
      }
      if (sign === '<' ? number >= bound : number <= bound) continue;
      if (typeof number === 'number' && Number.isNaN(number)) continue;
      this.#fail(type, `Value ${pythonStr(value)} ${words} of ${text ?? String(bound)}`, name, name, input, {
        received_value: jsonFromPython(value),
      });
      return false;
    }
    return true;
  }

  #checkOptions(name: string, input: NodeInput, value: PyValue): void {
    const { rules } = this.#run;
    if (input.options === undefined || (input.comboForm === 'options' && !rules.checksComboOptions)) return;
    if (input.remote === true && rules.writesRepr) return;
    const options = input.options;
    const isAllowed = (item: PyValue): boolean =>
      typeof item === 'string'
        ? options.includes(item)
        : options.some((option) => pythonEquals(pythonFromJson(option), item));
    const wrong = (input.multiselect === true && Array.isArray(value) ? value : [value]).filter(
      (item) => !isAllowed(item),
    );
    if (wrong.length === 0) return;
    const isLong = options.length > 20;
    const list = isLong ? `(list of length ${options.length})` : pythonRepr(options.map(pythonFromJson));
    const written = rules.writesRepr
      ? wrong.map(pythonRepr).join(', ')
      : wrong.map((item) => `'${pythonStr(item)}'`).join(', ');
    this.#errors.push({
      type: 'value_not_in_list',
      message: 'Value not in list',
      details: `${name}: ${written} not in ${list}`,
      extra_info: {
        input_name: name,
        input_config: isLong ? null : serverConfig(input),
        received_value: jsonFromPython(value),
      },
    });
  }

  #runCustomCheck(live: PyDict): void {
    if (this.#check === undefined) return;
    const answer = runCustomCheck(this.#nodeClass, this.#check, live, this.#run.files());
    if (answer === undefined) return;
    const { inputName } = this.#check;
    this.#errors.push({
      type: 'custom_validation_failed',
      message: 'Custom validation failed for node',
      details: `${inputName} - ${answer}`,
      extra_info: { input_name: inputName },
    });
  }

  #fail(
    type: string,
    message: string,
    details: string,
    name: string,
    input: NodeInput,
    extra: { [key: string]: Json },
  ): void {
    this.#errors.push({
      type,
      message,
      details,
      extra_info: { input_name: name, input_config: serverConfig(input), ...extra },
    });
  }
}

/** The server adds the settings that a declaration left out. */
function serverConfig(input: NodeInput): Json {
  const { config } = input;
  return Array.isArray(config) && config.length === 1 ? [...config, {}] : config;
}

function hasMember(inputs: PyValue, name: string): boolean {
  if (inputs instanceof Map) return inputs.has(name);
  if (typeof inputs === 'string') return inputs.includes(name);
  if (Array.isArray(inputs)) return inputs.includes(name);
  throw new PythonException('TypeError', `argument of type '${pythonTypeName(inputs)}' is not iterable`);
}

function linkedId(prompt: PyDict, source: PyValue): string {
  if (typeof source === 'string') {
    if (!prompt.has(source)) throw new PythonException('KeyError', pythonRepr(source));
    return source;
  }
  if (Array.isArray(source) || source instanceof Map) {
    throw new PythonException('TypeError', `unhashable type: '${pythonTypeName(source)}'`);
  }
  throw new PythonException('KeyError', pythonRepr(source));
}

function slotIndex(sourceClass: NodeClass, slot: PyValue): number {
  if (typeof slot !== 'bigint' && typeof slot !== 'boolean') {
    const container = sourceClass.isV3 ? 'list' : 'tuple';
    throw new PythonException(
      'TypeError',
      `${container} indices must be integers or slices, not ${pythonTypeName(slot)}`,
    );
  }
  const index = Number(slot);
  return index < 0 ? index + sourceClass.outputs.length : index;
}

function outOfRange(sourceClass: NodeClass): PythonException {
  return new PythonException('IndexError', `${sourceClass.isV3 ? 'list' : 'tuple'} index out of range`);
}

function convert(input: NodeInput, value: PyValue): PyValue {
  switch (input.type) {
    case 'INT':
      return pythonInt(value);
    case 'FLOAT':
      return pythonFloat(value);
    case 'STRING':
      return pythonStr(value);
    case 'BOOLEAN':
      return pythonBool(value);
    default:
      return value;
  }
}
