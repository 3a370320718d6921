import type { Logger } from 'pino';
import type { PlatformUser } from '@atelier/shared/contracts/identity';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../../../core/access/asker.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, ChatOutcome, TakenFile } from '../../../ports.ts';
import { type BotAccount, MAX_ANSWER_CHARS, type TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure, TelegramFailure } from '../api/telegram-failure.ts';
import type { UploadLimits } from '../api/upload-limits.ts';
import { cardRows, menuRows } from '../cards/button-rows.ts';
import { drawText } from '../cards/draw-texts.ts';
import type { Speaker } from '../deliveries/speak.ts';
import { telegramWords } from '../telegram-words.ts';
import type { ButtonAnswers } from './button-answers.ts';
import { AGAIN_ID, readUpdate, type ReadLine, type ReadUpdate } from './read-update.ts';
import type { Listener } from './tell-outcome.ts';
import type { TelegramUpdate } from './telegram-update.ts';

export interface UpdatePerformerDeps {
  chat: ChatCore;
  calls: Pick<TelegramCalls, 'download'>;
  speaker: Speaker;
  tell: (outcome: ChatOutcome, to: Listener) => Promise<void>;
  answers: ButtonAnswers;
  limits: UploadLimits;
  bot: () => BotAccount;
  /** Whether somebody runs a group; from memory where it was asked lately. */
  isChatAdmin: (chatId: string, userId: string) => Promise<boolean>;
  log: Logger;
  now: () => number;
}

/** How long nobody in a chat is told again what this bot cannot read. */
const quietMs = 10 * 60_000;

type Read<Kind extends ReadUpdate['kind']> = Extract<ReadUpdate, { kind: Kind }>;
type Asked = Pick<ReadLine, 'eventId' | 'user' | 'place' | 'isDirect'>;

/**
 * Does what one update asks, through the chat core. Requests are accepted once however often it is done; words and files
 * that answer directly may come twice where the process died in between.
 *
 * Throws where it is to be tried again: the database, the store or Telegram is away for a moment.
 */
export function createUpdatePerformer(deps: UpdatePerformerDeps) {
  const { chat, speaker, answers, log } = deps;
  /** When each chat was told last what cannot be read. */
  const explained = new Map<string, number>();

  return async function perform(update: TelegramUpdate, album: readonly TelegramUpdate[] = []): Promise<void> {
    const read = await inTheirLanguage(readUpdate(update, deps.bot(), album));
    if (read.kind === 'line') await performLine(read);
    else if (read.kind === 'form') await performForm(read);
    else if (read.kind === 'press') await performPress(read);
    else if (read.kind === 'menu') await performMenu(read);
    else if (read.kind === 'edited') await offerAgain(read);
    else if (read.kind === 'again') await performAgain(read);
    else if (read.kind === 'unreadable') await explainUnreadable(read);
    else if (read.kind === 'dead press') answers.answer(read.queryId);
    else if (read.kind === 'moved') await chat.moveChat('telegram', read.fromId, read.toId);
  };

  /** Lines and buttons name the language of the person's app; what they chose here counts more. */
  async function inTheirLanguage(read: ReadUpdate): Promise<ReadUpdate> {
    if (read.kind === 'again') {
      const { by, line } = read;
      const language = await chat.languageOf(by);
      const spoken = line === undefined ? undefined : { ...line, user: { ...line.user, language } };
      return { ...read, by: { ...by, language }, line: spoken };
    }
    return 'user' in read ? { ...read, user: { ...read.user, language: await chat.languageOf(read.user) } } : read;
  }

  async function performLine(line: ReadLine): Promise<void> {
    await speaking(line, async () => {
      const taken: TakenFile[] = [];
      for (const { fileId, name, isPhoto } of line.files) {
        const bytes = await deps.calls.download(fileId, deps.limits.downloadBytes);
        taken.push(
          isPhoto ? { kind: 'image', image: await chat.takeInImage(bytes, name) } : await chat.takeInFile(bytes, name),
        );
      }
      const images = taken.flatMap((file) => (file.kind === 'image' ? [file.image] : []));
      const file = taken.find((each) => each.kind === 'text' || each.workflowText !== undefined);
      return chat.submit({
        ...(await askerOf(line)),
        text: line.text,
        ...(images.length === 0 ? {} : { images }),
        ...(file === undefined ? {} : { file }),
        ...(line.about.length === 0 ? {} : { about: line.about }),
        ...(line.quoted === undefined ? {} : { quoted: line.quoted }),
      });
    });
  }

  async function performForm(read: Read<'form'>): Promise<void> {
    await speaking(read, async () => chat.submitForm(read.form, { [read.field]: read.text }, await askerOf(read)));
  }

  async function performPress(press: Read<'press'>): Promise<void> {
    const answer = async (words: string): Promise<void> => {
      // What does not fit over the buttons is said in whole.
      const isShort = words.length <= MAX_ANSWER_CHARS;
      if (!answers.answer(press.queryId, isShort ? words : undefined) || !isShort)
        await speaker.say(listenerOf(press).target, drawText(words));
    };
    try {
      const outcome = await chat.press(press.button, await askerOf(press));
      if (outcome.outcome === 'said' || outcome.outcome === 'answered') await answer(outcome.text);
      else {
        answers.answer(press.queryId);
        await deps.tell(outcome, listenerOf(press));
      }
    } catch (error) {
      await explain(error, press, answer);
    }
  }

  /** The rows of the card, or one of its menus in their place. */
  async function performMenu({ press, queryId, user, place, messageId }: Read<'menu'>): Promise<void> {
    answers.answer(queryId);
    const [facts] = await chat.readFacts([press.requestId]);
    if (facts === undefined) return;
    // Its buttons can only be pressed once it stands there.
    const card = renderJobCard({ ...facts, delivered: true }, chat.live(), chat.languageFor(facts));
    const menu = press.menu === undefined ? undefined : card.menus[press.menu];
    const rows =
      menu === undefined ? cardRows(card) : menuRows(press.requestId, menu, telegramWords(user.language).back);
    await speaker.relabel(place.id, messageId, rows);
  }

  /** Once in a while: who sends ten stickers hears it once. */
  async function explainUnreadable(read: Read<'unreadable'>): Promise<void> {
    const { place, user, what } = read;
    const at = deps.now();
    for (const [chat, since] of explained) if (at - since >= quietMs) explained.delete(chat);
    if (explained.has(place.id)) return;
    await speaker.say(listenerOf(read).target, drawText(telegramWords(user.language).unreadable[what]));
    explained.set(place.id, at);
  }

  /** Only where the line had become a request: other lines may be changed as often as anybody likes. */
  async function offerAgain(read: Read<'edited'>): Promise<void> {
    const [facts] = await chat.readFacts([requestIdOf('telegram', read.eventId)]);
    if (facts === undefined) return;
    const words = telegramWords(read.user.language);
    const rows = [[{ label: words.again, data: AGAIN_ID }]];
    await speaker.say(listenerOf(read).target, { ...drawText(words.changed), rows });
  }

  async function performAgain({ queryId, by, line }: Read<'again'>): Promise<void> {
    if (line === undefined || line.user.id !== by.id) {
      answers.answer(queryId, telegramWords(by.language).notYours);
      return;
    }
    answers.answer(queryId);
    await performLine(line);
  }

  async function speaking(asked: Asked, work: () => Promise<ChatOutcome>): Promise<void> {
    const to = listenerOf(asked);
    try {
      await deps.tell(await work(), to);
    } catch (error) {
      await explain(error, asked, async (words) => {
        await speaker.say(to.target, drawText(words));
      });
    }
  }

  async function askerOf({ eventId, user, place, isDirect }: Asked): Promise<Asker> {
    const isChatAdmin = !isDirect && (await deps.isChatAdmin(place.id, user.id));
    return { eventId, user, place, standing: { isDirect, isChatAdmin, channelIds: [place.id] } };
  }

  /** Tells the person what went wrong. @throws the error again where trying again may help. */
  async function explain(error: unknown, asked: Asked, tellThem: (words: string) => Promise<void>): Promise<void> {
    // What Telegram refuses it refuses each time, and would hold up the chat for good.
    const mayHelp =
      error instanceof TelegramFailure
        ? isFailure(error, 'unreachable', 'rate_limited', 'conflict', 'unauthorized')
        : error instanceof AppError && error.retry !== 'never' && error.code !== 'rate_limited';
    if (mayHelp) throw error;
    if (!(error instanceof AppError) || error.code === 'internal') {
      log.error({ err: error, event: asked.eventId }, 'an update could not be handled');
    }
    await tellThem(toPublicError(error).message[asked.user.language]);
  }
}

function listenerOf({
  user,
  place,
  isDirect,
}: {
  user: PlatformUser;
  place: Asked['place'];
  isDirect: boolean;
}): Listener {
  return {
    target: {
      chatId: place.id,
      ...(place.threadId === undefined ? {} : { threadId: place.threadId }),
      ...(place.replyTo === undefined ? {} : { replyTo: place.replyTo }),
    },
    language: user.language,
    userId: user.id,
    name: user.displayName,
    isDirect,
  };
}
