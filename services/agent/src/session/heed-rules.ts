import { commandOfBody, type RequestCommand } from '@atelier/shared/access/command-of-body';
import { readRepeated } from '@atelier/shared/access/read-repeated';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { commandOfPlan } from '../core/command-of-plan.ts';
import type { PlannedOutcome, PlanOutcome, PlanningSources } from '../core/planning-parts.ts';

export interface RuleSources {
  desk: Pick<PlanningSources, 'read'>;
  /** Whether a rule that names this person denies them the command. */
  isDenied: (personId: string, command: RequestCommand) => Promise<boolean>;
}

/** Something planned for a person. */
export interface AskedPlan {
  personId: string;
  /** What was planned. */
  body: RequestBody;
  /** What was accepted, and so checked against the rules where it was asked; absent: nothing was. */
  accepted: RequestBody | undefined;
  outcome: PlannedOutcome;
}

/**
 * Refuses a plan that comes to a command which its person is denied. What a request counts as was checked where it was
 * accepted, but words count as drawing there: what they come to is known only now, before anything is queued.
 */
export async function heedRules(asked: AskedPlan, { desk, isDenied }: RuleSources): Promise<PlanOutcome> {
  const { personId, body, accepted, outcome } = asked;
  const meant = await readRepeated(body, async (id) => (await desk.read(id))?.body);
  const command = commandOfPlan(meant, outcome);
  const isChecked = accepted !== undefined && commandOfBody(accepted) === command;
  if (isChecked || !(await isDenied(personId, command))) return outcome;
  return {
    kind: 'failed',
    error: {
      code: 'forbidden',
      message: {
        en: `This comes to /${command}, which a rule denies you: ask an operator to allow it, or ask for something else.`,
        zh: `这相当于 /${command}，而规则不允许您使用：请联系管理员开通权限，或换一个请求。`,
      },
    },
  };
}
