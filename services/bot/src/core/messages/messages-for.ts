import type { Language } from '@atelier/shared/contracts/identity';
import { en } from './en.ts';
import type { Messages } from './messages.ts';
import { zh } from './zh.ts';

const catalogues: Record<Language, Messages> = { en, zh };

export function messagesFor(language: Language): Messages {
  return catalogues[language];
}
