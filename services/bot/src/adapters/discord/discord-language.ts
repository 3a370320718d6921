import type { Language } from '@atelier/shared/contracts/identity';

/** From Discord's locale of the person, such as `zh-CN`. */
export function languageOfLocale(locale: string | null | undefined): Language {
  return locale?.toLowerCase().startsWith('zh') === true ? 'zh' : 'en';
}

/** Messages do not name their author's locale: their script does, else the server's. */
export function languageOfMessage(text: string, serverLocale: string | null | undefined): Language {
  return /\p{Script=Han}/u.test(text) ? 'zh' : languageOfLocale(serverLocale);
}
