import type { RandomStream } from './random-stream.ts';

/** A colour as hue (0–360), saturation and lightness (0–100). */
export interface Colour {
  hue: number;
  saturation: number;
  lightness: number;
}

export interface Palette {
  skyTop: Colour;
  skyBottom: Colour;
  ground: Colour;
  subject: Colour;
  accent: Colour;
  isNight: boolean;
}

const colourWords: readonly (readonly [RegExp, Colour])[] = [
  [/\b(red|crimson|scarlet|ruby|fox)\b|红/i, { hue: 8, saturation: 78, lightness: 48 }],
  [/\b(orange|amber|copper|pumpkin|tiger)\b|橙/i, { hue: 28, saturation: 88, lightness: 53 }],
  [/\b(yellow|gold|golden|sunny|lemon)\b|黄|金/i, { hue: 47, saturation: 92, lightness: 56 }],
  [/\b(green|emerald|jungle|forest|moss|meadow|grass)\b|绿|森林/i, { hue: 132, saturation: 46, lightness: 38 }],
  [/\b(teal|turquoise|cyan|aqua|mint)\b|青/i, { hue: 178, saturation: 60, lightness: 45 }],
  [/\b(blue|azure|navy|ocean|sea|sky|water|river|lake)\b|蓝|海/i, { hue: 212, saturation: 70, lightness: 48 }],
  [/\b(purple|violet|lavender|indigo)\b|紫/i, { hue: 274, saturation: 52, lightness: 50 }],
  [/\b(pink|rose|magenta|blossom|cherry)\b|粉|樱/i, { hue: 335, saturation: 70, lightness: 66 }],
  [/\b(white|snow|snowy|ice|winter|pale|cloud)\b|白|雪|冰/i, { hue: 208, saturation: 22, lightness: 93 }],
  [/\b(black|dark|night|midnight|shadow)\b|黑|夜/i, { hue: 230, saturation: 24, lightness: 14 }],
  [/\b(brown|wood|wooden|earth|desert|sand|bear|dog)\b|棕|沙/i, { hue: 30, saturation: 45, lightness: 40 }],
  [
    /\b(grey|gray|silver|stone|fog|mist|castle|lighthouse|tower)\b|灰|银|雾/i,
    { hue: 215, saturation: 9, lightness: 62 },
  ],
];

/** Colours that the text names: the subject's first. */
export function namedColours(text: string): Colour[] {
  // Chinese says where before what: in 雪中的红狐 the fox comes after the snow.
  const place = /^(.*[中里上下边外]的)(.+)$/u.exec(text);
  if (place?.[1] !== undefined && place[2] !== undefined) {
    return [...coloursInOrder(place[2]), ...coloursInOrder(place[1])];
  }
  return coloursInOrder(text);
}

function coloursInOrder(text: string): Colour[] {
  return colourWords
    .map(([pattern, colour]) => ({ at: text.search(pattern), colour }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)
    .map(({ colour }) => colour);
}

function shifted(colour: Colour, hue: number, lightness: number): Colour {
  return {
    hue: (colour.hue + hue + 360) % 360,
    saturation: colour.saturation,
    lightness: Math.min(96, Math.max(8, colour.lightness + lightness)),
  };
}

/** Colours of a scene: those that the text names, the first for the subject and the last for the surroundings, else by chance. */
export function paletteOf(text: string, random: RandomStream): Palette {
  const named = namedColours(text);
  const isNight = /\b(night|midnight|moon|stars?|dark)\b|夜|月/i.test(text);
  const chance = (): Colour => ({
    hue: random.between(0, 360),
    saturation: random.between(40, 75),
    lightness: random.between(40, 62),
  });
  const subject = shifted(named[0] ?? chance(), random.between(-8, 8), random.between(-4, 4));
  const around = named.at(-1) ?? chance();
  const ground = shifted(around, random.between(-10, 10), named.length > 1 ? -4 : -12);
  const sky = named.length > 2 ? (named[1] ?? around) : around;
  const skyTop = isNight
    ? { hue: 232, saturation: 46, lightness: 13 }
    : shifted(sky, random.between(10, 30), sky.lightness > 80 ? -22 : 12);
  const skyBottom = isNight
    ? shifted(sky, -20, -14)
    : shifted(sky, random.between(-25, -5), sky.lightness > 80 ? 0 : 30);
  return { skyTop, skyBottom, ground, subject, accent: shifted(subject, random.between(20, 50), 18), isNight };
}

export function css(colour: Colour, lightness = 0): string {
  const light = Math.min(98, Math.max(3, colour.lightness + lightness));
  return `hsl(${colour.hue.toFixed(0)},${colour.saturation.toFixed(0)}%,${light.toFixed(0)}%)`;
}
