import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Policy } from '@atelier/comfyui/policy/policy';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { Catalog } from '../core/catalog.ts';
import { capped } from './tool.ts';
import { asData } from './untrusted-text.ts';

const MAX_ERRORS = 8;

export interface DraftCheck {
  ok: boolean;
  /** What is wrong, a line each: where, why, and what would be right. */
  problems: string[];
}

/** The server that knows most of a workflow's classes; the first of equals. */
export function registryFor(workflow: Workflow, catalog: Catalog): Registry {
  const known = (registry: Registry): number =>
    Object.values(workflow).filter((node) => registry.classes.has(node.class_type)).length;
  const [first, ...others] = catalog.registries;
  if (first === undefined) throw new RangeError('a catalog has at least one registry');
  return others.reduce((best, registry) => (known(registry) > known(best) ? registry : best), first);
}

/** What ComfyUI and the policy would say, without queueing anything. */
export function checkDraft(
  workflow: Workflow,
  { registry, policy }: { registry: Registry; policy: Policy },
  files: readonly string[],
): DraftCheck {
  const verdict = validatePrompt(registry, stringifyJson(workflow), { files });
  const lineOf = linesOf(workflow, registry);
  const problems: string[] = [];
  for (const [id, { errors, class_type }] of Object.entries(verdict.node_errors)) {
    for (const error of errors) {
      const hint = verdict.hints.find((candidate) => candidate.nodeId === id && candidate.errorType === error.type);
      problems.push(
        `${where(id, class_type, lineOf)}: ${error.message}${error.details === '' ? '' : ` (${error.details.slice(0, 160)})`}${hint === undefined ? '' : ` ${hint.hint}`}`,
      );
    }
  }
  if (problems.length === 0 && verdict.error !== undefined) {
    problems.push(`${verdict.error.message}. ${verdict.hints.map(({ hint }) => hint).join(' ')}`);
  }
  if (verdict.status === 500) problems.push('The server itself would stumble over this workflow; check its links.');
  const decision = checkPolicy(registry, workflow, policy, { files });
  if (!decision.allowed) problems.push(...decision.reasons.map((reason) => `not allowed: ${reason.message}`));
  return { ok: verdict.status === 200 && problems.length === 0, problems: [...new Set(problems)] };
}

function where(id: string, classType: string, lineOf: ReadonlyMap<string, number>): string {
  const line = lineOf.get(id);
  return `${line === undefined ? '' : `Line ${line}, `}${id} (${classType})`;
}

/** On which line of its notation each node stands, from 1. */
function linesOf(workflow: Workflow, registry: Registry): Map<string, number> {
  const lines = formatNotation(workflow, registry).split('\n');
  const found = new Map<string, number>();
  for (const [index, line] of lines.entries()) {
    const id = /^("(?:[^"\\]|\\.)*"|\S+) = /.exec(line)?.[1];
    if (id !== undefined) found.set(id.startsWith('"') ? String(JSON.parse(id)) : id, index + 1);
  }
  return found;
}

/** The check in words. */
export function checkWords({ ok, problems }: DraftCheck): string {
  if (ok) return 'check: ok, it can run.';
  return `check: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${asData(capped(problems, MAX_ERRORS))}`;
}
