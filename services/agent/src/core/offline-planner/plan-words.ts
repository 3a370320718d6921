import { wishProblem } from '../limits.ts';
import type { PictureWish, WordsPlan } from '../words-plan.ts';
import { readCount } from './read-count.ts';
import { readNegative } from './read-negative.ts';
import { readOperation } from './read-operation.ts';
import { readSettings } from './read-settings.ts';
import { readShape } from './read-shape.ts';
import { CHANGE_LEAD, EARLIER_PICTURE, readSubject } from './read-subject.ts';
import type { Reading, Vocabulary } from './reading.ts';
import { smallTalkTopic } from './small-talk.ts';

export interface WordsContext {
  /** Whether a picture is attached. */
  hasPicture: boolean;
  vocabulary: Vocabulary;
}

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
  const topic = smallTalkTopic(normal);
  if (topic !== undefined) return { kind: 'topic', topic };
  const reading: Reading = { text: normal, wish: {}, hasPicture: context.hasPicture, vocabulary: context.vocabulary };
  readSettings(reading);
  readShape(reading);
  readCount(reading);
  // "remove the background" of a picture is no background that is not wanted.
  const operation = readOperation(reading);
  readNegative(reading);
  const prompt = readSubject(reading);
  const wish: PictureWish = { ...reading.wish, prompt };
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
