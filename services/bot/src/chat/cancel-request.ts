import { recordAdminAction } from '@atelier/shared/db/operators/admin-audit';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatContext, KnownAsker } from './chat-context.ts';

/** Cancels a request of this person's, or another's where they look after it. */
export async function cancelRequestOf(
  context: ChatContext,
  requestId: string,
  by: KnownAsker,
): Promise<'cancelling' | 'finished'> {
  const { db, relay, wakeCancel, feed, reader } = context.deps;
  let result = await cancelRequest(db, requestId, by.personId);
  if (result.outcome === 'not_found') {
    const [facts] = await reader.readFacts([requestId]);
    if (facts === undefined) throw new AppError('not_found', 'there is no such request');
    if (!(await context.access.mayModerate(facts, by))) throw new AppError('forbidden', 'not their request');
    result = await cancelRequest(db, requestId);
    if (result.outcome === 'cancelling') {
      await recordAdminAction(db, { actor: by.personId, action: 'cancel_request', target: requestId });
    }
  }
  if (result.outcome !== 'cancelling') return 'finished';
  relay.nudge(result.outbox);
  wakeCancel({ requestId, jobIds: result.jobIds });
  // Nothing may have changed but the wish, and that is no event.
  feed.ring(requestId);
  return 'cancelling';
}
