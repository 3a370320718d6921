import type { ToolCall } from '@atelier/shared/contracts/control';
import type { RequestBody } from '@atelier/shared/contracts/request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';

/** A call as planning sees it; it is no row. */
export function requestOfCaller(
  caller: Pick<ToolCall, 'personId' | 'language' | 'place'>,
  body: RequestBody,
  id: string,
  now: number,
): RequestRecord {
  const at = new Date(now);
  return {
    id,
    door: caller.place.door,
    eventId: id,
    personId: caller.personId,
    personName: '',
    place: caller.place,
    language: caller.language,
    body,
    state: 'planning',
    version: 1,
    plan: null,
    reply: null,
    error: null,
    cancelRequestedAt: null,
    agentEpoch: 0,
    jobsTotal: 0,
    jobsOpen: 0,
    jobsSucceeded: 0,
    createdAt: at,
    updatedAt: at,
    finishedAt: null,
    question: null,
    isPrivate: false,
    parentRequestId: null,
    parentPicture: null,
    cost: null,
  };
}
