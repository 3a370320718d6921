import { commandOfBody, type RequestCommand } from '@atelier/shared/access/command-of-body';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { isWorkflowJob } from './plan-workflow.ts';
import type { PlannedOutcome } from './planning-parts.ts';

/** The command under which a plan counts for rules: words, and recipes by name, may come to more than a picture. */
export function commandOfPlan(
  asked: RequestBody,
  { plan, jobs }: Pick<PlannedOutcome, 'plan' | 'jobs'>,
): RequestCommand {
  const command = commandOfBody(asked);
  if (command !== 'imagine' || saysItself(asked)) return command;
  if (jobs.some(isWorkflowJob)) return 'workflow';
  const { operation } = plan;
  return operation === undefined ? command : commandOfBody({ kind: 'imagine', options: { prompt: '', operation } });
}

/** A button's action says what it is, whatever recipe does it. */
function saysItself(asked: RequestBody): boolean {
  return asked.kind === 'derive' && asked.action !== 'reroll' && asked.action !== 'remix';
}
