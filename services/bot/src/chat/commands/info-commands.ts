import { readQuota } from '@atelier/shared/db/operators/person-quota';
import { readUsage } from '@atelier/shared/db/people/read-usage';
import { readOpenRequests } from '@atelier/shared/db/requests/read-requests';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { renderHelp } from '../../core/panels/render-help.ts';
import type { ListName } from '../../core/panels/panel.ts';
import type { ChatOutcome } from '../../ports.ts';
import { cancelRequestOf } from '../cancel-request.ts';
import { type ChatContext, type KnownAsker, said } from '../chat-context.ts';
import { quotaLines } from './admin-commands.ts';
import { requestIdOfJob } from './drawing-commands.ts';
import { showList } from './list-commands.ts';

/** queue, jobs, show, cancel, history, gallery, models, recipes, usage, help. */
export async function runInfoCommand(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const page = (call.number('page') ?? 1) - 1;
  const list = (name: ListName, search?: string): Promise<ChatOutcome> =>
    showList(context, { list: name, page, ...(search === undefined || search === '' ? {} : { search }) }, by);
  switch (call.command) {
    case 'queue':
      return { outcome: 'queue', facts: await context.deps.queue.read(), personId: by.personId };
    case 'jobs':
      return list('jobs');
    case 'history':
      return list('history', call.text('search'));
    case 'gallery':
      return list(call.text('of') === 'mine' ? 'favourites' : 'gallery');
    case 'models':
      return list('models');
    case 'recipes':
      return list('recipes');
    case 'show': {
      const facts = await context.visible(await requestIdOfJob(context, call.text('job') ?? ''), by);
      // Whoever asks for it sees the end even where its message is still on the way.
      return { outcome: 'card', facts: facts.request.finishedAt === null ? facts : { ...facts, delivered: true } };
    }
    case 'cancel':
      return cancel(context, call, by);
    case 'usage':
      return usage(context, call.number('days') ?? 30, by);
    case 'help':
      return {
        outcome: 'panel',
        panel: renderHelp(by.user.language, {
          command: call.text('command'),
          isAdmin: context.access.tends(by) || (await context.access.mayAdminister(by)),
        }),
      };
    default:
      throw new AppError('internal', `${call.command} shows nothing`);
  }
}

async function cancel(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { replies, chat } = by.m;
  const job = call.text('job');
  if (job !== undefined) {
    const result = await cancelRequestOf(context, await requestIdOfJob(context, job), by);
    return said(result === 'cancelling' ? replies.cancelling : replies.alreadyFinished);
  }
  const mine = (await readOpenRequests(context.deps.db)).filter(
    (request) => request.personId === by.personId && request.cancelRequestedAt === null,
  );
  if (call.flag('all') === true) {
    for (const request of mine) await cancelRequestOf(context, request.id, by);
    return said(mine.length === 0 ? replies.nothingToCancel : chat.cancelledAll(mine.length));
  }
  const latest = mine.at(-1);
  if (latest === undefined) return said(replies.nothingToCancel);
  const result = await cancelRequestOf(context, latest.id, by);
  return said(result === 'cancelling' ? replies.cancelling : replies.alreadyFinished);
}

async function usage(context: ChatContext, days: number, by: KnownAsker): Promise<ChatOutcome> {
  const { db } = context.deps;
  const m = by.m.chat.usage;
  const [[used], quota] = await Promise.all([
    readUsage(db, { days, personId: by.personId, limit: 1 }),
    readQuota(db, by.personId),
  ]);
  const lines =
    used === undefined
      ? [m.nothing]
      : [
          m.total(used.jobs, used.images, Math.round(used.gpuSeconds)),
          ...(used.inputTokens + used.outputTokens === 0
            ? []
            : [m.tokens(used.inputTokens, used.outputTokens, `$${(used.microDollars / 1e6).toFixed(2)}`)]),
        ];
  const text = [...lines, ...quotaLines(quota, by)].join('\n');
  return { outcome: 'panel', panel: { title: m.title(days), text, rows: [], links: [] } };
}
