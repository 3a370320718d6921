import { linksInto, nodeOf } from '../../graph/links.ts';
import { toRecord } from '../../graph/parse-workflow.ts';
import { isLink } from '../../graph/workflow.ts';
import type { Workflow, WorkflowNode } from '../../graph/workflow.ts';
import type { Json } from '../../json/json.ts';
import type { Registry } from '../../registry/registry.ts';
import { initialValue, nodeWidgets } from '../node-widgets.ts';
import { convertToApi } from '../to-api.ts';
import { convertToFrontend } from '../to-frontend.ts';

/** A workflow that went to the front-end format and back, and what should have come back. */
export interface RoundTrip {
  back: Workflow;
  expected: Workflow;
  /** Inputs that the front end has no place for. */
  dropped: string[];
}

/** Converts to the front-end format and back. */
export function roundTrip(workflow: Workflow, registry: Registry): RoundTrip {
  const exported = convertToFrontend(workflow, registry);
  return {
    back: convertToApi(exported.workflow, registry).workflow,
    expected: completed(workflow, exported.ids, registry),
    dropped: exported.dropped,
  };
}

/** The same value in objects that have a prototype, for comparing with ones that have none. */
export function plain(value: Json | Workflow): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Lists would be taken for links: the front end wraps them. */
function wrapped(value: Json): Json {
  return Array.isArray(value) ? { __value__: value } : value;
}

/** What the front end makes of a workflow when it opens and exports it: all widgets set, titles shown, nothing dangling. */
function completed(workflow: Workflow, ids: ReadonlyMap<string, number>, registry: Registry): Workflow {
  return toRecord(
    Object.entries(workflow).map(([id, node]) => {
      const nodeClass = registry.classes.get(node.class_type);
      const inputs = new Map<string, Json>();
      const literals = new Map(Object.entries(node.inputs).filter(([, value]) => !isLink(value)));
      for (const widget of nodeClass === undefined ? [] : nodeWidgets(nodeClass, (name) => inputs.get(name))) {
        if (widget.kind === 'value')
          inputs.set(widget.name, wrapped(literals.get(widget.name) ?? initialValue(widget.input)));
      }
      for (const [name, value] of nodeClass === undefined ? literals : []) inputs.set(name, wrapped(value));
      for (const { from, slot, input } of linksInto(workflow, id)) {
        if (nodeOf(workflow, from) !== undefined && Number.isInteger(slot) && slot >= 0 && slot < 1_000)
          inputs.set(input, [String(ids.get(from)), slot]);
      }
      const title = node._meta?.title ?? nodeClass?.displayName ?? node.class_type;
      const result: WorkflowNode = { class_type: node.class_type, inputs: toRecord(inputs), _meta: { title } };
      return [String(ids.get(id)), result] as const;
    }),
  );
}
