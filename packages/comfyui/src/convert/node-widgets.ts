import type { Json, JsonObject } from '../json/json.ts';
import type { NodeClass, NodeInput } from '../registry/registry.ts';
import type { FrontendNode } from './frontend-workflow.ts';

/** One widget of a node, in the order in which the front end saves their values. */
export type NodeWidget =
  /** Its value is an input of the prompt. */
  | { kind: 'value'; name: string; input: NodeInput }
  /** `fixed`, `randomize`, …: what happens to the value before it after each run. */
  | { kind: 'control'; name: 'control_after_generate' | 'control_filter_list' }
  /** The upload button; its value means nothing. */
  | { kind: 'upload'; name: 'upload' };

/** Types for which the front end draws a widget; everything else is a slot. */
const WIDGET_TYPES: ReadonlySet<string> = new Set([
  'INT',
  'FLOAT',
  'STRING',
  'BOOLEAN',
  'COMBO',
  'WEBCAM',
  'COLOR',
  'MARKDOWN',
  'AUDIO_RECORD',
  'COMFY_DYNAMICCOMBO_V3',
]);

const CONTROL_VALUES: ReadonlySet<Json> = new Set(['fixed', 'increment', 'decrement', 'randomize', 'increment-wrap']);

/** Whether the front end draws a widget for an input. */
export function isWidgetInput(input: NodeInput): boolean {
  return input.forceInput !== true && WIDGET_TYPES.has(input.type);
}

function configOf(input: NodeInput): JsonObject {
  const config = Array.isArray(input.config) ? input.config[1] : undefined;
  return typeof config === 'object' && config !== null && !Array.isArray(config) ? config : {};
}

/** Whether the front end replaces `{a|b}` and comments in the value. */
export function isDynamicPrompt(input: NodeInput): boolean {
  return configOf(input)['dynamicPrompts'] === true;
}

/** Whether a widget that changes the value stands behind it: where declared, else behind seeds. */
function isControlled(input: NodeInput): boolean {
  const declared = configOf(input)['control_after_generate'];
  if (declared !== undefined && declared !== null) return declared !== false;
  return input.type === 'INT' && (input.name === 'seed' || input.name === 'noise_seed');
}

/** The value that the front end gives a widget of a new node. */
export function initialValue(input: NodeInput): Json {
  if (input.default !== undefined) return input.default;
  if (input.dynamic?.kind === 'combo') return input.dynamic.choices[0]?.key ?? '';
  if (input.options !== undefined) return input.options[0] ?? '';
  if (input.type === 'INT' || input.type === 'FLOAT') return input.min !== undefined && input.min > 0 ? input.min : 0;
  return input.type === 'BOOLEAN' ? false : '';
}

/** Puts the widgets of one input in order; `choice` is the value of a dynamic combo, whose choice adds further inputs. */
function* widgetsOf(input: NodeInput, choice: (name: string) => Json | undefined): Generator<NodeWidget> {
  if (!isWidgetInput(input)) return;
  yield { kind: 'value', name: input.name, input };
  if (isControlled(input)) {
    yield { kind: 'control', name: 'control_after_generate' };
    if (input.type === 'COMBO') yield { kind: 'control', name: 'control_filter_list' };
  }
  if (input.dynamic?.kind === 'combo') {
    const picked = choice(input.name) ?? initialValue(input);
    for (const child of input.dynamic.choices.find((candidate) => candidate.key === picked)?.inputs ?? []) {
      yield* widgetsOf({ ...child, name: `${input.name}.${child.name}` }, choice);
    }
  }
}

/**
 * The widgets of a class in the order in which the front end saves their values: required inputs, the upload button,
 * optional inputs.
 *
 * @param choice gives the value of a dynamic combo, which decides which widgets follow it. It is asked when that value
 * has been consumed, so a reader can answer from what it has read so far.
 */
export function* nodeWidgets(nodeClass: NodeClass, choice: (name: string) => Json | undefined): Generator<NodeWidget> {
  for (const group of ['required', 'optional'] as const) {
    let hasUpload = false;
    for (const input of nodeClass.inputs) {
      if (input.group !== group) continue;
      hasUpload ||= input.upload !== undefined;
      yield* widgetsOf(input, choice);
    }
    if (hasUpload) yield { kind: 'upload', name: 'upload' };
  }
}

/** A widget of a node with the value that it has. */
export interface WidgetValue {
  name: string;
  input: NodeInput;
  value: Json;
}

/**
 * The values of a node's widgets, from its saved list or object; what is not saved has the value of a new node.
 */
export function readWidgetValues(node: FrontendNode, nodeClass: NodeClass): WidgetValue[] {
  const saved = node.widgetValues;
  const byPosition = isList(saved) ? saved : undefined;
  const byName = saved !== undefined && !isList(saved) ? saved : undefined;
  const values = new Map<string, WidgetValue>();
  let position = 0;
  for (const widget of nodeWidgets(nodeClass, (name) => values.get(name)?.value)) {
    if (widget.kind === 'control' && byPosition !== undefined) {
      // Older files and other tools save seeds without it.
      const isThere = widget.name === 'control_after_generate' && CONTROL_VALUES.has(byPosition[position] ?? null);
      const isFilter =
        widget.name === 'control_filter_list' &&
        typeof byPosition[position] === 'string' &&
        CONTROL_VALUES.has(byPosition[position - 1] ?? null);
      if (isThere || isFilter) position += 1;
    } else if (widget.kind === 'upload') {
      position += 1;
    } else if (widget.kind === 'value') {
      const named = byName !== undefined && Object.hasOwn(byName, widget.name) ? byName[widget.name] : undefined;
      const value = byPosition?.[position] ?? (position < (byPosition?.length ?? 0) ? null : undefined);
      values.set(widget.name, {
        name: widget.name,
        input: widget.input,
        value: named ?? value ?? initialValue(widget.input),
      });
      position += 1;
    }
  }
  return [...values.values()];
}

function isList(value: FrontendNode['widgetValues']): value is readonly Json[] {
  return Array.isArray(value);
}
