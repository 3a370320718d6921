import { wishProblem } from '../limits.ts';
import type { PictureWish, WordsPlan } from '../words-plan.ts';
import { readCount } from './read-count.ts';
import { readDuration } from './read-duration.ts';
import { readNegative } from './read-negative.ts';
import { readBlend, readOperation } from './read-operation.ts';
import { readSettings } from './read-settings.ts';
import { readShape } from './read-shape.ts';
import { CHANGE_LEAD, EARLIER_PICTURE, readSubject } from './read-subject.ts';
import type { Reading, Vocabulary } from './reading.ts';
import { talkTopic } from './small-talk.ts';

export interface WordsContext {
  /** Whether a picture is attached. */
  hasPicture: boolean;
  vocabulary: Vocabulary;
}

/** Asks for words about a picture, and for nothing else. */
const DESCRIBE =
  /^(?:please\s+|can you\s+|could you\s+)?(?:describe|caption|explain)\s+(?:this|it|that|these|them|(?:the|my|this|these)\s+(?:images?|pictures?|photos?|pics?))(?:\s+(?:images?|pictures?|photos?|pics?))?(?:\s+(?:for me|in words|please))*[\s.!?]*$|^what(?:'s|\s+is|\s+do you see)\s+(?:in|on)\s+(?:this|the|my)\s+(?:image|picture|photo|pic)[\s.!?]*$|^what\s+(?:does|is)\s+(?:this|the)\s+(?:image|picture|photo)(?:\s+show)?[\s.!?]*$|^(?:请|帮我)?(?:描述|解释|说明)(?:一下)?(?:这|那)?(?:几|两|三)?(?:张|幅)?(?:图片?|照片|画面)(?:的内容)?[。！!？?\s]*$|^(?:这|那)(?:张|幅)?(?:图片?|照片)(?:里|中|上)?(?:是|有|画的是|拍的是)(?:什么|啥)[。！!？?\s]*$/i;

/** One form for what keyboards write in several: full-width digits and letters, line ends, invisible characters. */
function normalise(text: string): string {
  return text
    .replaceAll(/[\uFF10-\uFF19\uFF21-\uFF3A\uFF41-\uFF5A]/g, (character) =>
      String.fromCharCode(character.charCodeAt(0) - 0xfee0),
    )
    .replaceAll(/[\u200B-\u200F\u2028-\u202E\u2060\uFEFF\uE000]/g, '')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\u3000', ' ')
    .replaceAll('\u2019', "'")
    .replaceAll(/<@!?\d+>/g, ' ')
    .trim();
}

/**
 * Reads a wish out of plain words in English or Chinese without any model: size, shape, count, seed, settings, what is not
 * wanted; the rest is the prompt, in the person's own words.
 *
 * Never throws. A picture's prompt is never empty but for an operation on an attached picture, and its count is from 1
 * to 8: what is asked beyond that is refused with a sentence.
 */
export function planWords(text: string, context: WordsContext): WordsPlan {
  const problem = wishProblem({ prompt: text });
  if (problem !== undefined) return { kind: 'refused', message: problem };
  const normal = normalise(text);
  if (DESCRIBE.test(normal)) {
    return context.hasPicture ? { kind: 'describe' } : { kind: 'topic', topic: 'needs_picture' };
  }
  const topic = talkTopic(normal);
  if (topic !== undefined) return { kind: 'topic', topic };
  const reading: Reading = { text: normal, wish: {}, hasPicture: context.hasPicture, vocabulary: context.vocabulary };
  readSettings(reading);
  readShape(reading);
  const blends = readBlend(reading);
  readCount(reading);
  // "remove the background" of a picture is no background that is not wanted.
  const operation = readOperation(reading, blends);
  readNegative(reading);
  const durationSeconds = operation?.operation === 'image-to-video' ? readDuration(reading) : undefined;
  const prompt = readSubject(reading);
  const wish: PictureWish = { ...reading.wish, prompt, ...(durationSeconds === undefined ? {} : { durationSeconds }) };
  if (operation !== undefined) {
    if (!context.hasPicture) return { kind: 'topic', topic: 'needs_picture' };
    if (operation.alone || prompt === '') return checked({ ...wish, prompt: '', operation: operation.operation });
    return checked({ ...wish, operation: operation.operation });
  }
  if (!context.hasPicture && (CHANGE_LEAD.test(normal) || EARLIER_PICTURE.test(normal)))
    return { kind: 'topic', topic: 'needs_picture' };
  const refused = wishProblem(wish);
  if (refused !== undefined) return { kind: 'refused', message: refused };
  if (prompt === '') return { kind: 'topic', topic: 'no_subject' };
  return { kind: 'picture', wish };
}

function checked(wish: PictureWish): WordsPlan {
  const message = wishProblem(wish);
  return message === undefined ? { kind: 'picture', wish } : { kind: 'refused', message };
}
