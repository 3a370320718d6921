import { findBlockedWord, wordsOf } from '@atelier/shared/access/blocked-words';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { CardReader } from './card-reader.ts';
import type { ChatSettingsCache } from './chat-settings-cache.ts';

/** A reader whose facts also say what is for adults, and that it is covered in its place where nobody shows such openly. */
export function createCoveringReader(
  reader: CardReader,
  settings: Pick<ChatSettingsCache, 'limits' | 'channel'>,
): CardReader {
  const markAll = (all: CardFacts[]): CardFacts[] => all.map((facts) => (isForAdults(facts) ? marked(facts) : facts));

  function isForAdults({ request, origin }: CardFacts): boolean {
    if (request.place.isAdult === true) return true;
    const { adultWords } = settings.limits;
    if (adultWords.length === 0) return false;
    const words = [wordsOf(request.body), request.plan?.prompt ?? '', origin === undefined ? '' : wordsOf(origin.body)];
    return findBlockedWord(words.join('\n'), adultWords) !== undefined;
  }

  function marked(facts: CardFacts): CardFacts {
    const { place } = facts.request;
    const isOpen = place.isAdult === true || settings.channel(place.door, [place.id]).showsAdult === true;
    const marks = { isDeleted: false, isShared: false, ...facts.marks, isForAdults: true, isCovered: !isOpen };
    return { ...facts, marks };
  }

  return {
    readFacts: async (requestIds) => markAll(await reader.readFacts(requestIds)),
    readTimeline: async (query) => markAll(await reader.readTimeline(query)),
  };
}
