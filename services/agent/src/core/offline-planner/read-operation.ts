import type { Operation } from '@atelier/shared/contracts/request';
import { take, type Reading } from './reading.ts';

const UPSCALE =
  /\b(?:please\s+)?(?:(?:\d(?:\.\d)?\s*x|double|quadruple)\s+)?(?:up-?scal(?:e|ed|ing)|up-?res|super[ -]?res(?:olution)?|enlarge|increase\s+the\s+resolution(?:\s+of)?)(?:\s+(?:this|the|my|it|that))?(?:\s+(?:image|picture|photo|pic))?(?:\s+(?:by|to)?\s*\d(?:\.\d)?\s*(?:x|times))?|(?:把?(?:这|那)?(?:张|幅)?(?:图片?|照片|它))?(?:放大|超分(?:辨率)?|高清化|高清修复|变清晰|变高清|提高分辨率|提升分辨率)(?:到?\s*(?:\d|[一二两三四])\s*倍)?/gi;
const CUT_OUT =
  /\b(?:please\s+)?(?:remove|delete|erase|cut\s+out|take\s+away)\s+(?:the\s+|its\s+)?background(?:\s+(?:of|from)\s+(?:this|the|my|it)(?:\s+(?:image|picture|photo))?)?|\bbackground\s+removal\b|\bmake\s+(?:the\s+)?background\s+transparent\b|(?:把?(?:这|那)?(?:张|幅)?(?:图片?|照片))?(?:的)?(?:抠图|去(?:掉|除)?背景|移除背景|背景透明|扣图)/gi;
const BLEND =
  /\b(?:please\s+)?(?:blend|merge|mix|combine|fuse)\s+(?:(?:these|those|the|my|both|all)\s+)*(?:\w+\s+){0,2}?(?:images?|pictures?|photos?|pics?|them|these|both)(?:\s+(?:together|into\s+one(?:\s+(?:image|picture|photo))?))?|\bblend\s+(?:these|them|both)\b|(?:把?(?:这|那)?(?:[两三四五几些]|\d)?(?:张|幅)?(?:图片?|照片|它们)?)?(?:融合|混合|合并|合成)(?:这|那)?(?:[两三四五几些]|\d)?(?:张|幅)?(?:图片?|照片|它们)?(?:成?(?:一张|在一起|到一起|一下)?(?:新?图)?)/gi;
const ANIMATE =
  /\b(?:please\s+)?(?:animate|bring\s+(?:it|this|them)\s+to\s+life|make\s+(?:it|this|that|the\s+(?:image|picture|photo))\s+move|set\s+(?:it|this|the\s+(?:image|picture|photo))\s+in\s+motion|(?:make|turn|convert)\s+(?:it|this|that|(?:the|this|my)\s+(?:image|picture|photo))\s+(?:in)?to\s+an?\s+(?:short\s+)?(?:video|clip|animation|gif)|make\s+an?\s+(?:short\s+)?(?:video|clip|animation)\s+(?:of|from|out\s+of)\s+(?:it|this|that|the\s+(?:image|picture|photo)))(?:\s+(?:this|it|that|the|my))?(?:\s+(?:image|picture|photo|pic)\b)?|(?:把|让|请让|使)?(?:这|那)?(?:张|幅)?(?:图片?|照片|画面|它)?(?:动起来|动一动|做成(?:一段|一个)?(?:短)?(?:视频|动画|动图)|变成(?:一段|一个)?(?:短)?(?:视频|动画|动图)|转成(?:一段|一个)?(?:短)?(?:视频|动画|动图))|图生视频/gi;
const OUTPAINT =
  /\b(?:please\s+)?(?:out-?paint(?:ing)?|un-?crop|zoom\s+out(?:\s+(?:of|on))?|(?:extend|expand|widen|continue)\s+(?:the\s+|this\s+|my\s+)?(?:image|picture|photo|canvas|background|borders?|edges|it|this|scene)(?:\s+beyond\s+(?:the|its)\s+(?:borders?|edges))?)(?:\s+(?:this|it|that|the|my))?(?:\s+(?:image|picture|photo|pic)\b)?(?:\s+to\b)?|(?:把|将|请把)?(?:这|那)?(?:张|幅)?(?:图片?|照片|画面|画布|它)?(?:扩图|外扩|扩展(?:画面|画布|图片|边缘)?|向外(?:扩展|延伸)|补全(?:四周|边缘|画面))(?:到|成|为)?/gi;
/** "please … this picture": what stands around an operation that is all that was asked for, separators taken as spaces. */
const THIS_PICTURE =
  /^(?:please|pls|can you|could you|请|请把|请帮我|帮我|帮我把|把|给我)? ?(?:this|it|that|the|my|these|这|那|它)? ?(?:images?|pictures?|photos?|pics?|one|张|幅|个)? ?(?:图片?|照片)?(?:together|to|一下)? ?(?:for me|for me please|please|吧|谢谢|thanks)?$/i;

const OPERATIONS: readonly (readonly [Operation, RegExp])[] = [
  ['background-removal', CUT_OUT],
  ['upscale', UPSCALE],
  ['image-to-video', ANIMATE],
  ['outpaint', OUTPAINT],
];

/** Whether attached pictures are to be blended. Read before counts: "blend these two pictures" orders one. */
export function readBlend(reading: Reading): boolean {
  if (!reading.hasPicture) return false;
  let found = false;
  take(reading, BLEND, () => (found = true));
  return found;
}

/**
 * What to do with attached pictures, where the words name an operation.
 *
 * @returns the operation, and whether nothing else was said: only then is it meant without a picture, too.
 */
export function readOperation(reading: Reading, blends: boolean): { operation: Operation; alone: boolean } | undefined {
  const before = reading.text;
  let operation: Operation | undefined = blends ? 'blend' : undefined;
  for (const [name, pattern] of OPERATIONS) {
    take(reading, pattern, () => {
      operation ??= name;
      return true;
    });
  }
  if (operation === undefined) return undefined;
  const alone = THIS_PICTURE.test(reading.text.replaceAll(/[\s\uE000,，.。!！?？]+/g, ' ').trim());
  // Without a picture, "an upscaled city" and the like are part of what is to be drawn.
  if (!reading.hasPicture && !alone) {
    reading.text = before;
    return undefined;
  }
  return { operation, alone };
}
