import type { Logger } from 'pino';
import type { DrawnText, MessageTarget, TelegramCalls, Upload } from '../api/telegram-calls.ts';
import { isFailure } from '../api/telegram-failure.ts';
import type { ChatPacer } from './chat-pacer.ts';
import { waitForRoom } from './wait-for-room.ts';

export interface SpeakerDeps {
  calls: TelegramCalls;
  pacer: ChatPacer;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
  log: Logger;
}

/**
 * Says what answers a person at once: waits for the chat's room, and as long as Telegram asks. `undefined`: it cannot be
 * said there.
 *
 * @throws TelegramFailure `unreachable`, `conflict`, `unauthorized`: try again.
 */
export interface Speaker {
  say(target: MessageTarget, text: DrawnText): Promise<string | undefined>;
  ask(target: MessageTarget, html: string, placeholder: string): Promise<string | undefined>;
  /** One file or an album; a caption needs one file. */
  hand(target: MessageTarget, files: readonly Upload[], caption?: DrawnText): Promise<string[] | undefined>;
  /** Shows other buttons under a message. An edit counts as a message does. */
  relabel(chatId: string, messageId: string, rows: DrawnText['rows']): Promise<void>;
}

const noCaption: DrawnText = { html: '', rows: [] };

export function createSpeaker(deps: SpeakerDeps): Speaker {
  const { calls, pacer, log } = deps;

  async function sending<T>(target: MessageTarget, messages: number, send: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      await waitForRoom(deps, target.chatId, { messages });
      try {
        return await send();
      } catch (error) {
        if (isFailure(error, 'unreachable', 'conflict', 'unauthorized')) throw error;
        if (!isFailure(error, 'rate_limited')) {
          log.info({ err: error }, 'a reply could not be sent');
          return undefined;
        }
        pacer.silence(target.chatId, error.afterMs);
      }
    }
  }

  return {
    say: (target, text) => sending(target, 1, () => calls.sendText(target, text)),
    ask: (target, html, placeholder) => sending(target, 1, () => calls.askForReply(target, html, placeholder)),
    hand: (target, files, caption = noCaption) =>
      sending(target, files.length, async () => {
        const [first, second] = files;
        if (first === undefined) return [];
        return second === undefined ? [await calls.sendFile(target, first, caption)] : calls.sendAlbum(target, files);
      }),
    relabel: (chatId, messageId, rows) => sending({ chatId }, 1, () => calls.editButtons(chatId, messageId, rows)),
  };
}
