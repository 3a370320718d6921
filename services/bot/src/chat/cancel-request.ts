import { recordAdminAction } from '@atelier/shared/db/operators/admin-audit';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatContext, KnownAsker } from './chat-context.ts';

/** Cancels a request of this person's; an operator's word cancels anybody's. */
export async function cancelRequestOf(
  context: ChatContext,
  requestId: string,
  by: KnownAsker,
): Promise<'cancelling' | 'finished'> {
  const { db, relay, wakeCancel, feed, reader } = context.deps;
  let result = await cancelRequest(db, requestId, by.personId);
  if (result.outcome === 'not_found' && (await context.isAdmin(by))) {
    result = await cancelRequest(db, requestId);
    if (result.outcome === 'cancelling') {
      await recordAdminAction(db, { actor: by.personId, action: 'cancel_request', target: requestId });
    }
  }
  if (result.outcome === 'not_found') {
    const [facts] = await reader.readFacts([requestId]);
    throw new AppError(facts === undefined ? 'not_found' : 'forbidden', 'not their request');
  }
  if (result.outcome === 'finished') return 'finished';
  relay.nudge(result.outbox);
  wakeCancel({ requestId, jobIds: result.jobIds });
  // Nothing may have changed but the wish, and that is no event.
  feed.ring(requestId);
  return 'cancelling';
}
