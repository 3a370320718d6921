import { resolveParameters } from '@atelier/comfyui/recipes/resolve-parameters';
import type { NumberParameter, Recipe, RecipeParameter, RecipeValues } from '@atelier/comfyui/recipes/recipe';
import type { Json } from '@atelier/comfyui/json/json';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { recipeNotation } from '@atelier/comfyui/recipes/instantiate-recipe';
import { hasParameter, type RecipeOffer } from './catalog.ts';
import { strengthFor } from './left-behind.ts';
import { ratioOf } from './limits.ts';
import { isPicture, namePicture, type NamedPicture } from './name-picture.ts';
import { findBorders, type BordersFound } from './outpaint-borders.ts';
import { styledPrompt } from './styles.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

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
  const picked = pickPictures(recipe, pictures, wish.mask);
  if (!picked.ok) return picked;
  const base: Record<string, Json> = { ...ownParameters(recipe, wish), ...picked.values };
  if (model !== undefined) base['model'] = model;
  const accepts = (name: string): boolean => recipe.ignores.includes(name) || hasParameter(recipe, name);
  const usesPrompt = hasParameter(recipe, 'prompt');
  if (usesPrompt) base['prompt'] = styledPrompt(wish.prompt, wish.style);
  if (wish.region !== undefined && hasParameter(recipe, 'region')) base['region'] = wish.region;
  // Defaults depend on the model that is picked: they are looked up before what is derived from them.
  const { values } = resolveParameters(recipe, base, offer.registry, () => 0);
  const notes = [...picked.notes];
  const frames = framesOf(recipe, wish, values, notes);
  const wanted: Record<string, Json | undefined> = {
    negative: wish.negative,
    seed: wish.seed,
    cfg: wish.cfg,
    sampler: wish.sampler,
    scheduler: wish.scheduler,
    ...strengthFor(recipe, wish.strength),
    steps: wish.steps ?? stepsForQuality(recipe, wish, values),
    ...sizeOf(recipe, wish, values),
  };
  if (!usesPrompt && wish.prompt.trim() !== '') notes.push(unusedNote('prompt'));
  const outpainted = outpaintOf(recipe, wish, values);
  if (outpainted?.ok === false) return outpainted;
  const shaped = numberParameter(recipe, 'width') !== undefined || outpainted !== undefined;
  if (wantsSize(wish) && !shaped) notes.push(SIZE_KEPT);
  const given: Record<string, Json> = { ...base, ...outpainted?.borders, ...frames };
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

/** Values that were given for parameters of this very recipe. */
function ownParameters(recipe: Recipe, wish: PictureWish): Record<string, Json> {
  return Object.fromEntries(Object.entries(wish.parameters ?? {}).filter(([name]) => hasParameter(recipe, name)));
}

/** How many frames a video of the wished length has, where the recipe makes one. */
function framesOf(
  recipe: Recipe,
  wish: PictureWish,
  values: RecipeValues,
  notes: LocalText[],
): { frames?: number } | undefined {
  if (wish.durationSeconds === undefined) return undefined;
  const frames = numberParameter(recipe, 'frames');
  const fps = framesPerSecond(recipe, values);
  if (frames === undefined || fps === undefined) {
    notes.push(unusedNote('duration'));
    return undefined;
  }
  const wanted = Math.round(wish.durationSeconds * fps) + (frames.offset ?? 0);
  const fitting = Math.min(frames.max, Math.max(frames.min, wanted));
  if (fitting !== wanted) {
    const seconds = Math.round((fitting / fps) * 10) / 10;
    notes.push({
      en: `This model makes videos of up to ${Math.floor(frames.max / fps)} s; this one has ${seconds} s.`,
      zh: `该模型最长生成 ${Math.floor(frames.max / fps)} 秒视频，本次为 ${seconds} 秒。`,
    });
  }
  return { frames: fitting };
}

/** Frames a second of the video that a recipe saves, as its lines say; undefined where it makes none. */
export function framesPerSecond(recipe: Recipe, values: RecipeValues): number | undefined {
  const fps = /CreateVideo\([^)]*\bfps=(\d+)/.exec(recipeNotation(recipe, values))?.[1];
  return fps === undefined ? undefined : Number(fps);
}

/** The borders that give a picture another shape. */
function outpaintOf(recipe: Recipe, wish: PictureWish, values: RecipeValues): BordersFound | undefined {
  const { aspect, pictureSize } = wish;
  const megapixels = values['megapixels'];
  if (recipe.kind !== 'outpaint' || aspect === undefined || pictureSize === undefined) return undefined;
  if (typeof megapixels !== 'number') return undefined;
  return findBorders(pictureSize, megapixels, ratioOf(aspect), numberParameter(recipe, 'left')?.max ?? 0);
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
  // A picture that is set in motion keeps its shape.
  const { pictureSize } = recipe.kind === 'text-to-image' ? {} : wish;
  const ratio =
    wish.aspect !== undefined
      ? ratioOf(wish.aspect)
      : pictureSize !== undefined && hasParameter(recipe, 'image')
        ? pictureSize.width / pictureSize.height
        : undefined;
  return ratio === undefined ? {} : fitAspect(ratio, usualWidth * usualHeight, width, height);
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
  scheduler: { en: 'a scheduler', zh: '调度器' },
  loras: { en: 'LoRAs', zh: 'LoRA' },
  duration: { en: 'a length in seconds', zh: '时长' },
};

/** Says that a setting has no effect with this recipe. */
export function unusedNote(name: string): LocalText {
  const shown = SETTING_NAMES[name] ?? { en: name, zh: name };
  return { en: `This recipe does not use ${shown.en}; it was left out.`, zh: `此配方不使用${shown.zh}，已忽略。` };
}

type PickedPictures =
  | { ok: true; values: Record<string, Json>; pictures: NamedPicture[]; notes: LocalText[] }
  | { ok: false; message: LocalText };

const NOT_A_PICTURE: LocalText = {
  en: 'An attachment is not a picture that can be read; attach a PNG, JPEG or WebP file.',
  zh: '附件不是可识别的图片，请改为附上 PNG、JPEG 或 WebP 文件。',
};

/** Gives attached pictures to the recipe's picture parameters, in order; a mask to the one that is for it. */
function pickPictures(recipe: Recipe, pictures: readonly AssetRef[], mask: AssetRef | undefined): PickedPictures {
  const all = mask === undefined ? pictures : [...pictures, mask];
  if (!all.every((picture) => isPicture(picture.mediaType))) return { ok: false, message: NOT_A_PICTURE };
  const named = pictures.map(namePicture);
  const values: Record<string, Json> = {};
  const used: NamedPicture[] = [];
  const notes: LocalText[] = [];
  let next = 0;
  let masked = false;
  for (const parameter of recipe.parameters) {
    if (parameter.kind === 'image') {
      const isMask = parameter.name === 'mask' && mask !== undefined;
      const picture = isMask ? namePicture(mask) : named[next];
      if (picture === undefined) {
        if (parameter.optional !== true) return { ok: false, message: pictureMissing(parameter) };
        continue;
      }
      values[parameter.name] = picture.name;
      used.push(picture);
      if (isMask) masked = true;
      else next++;
    } else if (parameter.kind === 'images') {
      const list = named.slice(next, next + parameter.max);
      if (list.length < parameter.min) return { ok: false, message: pictureMissing(parameter) };
      values[parameter.name] = list.map((picture) => picture.name);
      used.push(...list);
      next += list.length;
    }
  }
  const unused = named.length - next;
  if (unused > 0) {
    notes.push({
      en: `${unused} attached ${unused === 1 ? 'picture was' : 'pictures were'} not used.`,
      zh: `有 ${unused} 张附图未被使用。`,
    });
  }
  if (mask !== undefined && !masked) notes.push({ en: 'The mask was not used.', zh: '蒙版未被使用。' });
  const distinct = used.filter((picture, index) => used.findIndex(({ name }) => name === picture.name) === index);
  return { ok: true, values, pictures: distinct, notes };
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
