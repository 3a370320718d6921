import { UPLOAD_KEEP_MS } from '@atelier/shared/assets/take-in-picture';
import type { AssetRef, NewRequest, RequestBody } from '@atelier/shared/contracts/request';
import { registerAsset } from '@atelier/shared/db/asset-register';
import { HOUSE, readStyles } from '@atelier/shared/db/chat/person-settings';
import { type AcceptedRequest, acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import { findBlockedWord, wordsOf } from '@atelier/shared/access/blocked-words';
import { commandOfBody } from '@atelier/shared/access/command-of-body';
import type { RateLimit } from '../core/access/rate-limit.ts';
import { imagesOf } from '../core/cards/card-facts.ts';
import type { ChatOutcome } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import { allowsAdultWords } from './adult-places.ts';
import type { AcceptOptions, ChatCoreDeps, KnownAsker } from './chat-context.ts';
import { prepareBody, styleNameOf } from './prepare-request.ts';

export interface Acceptor {
  accept(by: KnownAsker, body: RequestBody, options?: AcceptOptions): Promise<ChatOutcome>;
  keepImage(image: AssetRef): Promise<void>;
  /** @throws AppError `forbidden` for words that are not drawn, at all or here. */
  checkWords(by: Asker, words: string): void;
  /** Counts what they do, and apart from it what is fetched for them. @throws AppError `rate_limited` where that is too much. */
  checkRate(by: Asker, act?: 'ask' | 'fetch'): void;
}

/** Commits requests: rights, limits, settings of people and channels, then one statement. */
export function createAcceptor(
  deps: ChatCoreDeps,
  parts: { rate: RateLimit; checkAccess: (by: Asker, command: string) => Promise<void> },
): Acceptor {
  const { db, relay, settings, people, log } = deps;
  const acceptDeadlineMs = deps.acceptDeadlineMs ?? 4_000;

  async function prepare(by: KnownAsker, asked: RequestBody): Promise<{ body: RequestBody; isPrivate: boolean }> {
    const person = (await people.find(by.user)).settings;
    const channel = settings.channel(by.place.door, [...(by.standing?.channelIds ?? []), by.place.id]);
    const styleName = styleNameOf(asked, person, channel);
    const styles = styleName === undefined ? [] : await readStyles(db, by.personId);
    const wanted = styleName?.toLowerCase();
    const style =
      styles.find((one) => one.owner !== HOUSE && one.name.toLowerCase() === wanted) ??
      styles.find((one) => one.name.toLowerCase() === wanted);
    const body = prepareBody(asked, { person, channel, style, styleName });
    return { body, isPrivate: person.isPrivate === true };
  }

  function checkWords(by: Asker, words: string): void {
    const blocked = findBlockedWord(words, settings.limits.blockedWords);
    if (blocked !== undefined) throw refusedWord(blocked);
    if (allowsAdultWords(by, settings)) return;
    const adult = findBlockedWord(words, settings.limits.adultWords);
    if (adult !== undefined) throw adultWord(adult);
  }

  function checkRate(by: Asker, act: 'ask' | 'fetch' = 'ask'): void {
    const { ratePerMinute } = settings.limits;
    const waitMs = parts.rate.take(`${act} ${by.user.door}:${by.user.id}`, ratePerMinute);
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    throw new AppError('rate_limited', 'too many requests of one person', {
      retry: { afterMs: waitMs },
      publicMessage: {
        en: `Not accepted: at most ${ratePerMinute} requests a minute. Try again in ${seconds} s.`,
        zh: `未接受：每分钟最多 ${ratePerMinute} 个请求，请 ${seconds} 秒后再试。`,
      },
    });
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

  return {
    keepImage,
    checkWords,
    checkRate,
    async accept(by, asked, options = {}) {
      if (!deps.status.databaseReady) throw notAccepted();
      checkRate(by);
      try {
        await withDeadline(parts.checkAccess(by, commandOfBody(asked)), acceptDeadlineMs);
        const { body, isPrivate: usuallyPrivate } = await withDeadline(prepare(by, asked), acceptDeadlineMs);
        checkWords(by, wordsOf(body));
        const isPrivate = options.isPrivate ?? usuallyPrivate;
        const { eventId, user } = by;
        // Known of it wherever it is shown later.
        const place = by.standing?.isAdultPlace === true ? { ...by.place, isAdult: true } : by.place;
        const accepted = await withDeadline(
          keepAndAccept({
            eventId,
            user,
            place,
            body,
            ...(isPrivate ? { isPrivate } : {}),
            ...(options.parent === undefined ? {} : { parent: options.parent }),
          }),
          acceptDeadlineMs,
        );
        relay.nudge(accepted.outbox);
        log.info({ request_id: accepted.requestId, door: user.door, created: accepted.created }, 'request accepted');
        return { outcome: 'accepted', requestId: accepted.requestId, created: accepted.created, isPrivate };
      } catch (error) {
        if (error instanceof AppError && error.code !== 'unavailable' && error.code !== 'internal') throw error;
        deps.status.suspectDatabase();
        if (error instanceof AppError && error.code === 'unavailable') throw notAccepted(error);
        throw error;
      }
    },
  };
}

/** Not known to be committed: the same event id may be sent again, and is the same request. */
export function notAccepted(cause?: unknown): AppError {
  return new AppError('unavailable', 'a request could not be committed', {
    cause,
    publicMessage: {
      en: 'Not accepted, because the server is away for a moment: try again.',
      zh: '服务器暂时不可用，请求未被接受：请重试。',
    },
  });
}

function refusedWord(word: string): AppError {
  return new AppError('forbidden', 'a blocked word', {
    publicMessage: {
      en: `Not accepted: this team does not draw “${word}”. Say it without that word.`,
      zh: `未接受：本团队不绘制“${word}”，请去掉这个词。`,
    },
  });
}

function adultWord(word: string): AppError {
  return new AppError('forbidden', 'a word for adults where others read along', {
    publicMessage: {
      en: `Not here: “${word}” is only for channels marked for adults, or a direct message.`,
      zh: `此处不可用：“${word}”仅限标记为成人的频道或私聊。`,
    },
  });
}
