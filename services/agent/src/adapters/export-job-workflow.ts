import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { WorkflowExport } from '@atelier/shared/contracts/control';
import type { Database } from '@atelier/shared/db/connect-database';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { AppError } from '@atelier/shared/errors/app-error';

/**
 * A job's workflow as ComfyUI's front end saves it, laid out by the classes of a server that has them all; without text
 * where none has.
 *
 * @throws AppError `not_found` for a job that is not there.
 */
export async function exportJobWorkflow(
  db: Database,
  jobId: string,
  registries: readonly Registry[],
): Promise<WorkflowExport> {
  const job = await readJob(db, jobId);
  if (job === undefined) throw new AppError('not_found', 'there is no such job');
  const workflow = parseWorkflow(parseJson(job.workflowText));
  const classes = Object.values(workflow).map((node) => node.class_type);
  const registry = registries.find((one) => classes.every((name) => one.classes.has(name)));
  if (registry === undefined) return {};
  return { workflowText: stringifyJson(convertToFrontend(workflow, registry).workflow) };
}
