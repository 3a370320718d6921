import type { ImagineOptions, SourceRef } from '@atelier/shared/contracts/request';
import { definedOnly } from '../defined-only.ts';
import type { PictureAction } from '../plan-derive.ts';
import type { PictureWish } from '../words-plan.ts';
import { CHANGE_LEAD } from './read-subject.ts';

/** What orders a change of a picture, besides "make it …". */
const CHANGE_ORDER =
  /^(?:please\s+|can you\s+|could you\s+)?(?:add|remove|delete|erase|replace|put|swap|give|make|turn|change)\b|^(?:请|帮我)?(?:把|将|给|加上?|添加|去掉|删除|移除|换成?|替换|让)/i;
const MORE =
  /^(?:please\s+)?(?:again|once more|one more(?: time)?|another(?: one| try)?|more(?: like (?:this|that|it))?|re-?roll|re-?try|try again|do (?:it|that|this) again|repeat)[\s.!]*(?:please)?[\s.!]*$|^(?:请)?(?:再来一?(?:张|次|幅|遍)?|再画一?(?:张|次|幅)?|重来(?:一次)?|重画(?:一张)?|重试|换一张|再试(?:一次|试)?)[。！!\s]*$/i;

const ORDINALS: readonly (readonly [RegExp, number])[] = [
  [/\b(?:first|1st)\s+(?:one|image|picture|photo|pic)\b|第\s*[一1]\s*[张幅个]/i, 0],
  [/\b(?:second|2nd)\s+(?:one|image|picture|photo|pic)\b|第\s*[二2]\s*[张幅个]/i, 1],
  [/\b(?:third|3rd)\s+(?:one|image|picture|photo|pic)\b|第\s*[三3]\s*[张幅个]/i, 2],
  [/\b(?:fourth|4th)\s+(?:one|image|picture|photo|pic)\b|第\s*[四4]\s*[张幅个]/i, 3],
];

const ACTIONS: Readonly<Partial<Record<NonNullable<PictureWish['operation']>, PictureAction>>> = {
  upscale: 'upscale_subtle',
  'background-removal': 'background',
  'image-to-video': 'animate',
  outpaint: 'outpaint',
};

/** Whether words order a change of a picture, and do not describe one. */
export function ordersChange(text: string): boolean {
  return CHANGE_LEAD.test(text.trim()) || CHANGE_ORDER.test(text.trim());
}

/** Whether words ask for the same once more, and for nothing else. */
export function asksForMore(text: string): boolean {
  return MORE.test(text.trim());
}

/** The results that a message answers, with the one among several pictures that its words name. */
export function sourcesMeant(text: string, about: readonly SourceRef[]): SourceRef[] {
  const ordinal = ORDINALS.find(([pattern]) => pattern.test(text))?.[1];
  return about.map((ref) => (ref.picture !== undefined || ordinal === undefined ? ref : { ...ref, picture: ordinal }));
}

/** What an answer to a picture does with it; undefined where the words describe another picture. */
export function actionOf(wish: PictureWish, text: string): PictureAction | undefined {
  if (wish.recipe !== undefined) return undefined;
  if (wish.operation !== undefined) return ACTIONS[wish.operation];
  return ordersChange(text) ? 'edit' : undefined;
}

/** The settings among what the words said. */
export function optionsOf(wish: PictureWish): Partial<ImagineOptions> {
  const { negative, aspect, count, seed, steps, cfg, sampler, strength, model, durationSeconds } = wish;
  return definedOnly({ negative, aspect, count, seed, steps, cfg, sampler, strength, model, durationSeconds });
}
