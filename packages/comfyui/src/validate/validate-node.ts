import type { Json } from '../json/json.ts';
import { pythonStr } from '../json/python-text.ts';
import type { ServerError } from './prompt-verdict.ts';
import { PythonException } from './python-exception.ts';
import type { NodeResult, ValidationRun } from './validation-run.ts';
import { member, nodeDict, visitNode } from './visit-node.ts';
import type { Visit } from './visit-node.ts';

/** Python gives up at 1,000 frames, some of which the server's own code holds. */
const maxVisitDepth = 960;

/** How a visit ended; `undefined` while it goes on. */
type Outcome = { result: NodeResult } | { raised: PythonException } | undefined;

/**
 * Validates a node and all that feeds it, as deep as Python goes: by a stack of its own, since the engine's may hold less.
 *
 * @throws PythonException where the server's code would raise out of this node.
 */
export function validateNode(run: ValidationRun, id: string): NodeResult {
  const visits: { id: string; visit: Visit }[] = [];
  const begin = (wanted: string): Outcome =>
    caught(() => {
      const known = resultSoFar(run, wanted);
      if (known === undefined) visits.push({ id: wanted, visit: visitNode(run, wanted) });
      return known;
    });
  let outcome = begin(id);
  for (let top = visits.at(-1); top !== undefined; top = visits.at(-1)) {
    const { visit } = top;
    const before = outcome;
    let wanted: string | undefined;
    outcome = caught(() => {
      const step = resume(visit, before);
      if (step.done === true) return step.value;
      wanted = step.value;
      return undefined;
    });
    if (wanted !== undefined) outcome = begin(wanted);
    else {
      visits.pop();
      if (outcome !== undefined && 'result' in outcome) run.validated.set(top.id, outcome.result);
    }
  }
  if (outcome === undefined) throw new TypeError('A visit ended without a result.');
  if ('raised' in outcome) throw outcome.raised;
  return outcome.result;
}

function resume(visit: Visit, outcome: Outcome): IteratorResult<string, NodeResult> {
  if (outcome === undefined) return visit.next({ valid: true, errors: [] });
  return 'raised' in outcome ? visit.throw(outcome.raised) : visit.next(outcome.result);
}

function caught(run: () => NodeResult | undefined): Outcome {
  try {
    const result = run();
    return result === undefined ? undefined : { result };
  } catch (error) {
    if (!(error instanceof PythonException)) throw error;
    return { raised: error };
  }
}

/** What needs no visit: a node that was visited, and one that is being visited. */
function resultSoFar(run: ValidationRun, id: string): NodeResult | undefined {
  const known = run.validated.get(id);
  if (known !== undefined) return known;
  if (run.visiting.includes(id)) return reportCycle(run, id);
  if (run.visiting.length < maxVisitDepth) return undefined;
  throw new PythonException('RecursionError', 'maximum recursion depth exceeded');
}

/**
 * Newer servers name the cycle. Older ones run into Python's recursion limit, whose error the unwinding frames
 * overwrite by their own results: the nodes are invalid and carry no reason.
 */
function reportCycle(run: ValidationRun, id: string): NodeResult {
  const path = [...run.visiting.slice(run.visiting.indexOf(id)), id];
  run.cycle ??= path;
  if (!run.rules.findsCycles) return { valid: false, errors: [] };
  const nodes = [...new Set(path)];
  const details = describeCycle(run, path);
  for (const nodeId of nodes) {
    const extra: { [key: string]: Json } = { node_id: nodeId, cycle_nodes: nodes };
    const error: ServerError = {
      type: 'dependency_cycle',
      message: 'Dependency cycle detected',
      details,
      extra_info: extra,
    };
    run.validated.set(nodeId, { valid: false, errors: [error] });
  }
  return run.validated.get(id) ?? { valid: false, errors: [] };
}

/** `3 (KSampler) -> 4 (VAEEncode) -> 3 (KSampler)`. */
export function describeCycle(run: ValidationRun, path: readonly string[]): string {
  return path.map((id) => `${id} (${pythonStr(member(nodeDict(run.prompt, id), 'class_type'))})`).join(' -> ');
}
