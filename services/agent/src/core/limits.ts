import { MAX_COUNT, MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import type { LocalText, PictureWish } from './words-plan.ts';

/** The widest and the tallest shape that models draw without falling apart: 1 to 4. */
const MAX_RATIO = 4;
const MIN_SIDE = 16;
const MAX_SIDE = 8192;
const MAX_STEPS = 200;
const MAX_CFG = 50;
const MAX_SEED = 2n ** 64n - 1n;

/** Control characters that no keyboard types, line breaks and tabs apart. */
const CONTROL = /(?![\t\n\r])\p{Cc}/u;

function text(en: string, zh: string): LocalText {
  return { en, zh };
}

/** The ratio that `3:4` stands for, width by height. */
export function ratioOf(aspect: string): number {
  const [width = 1, height = 1] = aspect.split(':').map(Number);
  return width / height;
}

function promptProblem(prompt: string, maxChars: number): LocalText | undefined {
  if (prompt.length > maxChars) {
    return text(
      `The prompt has ${prompt.length} characters; shorten it to ${maxChars}.`,
      `提示词有 ${prompt.length} 个字符，请缩短到 ${maxChars} 个以内。`,
    );
  }
  if (CONTROL.test(prompt)) {
    return text(
      'The prompt contains control characters; type it again as plain text.',
      '提示词中含有控制字符，请重新输入纯文本。',
    );
  }
  return undefined;
}

function sizeProblem(wish: PictureWish): LocalText | undefined {
  if (wish.aspect !== undefined) {
    if (wish.width !== undefined || wish.height !== undefined) {
      return text('Give either an aspect or a width and height, not both.', '请只指定画面比例或宽高中的一种。');
    }
    const ratio = ratioOf(wish.aspect);
    if (!(ratio >= 1 / MAX_RATIO && ratio <= MAX_RATIO)) {
      return text(
        `The aspect ${wish.aspect} is too narrow; choose one between 1:${MAX_RATIO} and ${MAX_RATIO}:1.`,
        `画面比例 ${wish.aspect} 过于狭长，请选择 1:${MAX_RATIO} 到 ${MAX_RATIO}:1 之间的比例。`,
      );
    }
  }
  for (const side of [wish.width, wish.height]) {
    if (side !== undefined && !(Number.isInteger(side) && side >= MIN_SIDE && side <= MAX_SIDE)) {
      return text(
        `${side} pixels is not a possible size; choose ${MIN_SIDE} to ${MAX_SIDE} a side.`,
        `${side} 像素超出范围，请将边长设为 ${MIN_SIDE} 到 ${MAX_SIDE} 像素。`,
      );
    }
  }
  return undefined;
}

function countProblem(count: number | undefined): LocalText | undefined {
  if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT)) return undefined;
  return text(
    `Ask for 1 to ${MAX_COUNT} pictures at a time, not ${count}.`,
    `一次可以画 1 到 ${MAX_COUNT} 张，不能是 ${count} 张。`,
  );
}

function settingProblem(wish: PictureWish): LocalText | undefined {
  const { seed, steps, cfg, strength } = wish;
  if (seed !== undefined && (!/^(-1|\d{1,20})$/.test(seed) || BigInt(seed) > MAX_SEED)) {
    return text(
      `The seed is a whole number from 0 to ${MAX_SEED}, or -1 for a random one.`,
      `种子应为 0 到 ${MAX_SEED} 的整数，-1 表示随机。`,
    );
  }
  if (steps !== undefined && !(Number.isInteger(steps) && steps >= 1 && steps <= MAX_STEPS)) {
    return text(`Choose 1 to ${MAX_STEPS} steps, not ${steps}.`, `步数应为 1 到 ${MAX_STEPS}，不能是 ${steps}。`);
  }
  if (cfg !== undefined && !(cfg >= 0 && cfg <= MAX_CFG)) {
    return text(`Choose a cfg from 0 to ${MAX_CFG}, not ${cfg}.`, `CFG 应为 0 到 ${MAX_CFG}，不能是 ${cfg}。`);
  }
  if (strength !== undefined && !(strength >= 0 && strength <= 1)) {
    return text(`Choose a strength from 0 to 1, not ${strength}.`, `强度应为 0 到 1，不能是 ${strength}。`);
  }
  return undefined;
}

/**
 * Why a wish cannot be fulfilled by any recipe, in a sentence that says what to change; undefined when it may be.
 *
 * @param maxPromptChars what a person may write; more where a style was put behind it.
 */
export function wishProblem(wish: PictureWish, maxPromptChars = MAX_PROMPT_CHARS): LocalText | undefined {
  return (
    promptProblem(wish.prompt, maxPromptChars) ??
    (wish.negative === undefined ? undefined : promptProblem(wish.negative, maxPromptChars)) ??
    countProblem(wish.count) ??
    sizeProblem(wish) ??
    settingProblem(wish)
  );
}
