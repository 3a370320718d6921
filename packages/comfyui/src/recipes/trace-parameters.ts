import { inputOf, nodeOf } from '../graph/links.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isLink } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import type { NodeInput, Registry } from '../registry/registry.ts';

/** What an input of a workflow means to a person. */
export type ParameterRole =
  | 'prompt'
  | 'negative'
  | 'seed'
  | 'width'
  | 'height'
  | 'count'
  | 'frames'
  | 'steps'
  | 'cfg'
  | 'guidance'
  | 'sampler'
  | 'scheduler'
  | 'denoise'
  | 'model'
  | 'lora'
  | 'strength'
  | 'image'
  | 'mask';

/** A literal of a workflow that a parameter can stand for. */
export interface TracedInput {
  role: ParameterRole;
  node: NodeId;
  input: string;
  value: Json;
}

/** Most nodes that are looked at from one input, from all inputs together, and most that are passed one inside the other. */
const MAX_NODES = 2_000;
const MAX_LOOKS = 100_000;
const MAX_DEPTH = 100;
const TEXT_INPUTS = ['text', 'prompt', 'text_g', 'text_l', 'clip_l', 't5xxl', 'text_positive', 'string', 'value'];
const PRIMITIVE_INPUTS = ['value', 'int', 'float', 'string', 'number', 'seed'];
const SAMPLER_ROLES: readonly (readonly [ParameterRole, readonly string[]])[] = [
  ['seed', ['seed', 'noise_seed']],
  ['steps', ['steps']],
  ['cfg', ['cfg']],
  ['guidance', ['guidance']],
  ['sampler', ['sampler_name']],
  ['scheduler', ['scheduler']],
  ['denoise', ['denoise']],
];
/** Inputs through which a sampler's own settings come from other nodes. */
const SETTING_LINKS = ['noise', 'guider', 'sampler', 'sigmas'];

class Trace {
  readonly workflow: Workflow;
  readonly registry: Registry;
  readonly found: TracedInput[] = [];
  private readonly taken = new Set<string>();
  private looks = 0;

  constructor(workflow: Workflow, registry: Registry) {
    this.workflow = workflow;
    this.registry = registry;
  }

  declared(node: Readonly<WorkflowNode>, input: string): NodeInput | undefined {
    return this.registry.classes.get(node.class_type)?.inputsByName.get(input);
  }

  /** Notes a literal; a link to a primitive is followed to where the value stands. */
  note(role: ParameterRole, id: NodeId, input: string, depth = 0): boolean {
    const node = nodeOf(this.workflow, id);
    const value = node === undefined ? undefined : inputOf(node, input);
    if (node === undefined || value === undefined) return false;
    if (isLink(value)) {
      const source = nodeOf(this.workflow, value[0]);
      if (source === undefined || depth > MAX_DEPTH) return false;
      const primitive = PRIMITIVE_INPUTS.find((name) => inputOf(source, name) !== undefined);
      return primitive !== undefined && this.note(role, value[0], primitive, depth + 1);
    }
    const key = JSON.stringify([id, input]);
    if (this.taken.has(key)) return true;
    this.taken.add(key);
    this.found.push({ role, node: id, input, value });
    return true;
  }

  /** Visits what an input is made from, nearest first, until `visit` is content. */
  upstream(id: NodeId, input: string, visit: (id: NodeId, node: Readonly<WorkflowNode>) => boolean): boolean {
    const start = nodeOf(this.workflow, id);
    const first = start === undefined ? undefined : inputOf(start, input);
    if (!isLink(first)) return false;
    const seen = new Set<NodeId>([first[0]]);
    for (const current of seen) {
      const node = nodeOf(this.workflow, current);
      if (node === undefined) continue;
      this.looks += 1;
      if (this.looks > MAX_LOOKS) return false;
      if (visit(current, node)) return true;
      for (const value of Object.values(node.inputs)) if (isLink(value) && seen.size < MAX_NODES) seen.add(value[0]);
    }
    return false;
  }
}

/** The text behind a conditioning: the nearest literal that a person would have typed. */
function traceText(trace: Trace, id: NodeId, input: string, role: 'prompt' | 'negative', depth = 0): void {
  trace.upstream(id, input, (current, node) => {
    // What is zeroed out says nothing, whatever text it came from.
    if (role === 'negative' && node.class_type === 'ConditioningZeroOut') return true;
    // A ControlNet and its like carry both prompts: only the side asked for leads on.
    if (isLink(inputOf(node, 'positive')) && isLink(inputOf(node, 'negative'))) {
      if (depth < MAX_DEPTH) traceText(trace, current, role === 'prompt' ? 'positive' : 'negative', role, depth + 1);
      return true;
    }
    let noted = false;
    for (const name of TEXT_INPUTS) {
      const value = inputOf(node, name);
      const isText = typeof value === 'string' && (trace.declared(node, name)?.type ?? 'STRING') === 'STRING';
      if (isText || isLink(value)) noted = trace.note(role, current, name) || noted;
    }
    return noted;
  });
}

/** @param passed nodes that were looked at for this sampler: many ways can lead to one. */
function traceSettings(trace: Trace, id: NodeId, passed = new Set<NodeId>()): void {
  const node = nodeOf(trace.workflow, id);
  if (node === undefined || passed.has(id) || passed.size >= MAX_DEPTH) return;
  passed.add(id);
  for (const [role, names] of SAMPLER_ROLES) for (const name of names) trace.note(role, id, name);
  for (const input of SETTING_LINKS) {
    const value = inputOf(node, input);
    if (isLink(value)) traceSettings(trace, value[0], passed);
  }
}

function traceGuidance(trace: Trace, id: NodeId, input: string): void {
  trace.upstream(id, input, (current, node) => {
    const has = typeof inputOf(node, 'guidance') === 'number';
    return has && trace.note('guidance', current, 'guidance');
  });
}

function traceSize(trace: Trace, id: NodeId, input: string): void {
  trace.upstream(id, input, (current, node) => {
    const width = inputOf(node, 'width');
    const height = inputOf(node, 'height');
    trace.note('count', current, 'batch_size');
    if (width === undefined || height === undefined) return false;
    trace.note('frames', current, 'length');
    return trace.note('width', current, 'width') && trace.note('height', current, 'height');
  });
}

function traceModels(trace: Trace): void {
  for (const [id, node] of Object.entries(trace.workflow)) {
    for (const input of ['ckpt_name', 'unet_name'])
      if (typeof inputOf(node, input) === 'string') trace.note('model', id, input);
    if (typeof inputOf(node, 'lora_name') !== 'string') continue;
    trace.note('lora', id, 'lora_name');
    trace.note('strength', id, 'strength_model');
  }
}

function traceImages(trace: Trace): void {
  for (const [id, node] of Object.entries(trace.workflow)) {
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value !== 'string' || trace.declared(node, input)?.upload !== 'image') continue;
      trace.note(node.class_type === 'LoadImageMask' ? 'mask' : 'image', id, input);
    }
  }
}

/** Whether a node draws: it turns a latent into another by conditioning, by itself or through a guider. */
function isSampler(node: Readonly<WorkflowNode>): boolean {
  return (
    isLink(inputOf(node, 'latent_image')) && (isLink(inputOf(node, 'positive')) || isLink(inputOf(node, 'guider')))
  );
}

/**
 * Finds what a person would want to set in a workflow, by following links back from its samplers and outputs: prompts
 * are where the conditioning comes from, sizes where the first latent comes from, and so on.
 *
 * @param order node ids in the order of execution: earlier samplers name the plain parameters.
 */
export function traceParameters(workflow: Workflow, registry: Registry, order: readonly NodeId[]): TracedInput[] {
  const trace = new Trace(workflow, registry);
  for (const id of order) {
    const node = nodeOf(workflow, id);
    if (node === undefined || !isSampler(node)) continue;
    const guider = inputOf(node, 'guider');
    const conditioned = isLink(guider) ? guider[0] : id;
    const guiderNode = nodeOf(workflow, conditioned);
    const positive =
      guiderNode !== undefined && isLink(inputOf(guiderNode, 'conditioning')) ? 'conditioning' : 'positive';
    traceText(trace, conditioned, positive, 'prompt');
    traceText(trace, conditioned, 'negative', 'negative');
    traceSettings(trace, id);
    traceGuidance(trace, conditioned, positive);
    traceSize(trace, id, 'latent_image');
  }
  traceModels(trace);
  traceImages(trace);
  return trace.found;
}
