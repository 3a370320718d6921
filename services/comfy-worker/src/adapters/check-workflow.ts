import { parsePostAnswer } from '@atelier/comfyui/client/post-answer';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { JobError } from '@atelier/shared/contracts/job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { explainRefusal } from '../core/explain-failure.ts';

/**
 * Why ComfyUI would refuse this workflow, found before it is posted and while another one runs. Only a refusal for certain:
 * files that were uploaded since the registry was read are not in it, so jobs with inputs are left to ComfyUI's own answer.
 */
export function checkWorkflow(
  registry: Registry | undefined,
  version: string | undefined,
  job: JobRecord,
): JobError | undefined {
  if (registry === undefined || job.inputs.length > 0) return undefined;
  const verdict = validatePrompt(registry, job.workflowText, version === undefined ? {} : { version });
  if (verdict.status !== 400 || verdict.error === undefined) return undefined;
  const text = stringifyJson({ error: verdict.error, node_errors: verdict.node_errors });
  const answer = parsePostAnswer({ status: verdict.status, text, contentType: 'application/json' });
  return answer.state === 'refused' ? explainRefusal(answer) : undefined;
}
