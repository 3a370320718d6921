import type { Language } from '@atelier/shared/contracts/identity';
import type { PublicError } from '@atelier/shared/contracts/request';
import { shorten } from '@atelier/shared/text/shorten';
import type { LocalText, ReplyTopic } from './words-plan.ts';

/** The language of a text: Chinese where it has a Chinese character, else the person's own. */
export function languageOf(text: string, otherwise: Language): Language {
  return /\p{Script=Han}/u.test(text) ? 'zh' : otherwise;
}

/** A failure that the person can mend. */
export function invalidRequest(message: LocalText): PublicError {
  return { code: 'invalid_input', message };
}

/** Quotes a name for a sentence, shortened. */
export function quoted(name: string): string {
  return `“${shorten(name.replaceAll(/\s+/g, ' ').trim(), 60)}”`;
}

/** "There is: a, b." in both languages, or nothing where there is nothing to offer. */
export function nearestSentence(names: readonly string[]): LocalText {
  if (names.length === 0) return { en: '', zh: '' };
  return { en: ` There is: ${names.join(', ')}.`, zh: `可选：${names.join('、')}。` };
}

export interface ReplyFacts {
  models: readonly string[];
}

const HELP: LocalText = {
  en: 'Tell me what to draw, such as “a red fox in snow, portrait, 2 images”. You can add an aspect (16:9, square), a size (1024x768), a count, a seed and what to leave out (no text).',
  zh: '告诉我想画什么，例如“雪地里的红狐狸，竖图，两张”。还可以加上比例（16:9、方图）、尺寸（1024x768）、张数、种子，以及不要的内容（不要文字）。',
};

/** What to answer to words that ask for no picture. */
export function topicReply(topic: ReplyTopic, language: Language, facts: ReplyFacts): string {
  return topicText(topic, facts)[language];
}

function topicText(topic: ReplyTopic, facts: ReplyFacts): LocalText {
  switch (topic) {
    case 'greeting':
      return { en: `Hello! ${HELP.en}`, zh: `你好！${HELP.zh}` };
    case 'help':
      return HELP;
    case 'thanks':
      return { en: 'You are welcome. Tell me what to draw next.', zh: '不客气。接下来想画什么，告诉我就好。' };
    case 'models':
      return modelsText(facts.models);
    case 'cancel':
      return {
        en: 'To stop a picture, use the cancel button on its card.',
        zh: '想停止某张图，请点它卡片上的取消按钮。',
      };
    case 'needs_picture':
      return {
        en: 'Attach the picture that you mean and say it again, or describe the whole picture in words.',
        zh: '请附上要处理的图片再说一次，或者用文字完整描述想要的画面。',
      };
    case 'no_subject':
      break;
  }
  return {
    en: 'What should the picture show? Add a subject, such as “a red fox in snow, portrait, 2 images”.',
    zh: '想画什么内容呢？请加上主题，例如“雪地里的红狐狸，竖图，两张”。',
  };
}

function modelsText(models: readonly string[]): LocalText {
  if (models.length === 0) return { en: 'No models are installed here yet.', zh: '这里还没有安装模型。' };
  const shown = models.slice(0, 15);
  const more = models.length - shown.length;
  return {
    en: `Models here: ${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}.`,
    zh: `可用模型：${shown.join('、')}${more > 0 ? `，另有 ${more} 个` : ''}。`,
  };
}
