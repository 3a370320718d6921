import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { CancelWake } from '@atelier/shared/contracts/control';
import type { Place, PlatformUser } from '@atelier/shared/contracts/identity';
import type { AssetRef, NewRequest, RequestBody } from '@atelier/shared/contracts/request';
import { registerAsset } from '@atelier/shared/db/asset-register';
import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { type AcceptedRequest, acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { readOpenRequests } from '@atelier/shared/db/requests/read-requests';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { LiveFacts } from '../core/cards/card-facts.ts';
import { parseChatText } from '../core/commands/parse-chat-text.ts';
import { messagesFor } from '../core/messages/messages-for.ts';
import type { ChatCore, ChatOutcome } from '../ports.ts';
import type { CardFeed } from '../state/card-feed.ts';
import type { CardReader } from '../state/card-reader.ts';
import type { LiveBoard } from '../state/live-board.ts';
import type { QueueWatch } from '../state/queue-watch.ts';
import type { StatusWatch } from '../state/status-watch.ts';
import { takeInImage, UPLOAD_KEEP_MS } from '../uploads/take-in-image.ts';
import { withDeadline } from '../with-deadline.ts';

export interface ChatCoreDeps {
  db: Database;
  relay: Pick<OutboxRelay, 'nudge'>;
  wakeCancel: (wake: CancelWake) => void;
  reader: CardReader;
  feed: CardFeed;
  queue: QueueWatch;
  board: LiveBoard;
  status: StatusWatch;
  files: Pick<AssetStore, 'put' | 'get' | 'head'>;
  /** Who a platform's user is to us. */
  findPersonId: (user: Pick<PlatformUser, 'door' | 'id'>) => Promise<string>;
  log: Logger;
  /** How long a person waits to hear that their request was committed. */
  acceptDeadlineMs?: number;
}

export function createChatCore(deps: ChatCoreDeps): ChatCore {
  const { db, relay, reader, feed, queue, log } = deps;
  const acceptDeadlineMs = deps.acceptDeadlineMs ?? 4_000;

  async function accept(request: NewRequest): Promise<ChatOutcome> {
    if (!deps.status.databaseReady) throw notAccepted();
    try {
      const accepted = await withDeadline(keepAndAccept(request), acceptDeadlineMs);
      relay.nudge(accepted.outbox);
      log.info(
        { request_id: accepted.requestId, door: request.user.door, created: accepted.created },
        'request accepted',
      );
      return { outcome: 'accepted', requestId: accepted.requestId, created: accepted.created };
    } catch (error) {
      deps.status.suspectDatabase();
      if (error instanceof AppError && error.code === 'unavailable') throw notAccepted(error);
      throw error;
    }
  }

  async function keepAndAccept(request: NewRequest): Promise<AcceptedRequest> {
    const images = imagesOf(request.body);
    if (images.length > 0) await Promise.all(images.map(keepImage));
    return acceptRequest(db, request);
  }

  /** An upload is kept from its last use on, and one that is gone is said before anything is accepted. */
  async function keepImage({ hash, mediaType }: AssetRef): Promise<void> {
    const file = await deps.files.head(hash);
    if (file === undefined) {
      throw invalidInput(
        'An attached picture is no longer there: attach it again.',
        '附加的图片已不存在，请重新上传。',
      );
    }
    await registerAsset(db, { hash, mediaType, bytes: file.bytes, keepMs: UPLOAD_KEEP_MS });
  }

  async function cancel(requestId: string, personId: string): Promise<'cancelling' | 'finished'> {
    const result = await cancelRequest(db, requestId, personId);
    if (result.outcome === 'not_found') throw await notTheirs(requestId);
    if (result.outcome === 'finished') return 'finished';
    relay.nudge(result.outbox);
    deps.wakeCancel({ requestId, jobIds: result.jobIds });
    // Nothing may have changed but the wish, and that is no event.
    feed.ring(requestId);
    return 'cancelling';
  }

  async function notTheirs(requestId: string): Promise<AppError> {
    const [facts] = await reader.readFacts([requestId]);
    return new AppError(facts === undefined ? 'not_found' : 'forbidden', 'not their request');
  }

  async function cancelLatest(user: PlatformUser): Promise<ChatOutcome> {
    const { replies } = messagesFor(user.language);
    const personId = await deps.findPersonId(user);
    const mine = (await readOpenRequests(db)).filter(
      (request) => request.personId === personId && request.cancelRequestedAt === null,
    );
    const latest = mine.at(-1);
    if (latest === undefined) return { outcome: 'said', text: replies.nothingToCancel };
    const result = await cancel(latest.id, personId);
    return { outcome: 'said', text: result === 'cancelling' ? replies.cancelling : replies.alreadyFinished };
  }

  async function retry(requestId: string, by: { eventId: string; user: PlatformUser; place: Place }) {
    const [facts] = await reader.readFacts([requestId]);
    if (facts === undefined) throw new AppError('not_found', 'there is no such request');
    if (facts.request.personId !== (await deps.findPersonId(by.user))) throw new AppError('forbidden', 'not theirs');
    // A repeat of a repeat repeats the first, so that no chain grows.
    const { body } = facts.request;
    await Promise.all(imagesOf(facts.origin?.body ?? body).map(keepImage));
    const again: RequestBody = { kind: 'rerun', requestId: body.kind === 'rerun' ? body.requestId : requestId };
    return accept({ ...by, body: again });
  }

  return {
    async submit(line) {
      const { text, images, options } = line;
      const command = parseChatText({
        text,
        ...(images === undefined ? {} : { images }),
        ...(options === undefined ? {} : { options }),
      });
      if (command.kind === 'request') {
        return accept({ eventId: line.eventId, user: line.user, place: line.place, body: command.body });
      }
      if (command.kind === 'help') return { outcome: 'said', text: messagesFor(line.user.language).replies.help };
      if (command.kind === 'cancel') return cancelLatest(line.user);
      return { outcome: 'queue', facts: await queue.read(), personId: await deps.findPersonId(line.user) };
    },
    async press(button, by) {
      if (button.action === 'retry') return retry(button.requestId, by);
      if (button.action === 'original') {
        const [facts] = await reader.readFacts([button.requestId]);
        if (facts === undefined) throw new AppError('not_found', 'there is no such request');
        return { outcome: 'originals', facts };
      }
      const { replies } = messagesFor(by.user.language);
      const result = await cancel(button.requestId, await deps.findPersonId(by.user));
      return { outcome: 'said', text: result === 'cancelling' ? replies.cancelling : replies.alreadyFinished };
    },
    readFacts: (requestIds) => reader.readFacts(requestIds),
    readQueue: () => queue.read(),
    live,
    takeInImage: (bytes, name) =>
      takeInImage({ store: deps.files, register: (asset) => registerAsset(db, asset) }, bytes, name),
    files: deps.files,
    watch: (door, listener) =>
      feed.watch({
        doors: [door],
        onChange: (facts) => listener(facts, live(), 'change'),
        onProgress: (facts) => listener(facts, live(), 'progress'),
      }),
  };

  function live(): LiveFacts {
    return { forecasts: queue.forecasts, progress: deps.board.progress };
  }
}

function imagesOf(body: RequestBody): readonly AssetRef[] {
  if (body.kind === 'rerun') return [];
  return (body.kind === 'words' ? body.images : body.options.images) ?? [];
}

/** Not known to be committed: the same event id may be sent again, and is the same request. */
function notAccepted(cause?: unknown): AppError {
  return new AppError('unavailable', 'a request could not be committed', {
    cause,
    publicMessage: {
      en: 'Not accepted, because the server is away for a moment: try again.',
      zh: '服务器暂时不可用，请求未被接受：请重试。',
    },
  });
}
