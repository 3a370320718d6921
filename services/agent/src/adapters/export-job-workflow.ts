import type { Registry } from '@atelier/comfyui/registry/registry';
import type { WorkflowExport } from '@atelier/shared/contracts/control';
import type { Database } from '@atelier/shared/db/connect-database';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { AppError } from '@atelier/shared/errors/app-error';
import { exportFrontend } from '../core/read-workflow.ts';

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
  const registry = registries.find((one) => job.classes.every((name) => one.classes.has(name)));
  return registry === undefined ? {} : { workflowText: exportFrontend(job.workflowText, registry) };
}
