import { parsePostAnswer } from '@atelier/comfyui/client/post-answer';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { JobError } from '@atelier/shared/contracts/job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { explainRefusal } from '../core/explain-failure.ts';
import { jobErrors } from '../core/job-errors.ts';

/**
 * Why this workflow is not posted, found while another one runs: this server's policy, as operators have set it by now, has
 * something against it, or ComfyUI would refuse it. Of ComfyUI's refusals only those for certain: files that were uploaded
 * since the registry was read are not in it, so jobs with inputs are left to its own answer.
 */
export function checkWorkflow(
  registry: Registry | undefined,
  version: string | undefined,
  policy: Policy,
  job: Pick<JobRecord, 'inputs' | 'workflowText'>,
): JobError | undefined {
  if (registry === undefined) return undefined;
  // ComfyUI's own words first: what it does not know, the policy does not allow either.
  const refusal = job.inputs.length > 0 ? undefined : comfyRefusal(registry, version, job.workflowText);
  if (refusal !== undefined) return refusal;
  const files = job.inputs.map(({ name }) => name);
  const decision = checkPolicy(registry, parseJson(job.workflowText), policy, { files });
  return decision.allowed ? undefined : jobErrors.notAllowed(decision.reasons);
}

function comfyRefusal(registry: Registry, version: string | undefined, workflowText: string): JobError | undefined {
  const verdict = validatePrompt(registry, workflowText, version === undefined ? {} : { version });
  if (verdict.status !== 400 || verdict.error === undefined) return undefined;
  const text = stringifyJson({ error: verdict.error, node_errors: verdict.node_errors });
  const answer = parsePostAnswer({ status: verdict.status, text, contentType: 'application/json' });
  return answer.state === 'refused' ? explainRefusal(answer) : undefined;
}
