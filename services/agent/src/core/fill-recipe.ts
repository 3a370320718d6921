import { resolveParameters } from '@atelier/comfyui/recipes/resolve-parameters';
import type { NumberParameter, Recipe, RecipeParameter, RecipeValues } from '@atelier/comfyui/recipes/recipe';
import type { Json } from '@atelier/comfyui/json/json';
import type { AssetRef } from '@atelier/shared/contracts/request';
import type { RecipeOffer } from './catalog.ts';
import { ratioOf } from './limits.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

/** An attached picture under the name that the workflow calls it. */
export interface NamedPicture {
  name: string;
  asset: AssetRef;
}

export type FilledRecipe =
  | {
      ok: true;
      /** What is given to the recipe, the count apart. */
      given: RecipeValues;
      /** The pictures that the workflow reads. */
      pictures: NamedPicture[];
      notes: LocalText[];
    }
  | { ok: false; message: LocalText };

/** Models draw well at multiples of this many pixels. */
const SIDE_STEP = 64;
/** Distilled models are made for few steps: more or fewer spoil the picture. */
const FEW_STEPS = 12;

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/bmp': 'bmp',
};

function numberParameter(recipe: Recipe, name: string): NumberParameter | undefined {
  return recipe.parameters.find(
    (parameter): parameter is NumberParameter =>
      (parameter.kind === 'integer' || parameter.kind === 'number') && parameter.name === name,
  );
}

/** Turns a wish into values of one recipe's parameters, or says what to change. */
export function fillRecipe(
  offer: RecipeOffer,
  model: string | undefined,
  wish: PictureWish,
  pictures: readonly AssetRef[],
): FilledRecipe {
  const { recipe } = offer;
  const picked = pickPictures(recipe, pictures);
  if (!picked.ok) return picked;
  const base: Record<string, Json> = { ...picked.values };
  if (model !== undefined) base['model'] = model;
  const accepts = (name: string): boolean =>
    recipe.ignores.includes(name) || recipe.parameters.some((parameter) => parameter.name === name);
  const usesPrompt = recipe.parameters.some(({ name }) => name === 'prompt');
  if (usesPrompt) base['prompt'] = styled(wish);
  // Defaults depend on the model that is picked: they are looked up before what is derived from them.
  const { values } = resolveParameters(recipe, base, offer.registry, () => 0);
  const wanted: Record<string, Json | undefined> = {
    negative: wish.negative,
    seed: wish.seed,
    cfg: wish.cfg,
    sampler: wish.sampler,
    [accepts('denoise') ? 'denoise' : 'strength']: wish.strength,
    steps: wish.steps ?? stepsForQuality(recipe, wish, values),
    ...sizeOf(recipe, wish, values),
  };
  const notes = [...picked.notes];
  if (!usesPrompt && wish.prompt.trim() !== '') notes.push(unusedNote('prompt'));
  if (wantsSize(wish) && numberParameter(recipe, 'width') === undefined) notes.push(SIZE_KEPT);
  const given: Record<string, Json> = { ...base };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    if (!accepts(name) || recipe.ignores.includes(name)) {
      if (isAskedFor(wish, name)) notes.push(unusedNote(name));
      continue;
    }
    const problem = rangeProblem(numberParameter(recipe, name), value);
    if (problem !== undefined) return { ok: false, message: problem };
    given[name] = value;
  }
  return { ok: true, given, pictures: picked.pictures, notes };
}

function styled(wish: PictureWish): string {
  const style = wish.style?.trim();
  if (style === undefined || style === '') return wish.prompt;
  return /\p{Script=Han}/u.test(style) ? `${wish.prompt}，${style}` : `${wish.prompt}, ${style}`;
}

function stepsForQuality(recipe: Recipe, wish: PictureWish, values: RecipeValues): number | undefined {
  const steps = numberParameter(recipe, 'steps');
  const usual = values['steps'];
  if (wish.quality === undefined || steps === undefined || typeof usual !== 'number' || usual <= FEW_STEPS)
    return undefined;
  const factor = wish.quality === 'draft' ? 0.6 : 1.4;
  return Math.min(steps.max, Math.max(steps.min, Math.round(usual * factor)));
}

/** Width and height: as given, or the area that the recipe draws by itself in the wanted shape. */
function sizeOf(recipe: Recipe, wish: PictureWish, values: RecipeValues): { width?: number; height?: number } {
  const width = numberParameter(recipe, 'width');
  const height = numberParameter(recipe, 'height');
  const usualWidth = values['width'];
  const usualHeight = values['height'];
  if (
    width === undefined ||
    height === undefined ||
    typeof usualWidth !== 'number' ||
    typeof usualHeight !== 'number'
  ) {
    return {};
  }
  if (wish.width !== undefined || wish.height !== undefined) {
    return { width: wish.width ?? usualWidth, height: wish.height ?? usualHeight };
  }
  if (wish.aspect === undefined) return {};
  return fitAspect(ratioOf(wish.aspect), usualWidth * usualHeight, width, height);
}

/** The size of about `area` pixels with this ratio that both parameters allow; the shape counts more than the area. */
export function fitAspect(
  ratio: number,
  area: number,
  width: Pick<NumberParameter, 'min' | 'max' | 'multipleOf'>,
  height: Pick<NumberParameter, 'min' | 'max' | 'multipleOf'>,
): { width: number; height: number } {
  let wide = Math.sqrt(area * ratio);
  let high = wide / ratio;
  const shrink = Math.min(1, width.max / wide, height.max / high);
  wide *= shrink;
  high *= shrink;
  const grow = Math.max(1, width.min / wide, height.min / high);
  return { width: roundSide(wide * grow, width), height: roundSide(high * grow, height) };
}

function roundSide(side: number, limits: Pick<NumberParameter, 'min' | 'max' | 'multipleOf'>): number {
  const step = Math.max(SIDE_STEP, limits.multipleOf ?? 1);
  const rounded = Math.round(side / step) * step;
  return Math.min(limits.max, Math.max(limits.min, rounded));
}

function rangeProblem(parameter: NumberParameter | undefined, value: Json): LocalText | undefined {
  if (parameter === undefined || typeof value !== 'number') return undefined;
  if (value >= parameter.min && value <= parameter.max) return undefined;
  const { title, min, max } = parameter;
  return {
    en: `${title.en} ${value} is out of range for this recipe; choose ${min} to ${max}.`,
    zh: `${title.zh} ${value} 超出此配方的范围，请设为 ${min} 到 ${max}。`,
  };
}

function wantsSize(wish: PictureWish): boolean {
  return wish.width !== undefined || wish.height !== undefined || wish.aspect !== undefined;
}

/** Steps may also follow from a quality, which is no wish for a number of them. */
function isAskedFor(wish: PictureWish, name: string): boolean {
  return name !== 'steps' || wish.steps !== undefined;
}

const SIZE_KEPT: LocalText = {
  en: 'This recipe sets the size of the picture itself; the wanted one was left out.',
  zh: '此配方自行决定图片尺寸，已忽略指定的尺寸或比例。',
};

const SETTING_NAMES: Readonly<Record<string, LocalText>> = {
  prompt: { en: 'a description', zh: '文字描述' },
  negative: { en: 'a negative prompt', zh: '反向提示词' },
  cfg: { en: 'a prompt weight (cfg)', zh: '提示词权重（CFG）' },
  seed: { en: 'a seed', zh: '种子' },
  steps: { en: 'a number of steps', zh: '步数' },
  sampler: { en: 'a sampler', zh: '采样器' },
  strength: { en: 'a strength', zh: '强度' },
};

/** Says that a setting has no effect with this recipe. */
export function unusedNote(name: string): LocalText {
  const shown = SETTING_NAMES[name] ?? { en: name, zh: name };
  return { en: `This recipe does not use ${shown.en}; it was left out.`, zh: `此配方不使用${shown.zh}，已忽略。` };
}

type PickedPictures =
  | { ok: true; values: Record<string, Json>; pictures: NamedPicture[]; notes: LocalText[] }
  | { ok: false; message: LocalText };

/** Gives attached pictures to the recipe's picture parameters, in order. */
function pickPictures(recipe: Recipe, pictures: readonly AssetRef[]): PickedPictures {
  const unreadable = pictures.find((picture) => EXTENSIONS[picture.mediaType] === undefined);
  if (unreadable !== undefined) {
    return {
      ok: false,
      message: {
        en: 'An attachment is not a picture that can be read; attach a PNG, JPEG or WebP file.',
        zh: '附件不是可识别的图片，请改为附上 PNG、JPEG 或 WebP 文件。',
      },
    };
  }
  const named = pictures.map((asset): NamedPicture => ({
    name: `atelier_${asset.hash}.${EXTENSIONS[asset.mediaType] ?? 'png'}`,
    asset,
  }));
  const values: Record<string, Json> = {};
  let next = 0;
  for (const parameter of recipe.parameters) {
    if (parameter.kind === 'image') {
      const picture = named[next];
      if (picture !== undefined) {
        values[parameter.name] = picture.name;
        next++;
      } else if (parameter.optional !== true) return { ok: false, message: pictureMissing(parameter) };
    } else if (parameter.kind === 'images') {
      const list = named.slice(next, next + parameter.max);
      if (list.length < parameter.min) return { ok: false, message: pictureMissing(parameter) };
      values[parameter.name] = list.map((picture) => picture.name);
      next += list.length;
    }
  }
  const unused = named.length - next;
  const note: LocalText[] =
    unused === 0
      ? []
      : [
          {
            en: `${unused} attached ${unused === 1 ? 'picture was' : 'pictures were'} not used.`,
            zh: `有 ${unused} 张附图未被使用。`,
          },
        ];
  return { ok: true, values, pictures: named.slice(0, next), notes: note };
}

function pictureMissing(parameter: RecipeParameter): LocalText {
  const least = parameter.kind === 'images' ? parameter.min : 1;
  const { en, zh } = parameter.title;
  return {
    en:
      least === 1
        ? `This recipe needs a picture for “${en}”; attach one and ask again.`
        : `This recipe needs ${least} pictures for “${en}”; attach them and ask again.`,
    zh: `此配方的“${zh}”需要 ${least} 张图片，请附上后重试。`,
  };
}
