import type { Logger } from 'pino';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { messagesFor } from '../../../core/messages/messages-for.ts';
import type { ChatCore, ChatOutcome } from '../../../ports.ts';
import { MAX_UPLOAD_BYTES } from '../../../uploads/take-in-image.ts';
import type { BotAccount, DrawnText, MessageTarget, TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure } from '../api/telegram-failure.ts';
import { drawQueueCard, drawText } from '../cards/draw-texts.ts';
import { preparePictures } from '../cards/prepare-pictures.ts';
import type { ChatPacer } from '../deliveries/chat-pacer.ts';
import { waitForRoom } from '../deliveries/wait-for-room.ts';
import type { ButtonAnswers } from './button-answers.ts';
import { readUpdate, type ReadUpdate } from './read-update.ts';
import type { TelegramUpdate } from './telegram-update.ts';

export interface UpdatePerformerDeps {
  chat: ChatCore;
  calls: TelegramCalls;
  pacer: ChatPacer;
  answers: ButtonAnswers;
  bot: () => BotAccount;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
  log: Logger;
}

type Line = Extract<ReadUpdate, { kind: 'line' }>;
type Press = Extract<ReadUpdate, { kind: 'press' }>;

/**
 * Does what one update asks, through the chat core. Requests are accepted once however often it is done; words and files
 * that answer directly may come twice where the process died in between.
 *
 * Throws where it is to be tried again: the database, the store or Telegram is away for a moment.
 */
export function createUpdatePerformer(deps: UpdatePerformerDeps): (update: TelegramUpdate) => Promise<void> {
  const { chat, calls, pacer, answers, log } = deps;

  return async function perform(update) {
    const read = readUpdate(update, deps.bot());
    if (read.kind === 'line') await performLine(read);
    else if (read.kind === 'press') await performPress(read);
    else if (read.kind === 'dead press') answers.answer(read.queryId);
  };

  async function performLine(line: Line): Promise<void> {
    const { eventId, user, place, text } = line;
    const target = targetOf(place);
    try {
      const images = line.file === undefined ? undefined : [await takeIn(line.file)];
      const outcome = await chat.submit({ eventId, user, place, text, ...(images === undefined ? {} : { images }) });
      await tell(outcome, target, user.language);
    } catch (error) {
      await explain(error, line, (words) => say(target, drawText(words)));
    }
  }

  async function takeIn({ fileId, name }: NonNullable<Line['file']>): Promise<AssetRef> {
    return chat.takeInImage(await calls.download(fileId, MAX_UPLOAD_BYTES), name);
  }

  async function performPress(press: Press): Promise<void> {
    const { button, eventId, user, place } = press;
    const target = targetOf(place);
    const answer = async (words: string): Promise<void> => {
      if (!answers.answer(press.queryId, words)) await say(target, drawText(words));
    };
    try {
      const outcome = await chat.press(button, { eventId, user, place });
      if (outcome.outcome === 'said') await answer(outcome.text);
      else {
        answers.answer(press.queryId);
        await tell(outcome, target, user.language);
      }
    } catch (error) {
      await explain(error, press, answer);
    }
  }

  async function tell(outcome: ChatOutcome, target: MessageTarget, language: 'en' | 'zh'): Promise<void> {
    if (outcome.outcome === 'said') await say(target, drawText(outcome.text));
    else if (outcome.outcome === 'queue') {
      // In a private chat the reader's own words are theirs to see; in a group they are everybody's.
      const reader = target.chatId.startsWith('-') ? undefined : outcome.personId;
      await say(target, drawQueueCard(renderQueueCard(outcome.facts, language, reader)));
    } else if (outcome.outcome === 'originals') await sendOriginals(outcome.facts, target, language);
    // An accepted request is answered by its card, which is a delivery.
  }

  async function sendOriginals(facts: CardFacts, target: MessageTarget, language: 'en' | 'zh'): Promise<void> {
    const { tiles } = renderJobCard({ ...facts, delivered: true }, noLiveFacts, language);
    const images = tiles.flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
    const { files, reencoded } = await preparePictures(images, { files: chat.files, as: 'document' });
    const [first, second] = files;
    if (first === undefined)
      return say(target, drawText(toPublicErrorText(new AppError('not_found', 'expired'), language)));
    const noCaption: DrawnText = { html: '', buttons: [] };
    await sending(target, files.length, async () => {
      if (second === undefined) await calls.sendFile(target, first, noCaption);
      else await calls.sendAlbum(target, files);
    });
    if (reencoded) await say(target, drawText(messagesFor(language).replies.reencoded));
  }

  function say(target: MessageTarget, text: DrawnText): Promise<void> {
    return sending(target, 1, async () => {
      await calls.sendText(target, text);
    });
  }

  /** Waits for the chat's room, and as long as Telegram asks. What cannot be said there is not said. */
  async function sending(target: MessageTarget, messages: number, send: () => Promise<void>): Promise<void> {
    for (;;) {
      await waitForRoom(deps, target.chatId, { messages });
      try {
        return await send();
      } catch (error) {
        if (isFailure(error, 'unreachable', 'conflict', 'unauthorized')) throw error;
        if (!isFailure(error, 'rate_limited')) {
          log.info({ err: error }, 'a reply could not be sent');
          return;
        }
        pacer.silence(target.chatId, error.afterMs);
      }
    }
  }

  /** Tells the person what went wrong. @throws the error again where trying again may help. */
  async function explain(
    error: unknown,
    asked: Line | Press,
    tellThem: (words: string) => Promise<void>,
  ): Promise<void> {
    if (error instanceof AppError && error.retry !== 'never') throw error;
    if (!(error instanceof AppError) || error.code === 'internal') {
      log.error({ err: error, event: asked.eventId }, 'an update could not be handled');
    }
    await tellThem(toPublicErrorText(error, asked.user.language));
  }
}

function toPublicErrorText(error: unknown, language: 'en' | 'zh'): string {
  return toPublicError(error).message[language];
}

function targetOf(place: { id: string; threadId?: string | undefined; replyTo?: string | undefined }): MessageTarget {
  return {
    chatId: place.id,
    ...(place.threadId === undefined ? {} : { threadId: place.threadId }),
    ...(place.replyTo === undefined ? {} : { replyTo: place.replyTo }),
  };
}
