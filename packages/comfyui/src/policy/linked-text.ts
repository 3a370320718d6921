import { inputOf, nodeOf } from '../graph/links.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isLink } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';

/** The texts that one input or node may hold when the workflow runs: more than one behind a switch. */
type Texts = readonly string[];

/** Switches multiply: past this many nobody can say what a text will be. */
const maxTexts = 64;

/** The inputs of a node that makes a text, and the longest text that counts. */
interface TextInputs {
  text(name: string): string;
  number(name: string): number;
  maxChars: number;
}

/** Works out a text as ComfyUI's node does; undefined for one that is longer than any text may be. */
type TextNode = (inputs: TextInputs) => string | undefined;

/** ComfyUI's own classes that make texts of texts (`nodes_string.py`, `nodes_dataset.py` of 0.8.0). What only changes case or space is of no account to a name. */
const textNodes: ReadonlyMap<string, TextNode> = new Map<string, TextNode>([
  ['StringConcatenate', ({ text }) => `${text('string_a')}${text('delimiter')}${text('string_b')}`],
  ['StringSubstring', ({ text, number }) => pythonSlice(text('string'), number('start'), number('end'))],
  ['StringReplace', ({ text, maxChars }) => pythonReplace(text('string'), text('find'), text('replace'), maxChars)],
  ['StringTrim', ({ text }) => text('string').trim()],
  ['ReplaceText', ({ text, maxChars }) => pythonReplace(text('texts'), text('find'), text('replace'), maxChars)],
  ['AddTextPrefix', ({ text }) => `${text('prefix')}${text('texts')}`],
  ['AddTextSuffix', ({ text }) => `${text('texts')}${text('suffix')}`],
  ['StripWhitespace', ({ text }) => text('texts').trim()],
  ['TruncateText', ({ text, number }) => pythonSlice(text('texts'), 0, number('max_length'))],
]);

/** The inputs of those classes that are numbers. */
const decidingNumbers: ReadonlySet<string> = new Set(['start', 'end', 'max_length']);

/** Tells which texts a workflow's nodes will hand on. */
export interface LinkedTexts {
  /**
   * The texts that the node may give, as far as they follow from what the workflow holds.
   *
   * @returns undefined where that cannot be said: a number that decides is computed, or switches leave too many.
   */
  of(id: NodeId): Texts | undefined;
}

/**
 * Works out texts that string nodes put together, before anything runs: a name that is harmless in its parts (`embed`, `ding:…`) is
 * judged as the whole that ComfyUI will see. Classes that are not known here are taken to hand on any of the texts that they get.
 *
 * @param maxChars longest text: longer ones are left out, since the limit on work refuses them.
 */
export function createLinkedTexts(nodes: Workflow, maxChars: number): LinkedTexts {
  const known = new Map<NodeId, Texts | undefined>();

  function of(id: NodeId): Texts | undefined {
    const node = nodeOf(nodes, id);
    if (node === undefined) return [];
    if (known.has(id)) return known.get(id);
    // In a circle of nodes, which is refused for itself, nothing comes back.
    known.set(id, []);
    const texts = work(node);
    known.set(id, texts);
    return texts;
  }

  function ofInput(value: Json | undefined): Texts | undefined {
    if (isLink(value)) return of(value[0]);
    return typeof value === 'string' ? [value] : [''];
  }

  function work(node: Readonly<WorkflowNode>): Texts | undefined {
    const textNode = textNodes.get(node.class_type);
    if (textNode === undefined) return handOn(node);
    const results: string[] = [];
    const numbers = numbersOf(node);
    const texts = Object.entries(node.inputs).filter(([name]) => !decidingNumbers.has(name));
    const combinations = combine(texts.map(([name, value]) => [name, ofInput(value)]));
    if (numbers === undefined || combinations === undefined) return undefined;
    for (const inputs of combinations) {
      const result = textNode({
        text: (name) => inputs.get(name) ?? '',
        number: (name) => numbers.get(name) ?? 0,
        maxChars,
      });
      if (result !== undefined && result.length <= maxChars) results.push(result);
    }
    return results;
  }

  /** The numbers of a node, as they stand there or in a primitive; undefined where another node computes one. */
  function numbersOf(node: Readonly<WorkflowNode>): ReadonlyMap<string, number> | undefined {
    const numbers = new Map<string, number>();
    for (const name of decidingNumbers) {
      const value = inputOf(node, name);
      const source = isLink(value) ? nodeOf(nodes, value[0]) : undefined;
      const literal = source?.class_type === 'PrimitiveInt' ? inputOf(source, 'value') : value;
      if (typeof literal === 'number' || typeof literal === 'bigint') numbers.set(name, Number(literal));
      else if (isLink(literal)) return undefined;
    }
    return numbers;
  }

  /** A primitive gives its literal, a switch one of its inputs. */
  function handOn(node: Readonly<WorkflowNode>): Texts | undefined {
    const texts = new Set<string>();
    for (const value of Object.values(node.inputs)) {
      if (typeof value !== 'string' && !isLink(value)) continue;
      const given = ofInput(value);
      if (given === undefined) return undefined;
      for (const text of given) texts.add(text);
    }
    return texts.size > maxTexts ? undefined : [...texts];
  }

  return { of };
}

/** Every choice of one text an input, an empty one where nothing is known; undefined where there are too many. */
function combine(inputs: readonly (readonly [string, Texts | undefined])[]): Map<string, string>[] | undefined {
  let combinations: Map<string, string>[] = [new Map()];
  for (const [name, texts] of inputs) {
    if (texts === undefined || combinations.length * texts.length > maxTexts) return undefined;
    const choices = texts.length === 0 ? [''] : texts;
    combinations = combinations.flatMap((chosen) => choices.map((text) => new Map(chosen).set(name, text)));
  }
  return combinations;
}

/** `text[start:end]`, which counts code points, and from the end where a bound is negative. */
function pythonSlice(text: string, start: number, end: number): string {
  return Array.from(text).slice(start, end).join('');
}

/** `text.replace(find, replacement)`; an empty `find` stands before, behind and between all characters. */
function pythonReplace(text: string, find: string, replacement: string, maxChars: number): string | undefined {
  const parts = find === '' ? ['', ...Array.from(text), ''] : text.split(find);
  const length = text.length + (parts.length - 1) * (replacement.length - find.length);
  return length > maxChars ? undefined : parts.join(replacement);
}
