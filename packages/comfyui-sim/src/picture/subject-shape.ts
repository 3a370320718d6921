import { css } from './palette.ts';
import type { Palette } from './palette.ts';
import type { RandomStream } from './random-stream.ts';

type Draw = (palette: Palette, random: RandomStream) => string;

const eyes = '<circle cx="-11" cy="-44" r="3.4" fill="#17130f"/><circle cx="11" cy="-44" r="3.4" fill="#17130f"/>';

/** A sitting animal, seen from the front; 100 units high, standing on 0. */
const animal: Draw = (palette, random) => {
  const body = css(palette.subject);
  const shade = css(palette.subject, -14);
  const light = css(palette.subject, 38);
  const ear = random.between(20, 30).toFixed(0);
  return (
    `<path d="M24,-6C66,-8 62,-58 40,-66C52,-44 40,-22 20,-16Z" fill="${shade}"/>` +
    `<ellipse cx="0" cy="-18" rx="27" ry="26" fill="${body}"/><ellipse cx="0" cy="-13" rx="13" ry="17" fill="${light}"/>` +
    `<path d="M-26,-58L-${ear},-88L-6,-66ZM26,-58L${ear},-88L6,-66Z" fill="${shade}"/>` +
    `<path d="M-30,-56C-26,-74 26,-74 30,-56C26,-38 8,-28 0,-26C-8,-28 -26,-38 -30,-56Z" fill="${body}"/>` +
    `<path d="M-26,-46C-14,-44 -6,-38 0,-28C6,-38 14,-44 26,-46C18,-34 8,-27 0,-25C-8,-27 -18,-34 -26,-46Z" fill="${light}"/>` +
    `${eyes}<ellipse cx="0" cy="-30" rx="4" ry="3" fill="#17130f"/>`
  );
};

const tower: Draw = (palette, random) => {
  const stone = css(palette.subject, 12);
  const roof = css(palette.accent, -22);
  const bands =
    random.next() < 0.5
      ? `<path d="M-15,-30h30l-1,-12h-28ZM-13,-56h26l-1,-12h-24Z" fill="${css(palette.accent, -10)}"/>`
      : '';
  return (
    `<path d="M-17,0L-11,-80h22L17,0Z" fill="${stone}"/>${bands}<rect x="-14" y="-86" width="28" height="7" fill="${roof}"/>` +
    `<rect x="-8" y="-97" width="16" height="12" fill="#ffe9a8"/><path d="M-11,-97L0,-110L11,-97Z" fill="${roof}"/>` +
    `<path d="M8,-92L90,-108V-76Z" fill="#fff3c4" opacity=".35"/><rect x="-4" y="-14" width="8" height="14" fill="${roof}"/>`
  );
};

const house: Draw = (palette) =>
  `<rect x="-38" y="-44" width="76" height="44" fill="${css(palette.subject, 14)}"/><path d="M-46,-42L0,-82L46,-42Z" fill="${css(palette.accent, -18)}"/>` +
  `<rect x="-8" y="-24" width="16" height="24" fill="${css(palette.subject, -24)}"/><rect x="-30" y="-34" width="14" height="13" fill="#ffe9a8"/><rect x="16" y="-34" width="14" height="13" fill="#ffe9a8"/>`;

const person: Draw = (palette, random) => {
  const skin = `hsl(${random.between(18, 32).toFixed(0)},48%,${random.between(38, 74).toFixed(0)}%)`;
  const hair = css(palette.accent, -30);
  return (
    `<path d="M-44,4C-42,-28 -20,-34 0,-34C20,-34 42,-28 44,4Z" fill="${css(palette.subject)}"/><rect x="-8" y="-44" width="16" height="16" fill="${skin}"/>` +
    `<ellipse cx="0" cy="-66" rx="27" ry="32" fill="${hair}"/><ellipse cx="0" cy="-60" rx="20" ry="25" fill="${skin}"/>` +
    `<path d="M-22,-66C-14,-88 14,-88 22,-66C10,-74 -8,-76 -22,-66Z" fill="${hair}"/><circle cx="-8" cy="-60" r="2.4" fill="#17130f"/><circle cx="8" cy="-60" r="2.4" fill="#17130f"/>` +
    '<path d="M-6,-48Q0,-44 6,-48" stroke="#7c3b32" stroke-width="2" fill="none"/>'
  );
};

const tree: Draw = (palette, random) =>
  `<rect x="-5" y="-34" width="10" height="36" fill="${css(palette.accent, -30)}"/>` +
  Array.from({ length: 7 }, () => {
    const tint = css(palette.subject, random.between(-12, 10));
    return `<circle cx="${random.between(-22, 22).toFixed(0)}" cy="${random.between(-84, -40).toFixed(0)}" r="${random.between(15, 24).toFixed(0)}" fill="${tint}"/>`;
  }).join('');

const flower: Draw = (palette, random) => {
  const petals = Math.round(random.between(5, 9));
  const ring = Array.from(
    { length: petals },
    (_, index) =>
      `<ellipse cx="0" cy="-20" rx="11" ry="21" transform="rotate(${((360 / petals) * index).toFixed(0)})" fill="${css(palette.subject, index % 2 === 0 ? 0 : 8)}"/>`,
  ).join('');
  return `<path d="M0,0C-4,-20 4,-34 0,-60" stroke="hsl(120,40%,30%)" stroke-width="5" fill="none"/><g transform="translate(0 -64)">${ring}<circle r="11" fill="${css(palette.accent, 14)}"/></g>`;
};

const boat: Draw = (palette) =>
  `<path d="M-48,-20H48L34,0H-34Z" fill="${css(palette.subject, -8)}"/><rect x="-2" y="-92" width="4" height="74" fill="${css(palette.accent, -34)}"/>` +
  `<path d="M4,-90C34,-70 40,-44 38,-26H4Z" fill="${css(palette.subject, 36)}"/><path d="M-4,-80C-24,-64 -30,-44 -30,-26H-4Z" fill="${css(palette.accent, 16)}"/>`;

const rosette: Draw = (palette, random) => {
  const rings = Math.round(random.between(3, 5));
  return Array.from({ length: rings }, (_, ring) => {
    const sides = Math.round(random.between(5, 9));
    const radius = 46 - ring * (40 / rings);
    const turn = random.between(0, 360);
    const points = Array.from({ length: sides * 2 }, (__, index) => {
      const angle = (Math.PI * index) / sides;
      const length = index % 2 === 0 ? radius : radius * 0.66;
      return `${(Math.cos(angle) * length).toFixed(1)},${(Math.sin(angle) * length).toFixed(1)}`;
    }).join(' ');
    return `<polygon transform="translate(0 -48) rotate(${turn.toFixed(0)})" points="${points}" fill="${css(ring % 2 === 0 ? palette.subject : palette.accent, ring * 7 - 8)}"/>`;
  }).join('');
};

const subjects: readonly (readonly [RegExp, Draw])[] = [
  [/\b(fox|cat|kitten|dog|puppy|wolf|bear|tiger|lion|rabbit|animal|panda|squirrel)s?\b|猫|狗|狐|兔|熊|虎/i, animal],
  [/\b(lighthouse|tower|castle|skyscraper|minaret)s?\b|灯塔|塔|城堡/i, tower],
  [/\b(house|cabin|cottage|home|hut|barn|temple|village)s?\b|房|屋|庙/i, house],
  [
    /\b(girl|boy|man|woman|person|people|wizard|knight|princess|king|queen|portrait of|astronaut|elf|face)s?\b|人|女孩|男孩|女|男/i,
    person,
  ],
  [/\b(flower|rose|tulip|sunflower|lotus|blossom)s?\b|花/i, flower],
  [/\b(boat|ship|sail|yacht)s?\b|船/i, boat],
  [/\b(tree|oak|pine|forest|jungle)s?\b|树|林/i, tree],
];

/** SVG of what the prompt names first among the known shapes, 100 units high above 0,0; else an ornament. */
export function subjectShape(prompt: string, palette: Palette, random: RandomStream): string {
  const named = subjects
    .map(([pattern, draw]) => ({ at: prompt.search(pattern), draw }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)[0];
  return (named?.draw ?? rosette)(palette, random);
}
