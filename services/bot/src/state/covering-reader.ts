import { findBlockedWord, wordsOf } from '../core/access/blocked-words.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { CardReader } from './card-reader.ts';
import type { ChatSettingsCache } from './chat-settings-cache.ts';

/** A reader whose facts also say which pictures are covered: those for adults, where nobody said that they are shown openly. */
export function createCoveringReader(
  reader: CardReader,
  settings: Pick<ChatSettingsCache, 'limits' | 'channel'>,
): CardReader {
  const cover = (all: CardFacts[]): CardFacts[] =>
    settings.limits.adultWords.length === 0 ? all : all.map((facts) => (isForAdults(facts) ? covered(facts) : facts));

  function isForAdults({ request, origin }: CardFacts): boolean {
    if (settings.channel(request.place.door, [request.place.id]).showsAdult === true) return false;
    const words = [wordsOf(request.body), request.plan?.prompt ?? '', origin === undefined ? '' : wordsOf(origin.body)];
    return findBlockedWord(words.join('\n'), settings.limits.adultWords) !== undefined;
  }

  return {
    readFacts: async (requestIds) => cover(await reader.readFacts(requestIds)),
    readTimeline: async (query) => cover(await reader.readTimeline(query)),
  };
}

function covered(facts: CardFacts): CardFacts {
  return { ...facts, marks: { isDeleted: false, isShared: false, ...facts.marks, isCovered: true } };
}
