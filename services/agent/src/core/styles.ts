import type { LocalText } from './words-plan.ts';

/** A look that people ask for by name, with the words that make models draw it. */
export interface NamedStyle {
  id: string;
  title: LocalText;
  /** What is added to an English prompt, and to a Chinese one. */
  words: LocalText;
}

function style(id: string, en: string, zh: string, words: string, chinese: string): NamedStyle {
  return { id, title: { en, zh }, words: { en: words, zh: chinese } };
}

const STYLES: readonly NamedStyle[] = [
  style(
    'photo',
    'Photograph',
    '照片',
    'photograph, natural light, sharp focus, fine detail',
    '摄影照片，自然光，焦点清晰，细节丰富',
  ),
  style(
    'cinematic',
    'Film still',
    '电影感',
    'cinematic film still, dramatic lighting, shallow depth of field',
    '电影剧照，戏剧性光线，浅景深',
  ),
  style(
    'analog',
    'Analogue film',
    '胶片',
    'analog film photo, 35mm, grain, faded colours',
    '35 毫米胶片照片，颗粒感，褪色色调',
  ),
  style('anime', 'Anime', '动漫', 'anime illustration, clean line art, vivid colours', '动漫插画，干净线条，鲜艳色彩'),
  style('manga', 'Manga', '漫画', 'black and white manga, screentone, ink lines', '黑白漫画，网点，墨线'),
  style(
    'comic',
    'Comic book',
    '美漫',
    'comic book art, bold ink outlines, halftone shading',
    '美式漫画，粗墨线，半调阴影',
  ),
  style(
    'watercolor',
    'Watercolour',
    '水彩',
    'watercolor painting, soft washes, paper texture',
    '水彩画，柔和晕染，纸张纹理',
  ),
  style('oil', 'Oil painting', '油画', 'oil painting, visible brush strokes, rich colours', '油画，清晰笔触，浓郁色彩'),
  style(
    'ink',
    'Ink wash',
    '水墨',
    'Chinese ink wash painting, flowing brushwork, empty space',
    '中国水墨画，写意笔法，留白',
  ),
  style('sketch', 'Pencil sketch', '素描', 'pencil sketch, cross-hatching, paper texture', '铅笔素描，排线，纸张纹理'),
  style(
    'line-art',
    'Line art',
    '线稿',
    'clean line art, black lines on white, no shading',
    '干净线稿，白底黑线，无阴影',
  ),
  style('pixel-art', 'Pixel art', '像素画', 'pixel art, limited palette, crisp pixels', '像素画，有限色板，清晰像素'),
  style(
    '3d',
    '3D render',
    '三维渲染',
    '3d render, soft global illumination, detailed materials',
    '三维渲染，柔和全局光照，细致材质',
  ),
  style('clay', 'Clay', '黏土', 'clay figure, stop motion, soft studio light', '黏土人偶，定格动画，柔和棚光'),
  style(
    'low-poly',
    'Low poly',
    '低多边形',
    'low poly, flat shaded facets, simple shapes',
    '低多边形，平面着色，简洁造型',
  ),
  style(
    'isometric',
    'Isometric',
    '等距',
    'isometric view, miniature diorama, clean edges',
    '等距视角，微缩场景，边缘干净',
  ),
  style('paper-cut', 'Paper cut', '剪纸', 'layered paper cut art, soft shadows', '层叠剪纸艺术，柔和阴影'),
  style(
    'stained-glass',
    'Stained glass',
    '彩绘玻璃',
    'stained glass window, lead lines, glowing colours',
    '彩绘玻璃窗，铅线，透光色彩',
  ),
  style(
    'ukiyo-e',
    'Ukiyo-e',
    '浮世绘',
    'ukiyo-e woodblock print, flat colours, flowing outlines',
    '浮世绘木版画，平涂色彩，流畅轮廓',
  ),
  style('cyberpunk', 'Cyberpunk', '赛博朋克', 'cyberpunk, neon lights, rain, night city', '赛博朋克，霓虹灯，雨夜都市'),
  style(
    'fantasy',
    'Fantasy art',
    '奇幻',
    'fantasy concept art, epic scale, painterly detail',
    '奇幻概念设定，宏大场面，绘画质感',
  ),
  style(
    'flat',
    'Flat illustration',
    '扁平插画',
    'flat vector illustration, simple shapes, limited palette',
    '扁平矢量插画，简洁造型，有限配色',
  ),
  style('logo', 'Logo', '标志', 'simple vector logo, centred, plain background', '简洁矢量标志，居中，纯色背景'),
  style(
    'sticker',
    'Sticker',
    '贴纸',
    'die-cut sticker, white border, plain background',
    '模切贴纸，白色描边，纯色背景',
  ),
];

/** The styles that have a name here, for menus and completion. */
export function listStyles(): readonly NamedStyle[] {
  return STYLES;
}

/** A prompt with a style put behind it: a named one by the words that draw it, any other as it is written. */
export function styledPrompt(prompt: string, wanted: string | undefined): string {
  const name = wanted?.trim() ?? '';
  if (name === '') return prompt;
  const chinese = /\p{Script=Han}/u.test(prompt) || (prompt.trim() === '' && /\p{Script=Han}/u.test(name));
  const folded = name.toLowerCase();
  const known = STYLES.find(({ id, title }) => id === folded || title.en.toLowerCase() === folded || title.zh === name);
  const words = known === undefined ? name : chinese ? known.words.zh : known.words.en;
  if (prompt.trim() === '') return words;
  return /\p{Script=Han}/u.test(words) ? `${prompt}，${words}` : `${prompt}, ${words}`;
}
