import { hasOtherSegment, take, takeSegments, type Reading } from './reading.ts';

const PORTRAIT = '3:4';
const LANDSCAPE = '4:3';

/** Ratios that people write without saying that they are one. */
const COMMON_RATIOS = new Set(
  '1:1 1:2 2:1 2:3 3:2 3:4 4:3 4:5 5:4 5:7 7:5 5:8 8:5 9:16 16:9 9:18 18:9 9:20 20:9 9:21 21:9 10:16 16:10 3:1 1:3 4:1 1:4 7:9 9:7'.split(
    ' ',
  ),
);

const PICTURE_NOUN =
  '(?:images?|pictures?|pics?|formats?|modes?|orientation|aspects?(?:\\s+ratios?)?|ratio|layouts?|size|shape|version|crop)';

interface ShapeWord {
  pattern: RegExp;
  aspect: string;
}

/** Phrases that say a shape wherever they stand. */
const PHRASES: readonly ShapeWord[] = [
  {
    pattern:
      /(?:\b(?:as\s+)?(?:an?\s+)?)?\b(?:phone|mobile|iphone|android|smartphone|lock\s?screen|tiktok|instagram\s+story|reels?)\s+(?:wallpaper|background|story|video|size|format|cover)s?\b(?:\s+of\b)?/gi,
    aspect: '9:16',
  },
  {
    pattern:
      /(?:\b(?:as\s+)?(?:an?\s+)?)?\b(?:desktop|computer|pc|laptop|widescreen)\s+(?:wallpaper|background|size|format)s?\b(?:\s+of\b)?/gi,
    aspect: '16:9',
  },
  {
    pattern: /(?:手机|竖屏)(?:壁纸|屏保|锁屏|背景|屏幕)(?:尺寸|大小|比例)?|锁屏壁纸|抖音(?:竖屏|封面|比例)/g,
    aspect: '9:16',
  },
  { pattern: /(?:电脑|桌面|宽屏)(?:壁纸|屏保|背景|屏幕)(?:尺寸|大小|比例)?|宽屏(?:图|比例|画面)?/g, aspect: '16:9' },
  {
    pattern: new RegExp(
      `(?:\\b(?:in|as)\\s+)?(?:\\ban?\\s+)?\\b(?:portrait|vertical|upright|tall)\\s+${PICTURE_NOUN}\\b(?:\\s+of\\b)?`,
      'gi',
    ),
    aspect: PORTRAIT,
  },
  {
    pattern: new RegExp(
      `(?:\\b(?:in|as)\\s+)?(?:\\ban?\\s+)?\\b(?:landscape|horizontal)\\s+${PICTURE_NOUN}\\b(?:\\s+of\\b)?`,
      'gi',
    ),
    aspect: LANDSCAPE,
  },
  {
    pattern: new RegExp(
      `(?:\\b(?:in|as)\\s+)?(?:\\ban?\\s+)?\\bwide(?:screen)?\\s+${PICTURE_NOUN}\\b(?:\\s+of\\b)?`,
      'gi',
    ),
    aspect: '16:9',
  },
  {
    pattern: new RegExp(`(?:\\b(?:in|as)\\s+)?(?:\\ban?\\s+)?\\bsquared?\\s+${PICTURE_NOUN}\\b(?:\\s+of\\b)?`, 'gi'),
    aspect: '1:1',
  },
  {
    pattern: /\b(?:as|for)\s+(?:(?:an?|my)\s+)?(?:profile\s+(?:picture|pic|photo)|avatar)(?=\s*(?:[,.;]|$|\uE000))/gi,
    aspect: '1:1',
  },
  {
    pattern: /竖(?:版|屏|幅|图|向|构图|画幅|着)(?:的?(?:图片|图像|构图|画面|图))?|纵向(?:构图|图片?|画面)?/g,
    aspect: PORTRAIT,
  },
  {
    pattern: /横(?:版|屏|幅|图|构图|画幅)(?:的?(?:图片|图像|构图|画面|图))?|横向(?:构图|图片?|画面)/g,
    aspect: LANDSCAPE,
  },
  { pattern: /方(?:图|形图|形构图|形画面|版)|正方形(?:的?(?:图片?|构图|画面|画幅|比例))/g, aspect: '1:1' },
];

/** Words that say a shape when they stand alone between commas; `ambiguous` ones only beside a subject. */
const ALONE: readonly (ShapeWord & { ambiguous?: true })[] = [
  { pattern: /^(?:an? |my )?(?:profile (?:picture|pic|photo)|avatar)$/i, aspect: '1:1', ambiguous: true },
  { pattern: /^(?:in |as )?(?:vertical|upright|vertically)$/i, aspect: PORTRAIT },
  { pattern: /^(?:in |as )?(?:horizontal|horizontally)$/i, aspect: LANDSCAPE },
  { pattern: /^(?:in |as )?(?:a )?(?:wide ?screen)$/i, aspect: '16:9' },
  { pattern: /^(?:in |as )?(?:ultra ?-?wide)$/i, aspect: '21:9' },
  { pattern: /^(?:in |as |in a |as a )?portrait$/i, aspect: PORTRAIT, ambiguous: true },
  { pattern: /^(?:in |as |in a |as a )?landscape$/i, aspect: LANDSCAPE, ambiguous: true },
  { pattern: /^(?:in |as |in a |as a )?squared?$/i, aspect: '1:1', ambiguous: true },
  { pattern: /^wide$/i, aspect: '16:9', ambiguous: true },
  { pattern: /^(?:横向|横着)$/, aspect: LANDSCAPE },
  { pattern: /^(?:正方形|方形|方的)$/, aspect: '1:1', ambiguous: true },
  { pattern: /^(?:超宽(?:屏|幅)?)$/, aspect: '21:9' },
];

/** What a thing looks like by itself; it stays in the prompt. */
const BY_SUBJECT: readonly ShapeWord[] = [
  { pattern: /\b(?:portrait|vertical)\s+photo/i, aspect: PORTRAIT },
  { pattern: /\b(?:landscape|horizontal)\s+photo/i, aspect: LANDSCAPE },
  { pattern: /\bsquare\s+photo/i, aspect: '1:1' },
  { pattern: /\b(?:movie |film |concert |travel )?poster\b|\bbook cover\b|海报|书籍?封面/i, aspect: '2:3' },
  { pattern: /\bavatar\b|\bapp icon\b|头像|图标/i, aspect: '1:1' },
];

function readPixels(reading: Reading): void {
  take(
    reading,
    /(?:\b(?:in|at|size|resolution|with\s+a?\s*resolution\s+of)\s*[:=]?\s*|(?:尺寸|分辨率|大小)\s*[:：=为是]?\s*)?(?<![\d.])(\d{2,5})\s*(?:[x×✕*]|by)\s*(\d{2,5})(?![\d.]*\d)(?:\s*(?:px|pixels?|像素)(?![a-z]))?/gi,
    ([width = '', height = '']) => {
      reading.wish.width ??= Number(width);
      reading.wish.height ??= Number(height);
      return true;
    },
  );
}

function readRatio(reading: Reading): void {
  take(
    reading,
    /(?:--ar|--aspect|\b(?:in\s+|with\s+)?(?:an?\s+)?(?:aspect(?:\s+ratio)?|ratio)(?:\s+of)?|(?:画面|宽高|长宽|图片)?(?:比例|画幅))\s*[:：=为是]?\s*(\d{1,2})\s*[:：比xX/]\s*(\d{1,2})(?!\d)/gi,
    ([width = '', height = '']) => setAspect(reading, `${Number(width)}:${Number(height)}`),
  );
  take(
    reading,
    /(?:\bin\s+)?(?<![\d:.])(\d{1,2})\s*[:：比]\s*(\d{1,2})(?![\d:]|\s*(?:am|pm)\b)(?:\s*(?:aspect(?:\s+ratio)?|ratio|format)\b|\s*(?:的)?(?:比例|画幅|构图|画面))?/gi,
    ([width = '', height = '']) => {
      const ratio = `${Number(width)}:${Number(height)}`;
      return COMMON_RATIOS.has(ratio) && setAspect(reading, ratio);
    },
  );
}

function setAspect(reading: Reading, aspect: string): boolean {
  reading.wish.aspect ??= aspect;
  return true;
}

function readAlone(reading: Reading): void {
  for (const { pattern, aspect, ambiguous } of ALONE) {
    if (ambiguous === true && !hasOtherSegment(reading.text, pattern)) continue;
    takeSegments(reading, (segment) => pattern.test(segment) && setAspect(reading, aspect));
  }
}

/** Width, height and aspect. Pixels win over a ratio, a ratio over words, words over what the subject suggests. */
export function readShape(reading: Reading): void {
  readPixels(reading);
  readRatio(reading);
  for (const { pattern, aspect } of PHRASES) take(reading, pattern, () => setAspect(reading, aspect));
  readAlone(reading);
  for (const { pattern, aspect } of BY_SUBJECT) if (pattern.test(reading.text)) reading.wish.aspect ??= aspect;
  if (reading.wish.width !== undefined) delete reading.wish.aspect;
}
