import { ENGLISH_NUMBER, HAN_NUMBER, parseNumber } from './numbers.ts';
import { GAP, hasOtherSegment, take, takeSegments, type Reading } from './reading.ts';

/** Words for the thing that is ordered; they say nothing about how it looks. */
const PLAIN_NOUN =
  '(?:images?|pictures?|pics?|versions?|variations?|variants?|options?|renders?|copies|copy|samples?|results?|outputs?|takes?)';
/** Words that also say how it looks, and stay in the prompt. */
const ART_NOUN =
  '(?:photos?|photographs?|paintings?|drawings?|illustrations?|sketches|sketch|portraits?|posters?|wallpapers?|renderings?|icons?|logos?|shots?)';

/** What 张 also counts: a table is not a picture. */
const NOT_A_PICTURE =
  '(?!\\s*(?:木|红|圆|方|长|小|大|旧|白|空)?(?:桌|床|椅|凳|沙发|脸|面孔|纸|嘴|弓|牌|扑克|唱片|票|邮票|地图|卡|网|皮|毯|席|饼|钞|船票|门票|书桌|餐桌|茶几|弹簧)|\\s*(?:图|图片|照片)?(?:里|中|上))';

function setCount(reading: Reading, text: string): boolean {
  const count = parseNumber(text);
  if (Number.isNaN(count)) return false;
  // "一幅水彩画…，两幅": the first is an article.
  if (reading.wish.count === undefined || reading.wish.count === 1) reading.wish.count = count;
  return true;
}

function singular(noun: string): string {
  if (/^sketches$/i.test(noun)) return noun.slice(0, -2);
  return noun.replace(/s$/i, '');
}

function readEnglish(reading: Reading): void {
  take(
    reading,
    new RegExp(`\\b(?:make\\s+(?:it\\s+)?)?(${ENGLISH_NUMBER})\\s+of\\s+(?:them|it|these|those|each)\\b`, 'gi'),
    ([number = '']) => setCount(reading, number),
  );
  take(
    reading,
    /(?:--(?:count|n|batch)|\b(?:count|batch(?:\s+size)?|number\s+of\s+(?:images|pictures))\b)\s*(?:[:=]|of|is)?\s*(\d{1,6})(?![\d.])/gi,
    ([number = '']) => setCount(reading, number),
  );
  // "four watercolor paintings of a fox" orders four, each "watercolor painting of a fox".
  take(
    reading,
    new RegExp(
      `(?<!\\b(?:of|with|holding|between|showing)\\s)(?<!\\w\\s+and\\s)(?<![\\w.:])(${ENGLISH_NUMBER})\\s+((?:[a-z][a-z-]{1,20}\\s+){0,3}?)(${PLAIN_NOUN}|${ART_NOUN})(\\s+of\\b|\\s+showing\\b|\\s+with\\b)?(?![\\w-])`,
      'gi',
    ),
    ([number = '', adjectives = '', noun = '', link = '']) => {
      const isArt = new RegExp(`^${ART_NOUN}$`, 'i').test(noun);
      const described = adjectives.replaceAll(
        /\b(?:different|more|separate|other|new|random|nice|good|single)\s+/gi,
        '',
      );
      // "two photographs on a table" is a subject.
      if (isArt && link === '') return false;
      if (/\b(?:and|or|with|of|in|on)\s/i.test(described.replace(/\bblack and white\b/i, ''))) return false;
      if (!setCount(reading, number)) return false;
      const kept = `${described}${isArt ? singular(noun) : described === '' ? '' : 'image'}`;
      return kept === '' ? ` ${GAP} ${link.trim() === 'of' ? '' : link.trim()} ` : ` ${GAP} ${kept}${link} `;
    },
  );
  take(reading, new RegExp(`(${ENGLISH_NUMBER})\\s+times\\s*(?=[,.;!]|$|${GAP})`, 'gi'), ([number = '']) =>
    setCount(reading, number),
  );
  take(
    reading,
    /(?<![\w.])[x×]\s?(\d{1,3})(?=\s*(?:[,.;，。；!！]|$|\uE000))|(?<![\w.])[x×](\d{1,3})(?![\w.]|\s*[x×])/g,
    ([alone = '', number = '']) => setCount(reading, alone === '' ? number : alone),
  );
}

function readChinese(reading: Reading): void {
  take(
    reading,
    new RegExp(
      `(?<![第每这那])(?:一共|共|总共)?(${HAN_NUMBER})\\s*(?:张|幅|副|份|版|个版本|款)${NOT_A_PICTURE}(?:不同的)?(?:图片|图像|图(?![书标案腾]))?(?:的(?=图))?`,
      'g',
    ),
    ([number = '']) => setCount(reading, number),
  );
  take(reading, /(?:数量|张数|生成数)\s*[:：=为是]?\s*(\d{1,6})/g, ([number = '']) => setCount(reading, number));
}

/** A bare number between commas, beside a subject: "a red fox, portrait, two". */
function readBare(reading: Reading): void {
  const bare = new RegExp(
    `^(?:(${ENGLISH_NUMBER})(?:\\s+(?:${PLAIN_NOUN}|${ART_NOUN}|times))?|(${HAN_NUMBER})个?|(\\d{1,2})\\s?x|a\\s+single\\s+(?:image|picture|one))$`,
    'i',
  );
  if (!hasOtherSegment(reading.text, bare)) return;
  takeSegments(reading, (segment) => {
    const match = bare.exec(segment);
    return match !== null && setCount(reading, match[1] ?? match[2] ?? match[3] ?? 'one');
  });
}

/** How many pictures; never how many foxes are in one. */
export function readCount(reading: Reading): void {
  readEnglish(reading);
  readChinese(reading);
  readBare(reading);
}
