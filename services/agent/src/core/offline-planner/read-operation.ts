import type { PictureWish } from '../words-plan.ts';
import { take, type Reading } from './reading.ts';

const UPSCALE =
  /\b(?:please\s+)?(?:(?:\d(?:\.\d)?\s*x|double|quadruple)\s+)?(?:up-?scal(?:e|ed|ing)|up-?res|super[ -]?res(?:olution)?|enlarge|increase\s+the\s+resolution(?:\s+of)?)(?:\s+(?:this|the|my|it|that))?(?:\s+(?:image|picture|photo|pic))?(?:\s+(?:by|to)?\s*\d(?:\.\d)?\s*(?:x|times))?|(?:把?(?:这|那)?(?:张|幅)?(?:图片?|照片|它))?(?:放大|超分(?:辨率)?|高清化|高清修复|变清晰|变高清|提高分辨率|提升分辨率)(?:到?\s*(?:\d|[一二两三四])\s*倍)?/gi;
const CUT_OUT =
  /\b(?:please\s+)?(?:remove|delete|erase|cut\s+out|take\s+away)\s+(?:the\s+|its\s+)?background(?:\s+(?:of|from)\s+(?:this|the|my|it)(?:\s+(?:image|picture|photo))?)?|\bbackground\s+removal\b|\bmake\s+(?:the\s+)?background\s+transparent\b|(?:把?(?:这|那)?(?:张|幅)?(?:图片?|照片))?(?:的)?(?:抠图|去(?:掉|除)?背景|移除背景|背景透明|扣图)/gi;
/** "please … this picture": what stands around an operation that is all that was asked for, separators taken as spaces. */
const THIS_PICTURE =
  /^(?:please|pls|can you|could you|请|请把|请帮我|帮我|帮我把|把|给我)? ?(?:this|it|that|the|my|these|这|那|它)? ?(?:image|picture|photo|pic|one|张|幅|个)? ?(?:图片?|照片)?(?:一下)? ?(?:for me|for me please|please|吧|谢谢|thanks)?$/i;

/**
 * What to do with an attached picture, where the words name an operation.
 *
 * @returns the operation, and whether nothing else was said: only then is it meant without a picture, too.
 */
export function readOperation(
  reading: Reading,
): { operation: NonNullable<PictureWish['operation']>; alone: boolean } | undefined {
  const before = reading.text;
  let operation: PictureWish['operation'];
  take(reading, CUT_OUT, () => {
    operation ??= 'background-removal';
    return true;
  });
  take(reading, UPSCALE, () => {
    operation ??= 'upscale';
    return true;
  });
  if (operation === undefined) return undefined;
  const alone = THIS_PICTURE.test(reading.text.replaceAll(/[\s\uE000,，.。!！?？]+/g, ' ').trim());
  // Without a picture, "an upscaled city" and the like are part of what is to be drawn.
  if (!reading.hasPicture && !alone) {
    reading.text = before;
    return undefined;
  }
  return { operation, alone };
}
