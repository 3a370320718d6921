import { MAX_WORKFLOW_CHARS } from '@atelier/shared/contracts/request';
import { ensurePerson } from '@atelier/shared/db/chat/link-codes';
import {
  addWorkflow,
  deleteWorkflow,
  readWorkflow,
  setWorkflow,
  type WorkflowChange,
} from '@atelier/shared/db/workflows/saved-workflow-store';
import type { SavedWorkflow } from '@atelier/shared/db/workflows/saved-workflow';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { parseParameters } from '../../core/commands/parse-parameters.ts';
import type { ChatCommandCall, ChatOutcome } from '../../ports.ts';
import { type ChatContext, type KnownAsker, said } from '../chat-context.ts';
import { imagesOfCall, requestIdOfJob } from './drawing-commands.ts';
import { showList } from './list-commands.ts';
import { workflowFile } from '../workflow-file.ts';

/** workflow run, add, list, share, set, delete, open. */
export async function runWorkflowCommand(
  context: ChatContext,
  { checked, call, by }: { checked: CheckedCall; call: ChatCommandCall; by: KnownAsker },
): Promise<ChatOutcome> {
  const { db, randomId } = context.deps;
  const m = by.m.chat.workflows;
  const name = checked.text('name') ?? '';
  switch (checked.subcommand) {
    case 'run':
      return run(context, checked, call, by);
    case 'add': {
      const personId = await ensurePerson(db, by.user);
      const text = await workflowTextOf(context, checked, call, by);
      const added = await addWorkflow(db, { id: randomId(), personId, name, text });
      return said(m.saved(doneOr(added, name).name));
    }
    case 'share': {
      const on = checked.flag('on') !== false;
      const changed = await setWorkflow(db, by.personId, name, { shared: on });
      return said(m.shared(doneOr(changed, name).name, on));
    }
    case 'set': {
      const defaults = parseParameters(checked.text('set') ?? '');
      return said(m.set(doneOr(await setWorkflow(db, by.personId, name, { defaults }), name).name));
    }
    case 'delete':
      if (!(await deleteWorkflow(db, by.personId, name))) throw noWorkflow(name);
      return said(m.deleted(name));
    case 'open': {
      const job = checked.text('job');
      if (job !== undefined) {
        const facts = await context.visible(await requestIdOfJob(context, job), by);
        return workflowFile(context, facts, 0, by.m);
      }
      const workflow = await savedWorkflow(context, name, by);
      return {
        outcome: 'files',
        text: by.m.chat.opened,
        files: [
          {
            kind: 'text',
            filename: `${workflow.name.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-').slice(0, 60) || 'workflow'}.json`,
            mediaType: 'application/json',
            text: workflow.workflowText,
          },
        ],
      };
    }
    default:
      return showList(context, { list: 'workflows', page: (checked.number('page') ?? 1) - 1 }, by);
  }
}

async function run(
  context: ChatContext,
  checked: CheckedCall,
  call: ChatCommandCall,
  by: KnownAsker,
): Promise<ChatOutcome> {
  const set = checked.text('set');
  const parameters = set === undefined || set === '' ? {} : parseParameters(set);
  const name = checked.text('name');
  const file = call.attachments?.['file'];
  const saved = name === undefined || file !== undefined ? undefined : await savedWorkflow(context, name, by);
  const workflowText = saved?.workflowText ?? (await workflowTextOf(context, checked, call, by));
  const images = imagesOfCall(call);
  return context.accept(
    by,
    {
      kind: 'workflow',
      workflowText,
      ...(saved === undefined ? (name === undefined ? {} : { name }) : { name: saved.title }),
      parameters: { ...saved?.defaults, ...parameters },
      ...(images.length === 0
        ? {}
        : { files: images.map((image, index) => ({ name: image.name ?? `image${index + 1}.png`, image })) }),
    },
    { isPrivate: checked.flag('private') },
  );
}

/** Runs a saved workflow by its id, as its owner left it. */
export async function runSavedWorkflow(context: ChatContext, id: string, by: KnownAsker): Promise<ChatOutcome> {
  const saved = await savedWorkflow(context, id, by);
  return context.accept(by, {
    kind: 'workflow',
    workflowText: saved.workflowText,
    name: saved.title,
    parameters: saved.defaults,
  });
}

/** Of the attached file, else of an earlier result. */
async function workflowTextOf(
  context: ChatContext,
  checked: CheckedCall,
  call: ChatCommandCall,
  by: KnownAsker,
): Promise<string> {
  const files = Object.values(call.attachments ?? {});
  const text = files.flatMap((file) => (file.kind === 'text' ? file.text : (file.workflowText ?? [])))[0];
  if (text !== undefined) {
    if (text.length > MAX_WORKFLOW_CHARS) throw new AppError('too_large', 'a workflow is too large');
    return text;
  }
  const job = checked.text('job') ?? call.about?.[0]?.requestId;
  if (job !== undefined) {
    const facts = await context.visible(await requestIdOfJob(context, job), by);
    const workflow = facts.jobs[0]?.workflowText;
    if (workflow !== undefined) return workflow;
  }
  throw invalidInput(
    'Attach a workflow: the JSON that ComfyUI exports, or a PNG that it saved.',
    '请附上工作流：ComfyUI 导出的 JSON，或它保存的 PNG。',
  );
}

async function savedWorkflow(context: ChatContext, name: string, by: KnownAsker): Promise<SavedWorkflow> {
  const workflow = name === '' ? undefined : await readWorkflow(context.deps.db, by.personId, name);
  if (workflow === undefined) throw noWorkflow(name);
  return workflow;
}

function doneOr(change: WorkflowChange, name: string): SavedWorkflow {
  if (change.outcome === 'done') return change.workflow;
  if (change.outcome === 'not_found') throw noWorkflow(name);
  throw invalidInput(change.message.en, change.message.zh);
}

function noWorkflow(name: string): AppError {
  return new AppError('not_found', 'no such workflow', {
    publicMessage: {
      en: `You have no workflow ${name.slice(0, 60)}: /workflow list shows them.`,
      zh: `没有工作流 ${name.slice(0, 60)}：用 /工作流 列表 查看。`,
    },
  });
}
