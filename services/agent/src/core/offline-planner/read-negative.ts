import { GAP, take, type Reading } from './reading.ts';

const END = String.raw`[^,，.。;；!！?？\n${GAP}]`;

function add(reading: Reading, text: string): boolean {
  const things = text
    .split(/\s+(?:or|and|nor)\s+(?:any\s+)?|[、,，]|和|与|或者?|及|以及/)
    .map((thing) =>
      thing
        .replaceAll(GAP, '')
        .replace(/^(?:any|a|an|the|有|任何|出现)\s*/i, '')
        .trim(),
    )
    .filter((thing) => thing !== '');
  if (things.length === 0) return false;
  const known = reading.wish.negative === undefined ? [] : [reading.wish.negative];
  reading.wish.negative = [...known, ...things].join(', ');
  return true;
}

/** `negative prompt: …` takes everything up to the end of the sentence. */
function readLabelled(reading: Reading): void {
  take(
    reading,
    /(?:\bnegative(?:\s+prompt)?|(?:反向|负面|负向|反面)(?:提示词?|词)?)\s*[:：=]\s*([^\n;；。\uE000]{1,2000})/gi,
    ([list = '']) => add(reading, list.replace(/\.\s*$/, '')),
  );
  take(reading, /--(?:no|neg|negative)\s+([^\n\uE000]*?)(?=\s--|[\n\uE000]|$)/gi, ([list = '']) => add(reading, list));
}

const STOP_WORDS =
  'at|in|on|under|during|near|by|behind|for|from|while|as|but|with|before|after|that|who|which|is|are|[a-z]+ing';
/** Where an English "without people at night" stops: what follows belongs to the picture. */
const STOP = String.raw`(?=\s+(?:${STOP_WORDS})\b|[,，.。;；!！?？\n${GAP}]|$)`;
const ENGLISH_THING = String.raw`((?:any\s+)?[a-z][\w'-]{0,30}(?:\s+(?!(?:${STOP_WORDS})\b)[a-z][\w'-]{0,30}){0,6}?)`;
const IN_PICTURE = String.raw`(?:\s+(?:in|on|inside|anywhere\s+in)\s+(?:the\s+|this\s+|it\b)(?:image|picture|photo|frame)?)?`;

function readEnglish(reading: Reading): void {
  take(
    reading,
    new RegExp(
      String.raw`(?:\b(?:and|but|with|please)\s+)?\b(?:do\s+not|don'?t|dont|please\s+no|avoid|exclude|excluding|leave\s+out|leaving\s+out)(?:\s+(?:include|including|show|showing|add|adding|draw|drawing|have|having|put|want|use))?\s+${ENGLISH_THING}${IN_PICTURE}${STOP}`,
      'gi',
    ),
    ([thing = '']) => add(reading, thing),
  );
  take(
    reading,
    new RegExp(String.raw`(?:\b(?:and|but)\s+)?\bwithout\s+${ENGLISH_THING}${IN_PICTURE}${STOP}`, 'gi'),
    ([thing = '']) => add(reading, thing),
  );
  take(
    reading,
    new RegExp(
      String.raw`(?<=^|[,，.。;；!！?？\n${GAP}]|\b(?:and|but|with|there\s+(?:is|are))\s)\s*(?:(?:and|but|with)\s+)?no\s+${ENGLISH_THING}${IN_PICTURE}${STOP}`,
      'gi',
    ),
    ([thing = '']) => add(reading, thing),
  );
}

const HAN_THING = String.raw`((?:(?!的)${END}){1,24}?)`;

function readChinese(reading: Reading): void {
  // "一条没有人的街道": without its attribute the phrase closes up.
  const takeThing = (thing: string, joined: string): boolean | string => add(reading, thing) && (joined === '' || '');
  take(
    reading,
    new RegExp(
      String.raw`(?:但是?|并且?|而且|也|同时)?(?:请)?(?:(?:画面|图片|图|画|里面|背景)(?:中|里|上)?)?(?:不要(?!太|过于|那么)|不含|不带|不想要|别(?=画|加|有|出现|带|放)|去掉|去除|避免|排除|禁止)(?:有|出现|画|加|包含|添加|带|放)?(?:任何)?${HAN_THING}(?:(的)(?=\p{Script=Han})|(?=[,，.。;；!！?？\n${GAP}]|$))`,
      'gu',
    ),
    ([thing = '', joined = '']) => takeThing(thing, joined),
  );
  take(
    reading,
    new RegExp(
      String.raw`(?:但是?|并且?|而且|也|同时)?(?:(?:画面|图片|里面|背景)(?:中|里|上)?)?(?:没有|无(?=文字|水印|人物|字|边框|背景|logo))(?:任何)?${HAN_THING}(?:(的)(?=\p{Script=Han})|(?=[,，.。;；!！?？\n${GAP}]|$))`,
      'giu',
    ),
    ([thing = '', joined = '']) => takeThing(thing, joined),
  );
}

/** What must not be in the picture. */
export function readNegative(reading: Reading): void {
  readLabelled(reading);
  readEnglish(reading);
  readChinese(reading);
}
