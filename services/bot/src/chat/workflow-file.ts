import { AppError } from '@atelier/shared/errors/app-error';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { Messages } from '../core/messages/messages.ts';
import { shortNumber } from '../core/panels/render-details.ts';
import type { ChatOutcome } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import type { ChatContext } from './chat-context.ts';
import { pictureOf } from './chat-context.ts';

const exportDeadlineMs = 4_000;

/** The workflow behind a result, as ComfyUI's front end saves it; where nobody can say how, in the form in which it ran. */
export async function workflowFile(
  context: ChatContext,
  facts: CardFacts,
  picture: number,
  m: Messages,
): Promise<ChatOutcome> {
  const job = facts.jobs.some(({ outputs }) => outputs.length > 0) ? pictureOf(facts, picture).job : facts.jobs[0];
  if (job === undefined) {
    throw new AppError('not_found', 'no workflow was made', {
      publicMessage: { en: 'There is no workflow behind this.', zh: '它没有对应的工作流。' },
    });
  }
  const forFrontEnd = await withDeadline(context.deps.exportWorkflow({ jobId: job.id }), exportDeadlineMs).catch(
    () => undefined,
  );
  return {
    outcome: 'files',
    text: forFrontEnd === undefined ? m.chat.openedApi : m.chat.opened,
    files: [
      {
        kind: 'text',
        filename: `workflow-${shortNumber(facts.request.id)}${forFrontEnd === undefined ? '-api' : ''}.json`,
        mediaType: 'application/json',
        text: forFrontEnd ?? job.workflowText,
      },
    ],
  };
}
