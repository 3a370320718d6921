import { parseNumber } from './numbers.ts';
import { GAP, hasWords, type Reading } from './reading.ts';

const POLITE_START = String.raw`(?:(?:hey|hi|hello|please|pls|plz|ok|okay|now|so|kindly|could you|can you|would you|will you|i want you to|i want to see|i'd like to see|i would like to see|i'?d like you to|i would like you to|i want|i need|i'?d like|i would like|let'?s|can i (?:have|get)|could i (?:have|get)|may i have)(?:\s+|\s*[,，!]\s*))`;
/** Verbs that begin an order whatever follows. */
const DRAW = '(?:draw|create|generate|render|imagine|/imagine|produce|visuali[sz]e|illustrate)';
/** Verbs that do so before a determiner only: "paint splatter" and "show jumping" are subjects. */
const MAKE = '(?:make|paint|sketch|design|show|give|get|do|send|try)';
const DETERMINER = `(?:an?|the|some|another|one|my|this|that|${GAP})`;
const PLAIN_PICTURE = String.raw`(?:(?:an?|the|some|another|one|my)\s+)?(?:(?:new|nice|good|beautiful|single)\s+)?(?:images?|pictures?|pics?)\s+(?:of|showing|with|where|that\s+shows|depicting|about)\s+`;

const ENGLISH_LEADS: readonly RegExp[] = [
  new RegExp(`^${POLITE_START}+`, 'i'),
  new RegExp(`^${DRAW}(?:\\s+(?:me|us))?(?:\\s+|$|(?=${GAP}))`, 'i'),
  new RegExp(`^${MAKE}(?:\\s+(?:me|us)\\b)?(?:\\s+)(?=${DETERMINER}(?:\\s|$)|${GAP})`, 'i'),
  new RegExp(`^${MAKE}\\s+(?:me|us)\\s+`, 'i'),
  new RegExp(`^${PLAIN_PICTURE}`, 'i'),
];

const HAN_POLITE =
  '(?:你好|您好|嗨|请问|请|麻烦你?|劳驾|帮我|帮忙|帮|给我|替我|为我|我想要|我想|我要|我需要|想要|想|能不能|能否|可以|可不可以|你能|能|再|只要|现在|来帮我|一下)';
/** After these one-character verbs a word may go on: 画家 is a painter, 出租车 a taxi. */
const HAN_VERB =
  '(?:画(?!家|室|廊|面|布|框|笔|卷|册|展|师|像|中|里|风|质|架|板|眉|皮)|绘制|绘(?!本|画|卷|图)|生成|制作(?!人|者)|创作(?!者|人)|设计(?!师|者|图|稿|院)|渲染(?!器)|做(?=[一个张幅]|\uE000|\\s*\uE000)|来(?=[一个张幅]|\uE000|\\s*\uE000)|出(?=[一个张幅]|\uE000|\\s*\uE000|图)|搞(?=[一个张幅])|整(?=[一个张幅]))';

const CHINESE_LEADS: readonly RegExp[] = [
  new RegExp(`^${HAN_POLITE}{1,6}\\s*[,，]?\\s*(?=${HAN_VERB}|${GAP}|要|一|有|个)`),
  new RegExp(`^(?:${HAN_VERB})(?:一下|出来?|个(?=[\\p{Script=Han}]))?\\s*[:：]?\\s*`, 'u'),
  /^(?:一|这)?(?:张|幅|副)(?:关于|有关)?(?!\s*(?:桌|床|椅|凳|沙发|脸|纸|嘴|弓|牌))/,
  /^(?:关于|有关)/,
];

const POLITE_END =
  /(?:[\s,，。.!！~～]*(?:\b(?:please|pls|plz|thanks|thank you|thx|ok\?|for me)|谢谢(?:你|您|啦)?|多谢|拜托了?|好吗|可以吗|行吗|好不好|吧|呗|哦|哈))+[\s,，。.!！?？~～]*$/i;
const PICTURE_END = /的(?:图片|图像|图|画面)(?=\s*$)|(?<=\p{Script=Han})图(?:片|像)(?=\s*$)/u;

const LINKS_BEFORE_GAP =
  /(?:^|[\s,，、;；])(?:in|at|with|as|and|or|of|for|by|using|use|into|on|a|an|the|make it|but|plus|size|format|set|to)$|(?:的|用|以|和|并且?|为|成|要|按|按照|改成|做成|比例|尺寸|大小|使用|还有|另外|都要?|一共|来|给我)$|[,，、;；:：.。!！?？\s(（\-–—]$/i;
const LINKS_AFTER_GAP =
  /^(?:[,，、;；:：.。\s)）\-–—]|(?:of|and|please|each|too|size|format|ratio|aspect|mode|version)\b|的(?!士)|都|来(?=画)|(?:图片|图)(?=$|[,，。的]))/i;

/** What begins a change of a picture: the rest says what it shall look like. */
export const CHANGE_LEAD =
  /^(?:please\s+|can you\s+|could you\s+)?(?:make|turn|change|convert|transform|redraw|repaint)\s+(?:it|this|that|them|the\s+(?:image|picture|photo)|this\s+(?:image|picture|photo))\b\s*(?:one\s+)?(?:in)?(?:to\s+|as\s+|look\s+like\s+)?|^(?:请|帮我)?(?:把|将)?(?:它|这|这张|这张图片?|图片?|照片|这张照片)?(?:改|变|转|换|画)(?:成|为)\s*/i;

/** An earlier picture, which only a memory of the conversation could find. */
export const EARLIER_PICTURE =
  /^(?:(?:please|can you|could you|now)\s+)?(?:(?:make|turn|change|redo|show|take|upscale)\s+)?(?:the\s+)?(?:first|second|third|fourth|fifth|last|previous|other)\s+(?:one|image|picture|photo)\b(?!\s+(?:of|show)\b)|^(?:请|把|将|帮我)?(?:第[一二三四五六七八\d]+[张幅个]|上一?张|上面那?张|刚才(?:的|那)?张?|前一?张)/i;

/** What is left of an order for nothing in particular. */
const NOTHING =
  /^(?:(?:an?|the|one|some|another|more|my)\s*)*(?:picture|image|photo|drawing|one|thing|something|anything|someone|it|this|that|them|these|those|again|more|me|us|an?|the|some|another|my)?s?$|^(?:再|来|一|个|它|这|那|东西|随便|什么|图|片|照片|画|的|张){1,12}$/i;

/** Text without what ends or begins in nothing because something beside it was taken out. */
function tidyPiece(piece: string, afterGap: boolean, beforeGap: boolean): string {
  let text = piece.trim();
  for (let changed = true; changed;) {
    let next = text;
    if (afterGap) next = next.replace(LINKS_AFTER_GAP, '').trim();
    if (beforeGap) next = next.replace(LINKS_BEFORE_GAP, '').trim();
    changed = next !== text;
    text = next;
  }
  return text;
}

/** "用水彩画风格画一只猫": the subject comes first, then how it is drawn. */
const STYLE_FIRST =
  /^(?:用|以)([^,，。;；\uE000]{1,20}?(?:风格|画风|笔触|手法|质感))(?:来)?(?:画|绘制|生成|渲染|创作)(?:出|一下)?\s*([^\uE000]+)/;

function stripLeads(text: string, hasPicture: boolean): string {
  const leads = [...ENGLISH_LEADS, ...CHINESE_LEADS, ...(hasPicture ? [CHANGE_LEAD] : [])];
  let rest = text.replace(/^[\s,，.。!！:：;；、]+/, '');
  for (let round = 0; round < 8; round++) {
    const before = rest;
    rest = rest.replace(
      STYLE_FIRST,
      (_all, style: string, subject: string) => `${subject.trim().replace(/[,，。]+$/, '')}，${style}`,
    );
    for (const lead of leads) rest = rest.replace(lead, '').replace(/^[\s,，:：]+/, '');
    if (rest === before) break;
  }
  return rest;
}

function isHan(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}

/** Joins what was left on both sides of what was taken out. */
function joinPieces(pieces: readonly string[]): string {
  let joined = '';
  for (const piece of pieces) {
    if (piece === '') continue;
    if (joined === '') joined = piece;
    else if (/[,，、;；:：]$/.test(joined)) joined = `${joined} ${piece}`;
    else if (/^(?:in|at|on|with|under|near|by|behind|before|after|during|while|from|for|and)\b/i.test(piece))
      joined = `${joined} ${piece}`;
    else joined = `${joined}${isHan(joined.slice(-1)) ? '，' : ', '}${piece}`;
  }
  return joined;
}

/**
 * The prompt: what nobody else took, without the words that order it ("please draw me a picture of") and without loose
 * ends. Empty when no word is left.
 */
export function readSubject(reading: Reading): string {
  const strip = (text: string): string => stripLeads(text, reading.hasPicture);
  const whole = strip(reading.text.replace(POLITE_END, ''));
  const parts = whole.split(GAP);
  const pieces = parts.map((part, index) => tidyPiece(part, index > 0, index < parts.length - 1));
  const first = pieces.findIndex((piece) => piece !== '');
  if (first >= 0) {
    const lead = strip(`${pieces[first]} ${first < parts.length - 1 ? GAP : ''}`)
      .replaceAll(GAP, '')
      .trim();
    pieces[first] = first === 0 ? lead : lead.replace(/^(?:with|of|showing)\s+/i, '');
    // "画 ␣ 红狐狸": the order stood alone before the gap.
    const next = pieces.findIndex((piece, index) => index > first && piece !== '');
    if (pieces[first] === '' && next >= 0)
      pieces[next] = strip(pieces[next] ?? '').replace(/^(?:with|of|showing)\s+/i, '');
  }
  const prompt = joinPieces(pieces)
    .replace(POLITE_END, '')
    .replace(/[\s?？]+$/, '')
    .replace(PICTURE_END, '')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s+([,，。;；])/g, '$1')
    .replaceAll(/([,，])(?:\s*[,，])+/g, '$1')
    .replace(/^[\s,，.。;；:：、!！?？]+/, '')
    .replace(/[\s,，;；:：、.。]+$/, '')
    .trim();
  if (NOTHING.test(prompt) || !Number.isNaN(parseNumber(prompt))) return '';
  return hasWords(prompt) || /\p{Extended_Pictographic}/u.test(prompt) ? prompt : '';
}
