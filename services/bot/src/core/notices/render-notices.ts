import type { Language } from '@atelier/shared/contracts/identity';
import { messagesFor } from '../messages/messages-for.ts';
import type { NoticeKey } from './decide-notices.ts';

export interface NoticeCard {
  key: NoticeKey;
  text: string;
}

export function renderNotices(keys: readonly NoticeKey[], language: Language): NoticeCard[] {
  const { notices } = messagesFor(language);
  return keys.map((key) => ({ key, text: notices[key] }));
}
