import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { ChatSettingsCache } from '../state/chat-settings-cache.ts';

type There = Pick<Asker, 'place' | 'standing'>;

/** Pictures for adults are shown there without a cover: the platform, or an operator, calls it a place for adults. */
export function showsAdultOpenly({ place, standing }: There, settings: Pick<ChatSettingsCache, 'channel'>): boolean {
  if (standing?.isAdultPlace === true) return true;
  return settings.channel(place.door, [...(standing?.channelIds ?? []), place.id]).showsAdult === true;
}

/** Words for adults may be said there: among adults, and where nobody else reads along. */
export function allowsAdultWords(there: There, settings: Pick<ChatSettingsCache, 'channel'>): boolean {
  const { door } = there.place;
  return door === 'web' || door === 'cli' || there.standing?.isDirect === true || showsAdultOpenly(there, settings);
}

/** @throws AppError `forbidden` where something is to be made of a result for adults, and others read along. */
export function checkAdultSource({ marks }: CardFacts, by: There, settings: Pick<ChatSettingsCache, 'channel'>): void {
  if (marks?.isForAdults !== true || allowsAdultWords(by, settings)) return;
  throw new AppError('forbidden', 'a result for adults where others read along', {
    publicMessage: {
      en: 'Not here: what is made of this is only for channels marked for adults, or a direct message.',
      zh: '此处不可用：基于此作品的创作仅限标记为成人的频道或私聊。',
    },
  });
}
