import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import { requiredClasses } from '@atelier/comfyui/recipes/fit-recipe';
import { findModel, fittingModels } from '@atelier/comfyui/recipes/pick-model';
import type { Recipe, RecipeKind } from '@atelier/comfyui/recipes/recipe';
import {
  familyOf,
  hasParameter,
  modelParameter,
  offersOfKind,
  servesKind,
  type Catalog,
  type RecipeOffer,
} from './catalog.ts';
import { nearestSentence, quoted } from './messages.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

export type RecipeChoice =
  | {
      ok: true;
      offer: RecipeOffer;
      /** The file to draw with, where the person named one. */ model: string | undefined;
    }
  | { ok: false; message: LocalText };

const KIND_NAMES: Readonly<Record<RecipeKind, LocalText>> = {
  'text-to-image': { en: 'draw pictures', zh: '文生图' },
  'image-to-image': { en: 'change pictures', zh: '图生图' },
  upscale: { en: 'enlarge pictures', zh: '放大图片' },
  inpaint: { en: 'redraw a part of a picture', zh: '局部重绘' },
  outpaint: { en: 'continue pictures beyond their borders', zh: '扩图' },
  'hires-fix': { en: 'draw pictures in two passes', zh: '高清修复' },
  lora: { en: 'draw with LoRAs', zh: '使用 LoRA 作画' },
  controlnet: { en: 'draw along a control picture', zh: '按控制图作画' },
  reference: { en: 'draw from reference pictures', zh: '参考图片作画' },
  blend: { en: 'blend pictures', zh: '融合图片' },
  'background-removal': { en: 'remove backgrounds', zh: '去除背景' },
  'image-edit': { en: 'edit pictures as told', zh: '按指令编辑图片' },
  'text-to-video': { en: 'make videos', zh: '文生视频' },
  'image-to-video': { en: 'set pictures in motion', zh: '图生视频' },
  'contact-sheet': { en: 'join pictures to one sheet', zh: '拼合图片' },
  custom: { en: 'run this workflow', zh: '运行此工作流' },
};

/** What the wish needs: an operation, a change of attached pictures, or a new picture. */
export function wantedKind(wish: PictureWish, pictures: number, catalog?: Catalog): RecipeKind {
  if (wish.operation !== undefined) return wish.operation;
  if (wish.mask !== undefined || wish.region !== undefined) return 'inpaint';
  if (wish.durationSeconds !== undefined) return pictures > 0 ? 'image-to-video' : 'text-to-video';
  if (pictures === 0) return 'text-to-image';
  if (pictures === 1) return 'image-to-image';
  const kinds: RecipeKind[] = wish.prompt.trim() === '' ? ['blend'] : ['reference', 'blend'];
  return kinds.find((kind) => catalog !== undefined && offersOfKind(catalog, kind).length > 0) ?? 'image-to-image';
}

/** Whether a recipe of the right kind does it the way that is wished: by mask or by words, with or without redrawing. */
function suits(recipe: Recipe, wish: PictureWish): boolean {
  if (recipe.kind === 'inpaint') {
    return hasParameter(recipe, 'region') === (wish.region !== undefined && wish.mask === undefined);
  }
  if (recipe.kind === 'upscale') return hasParameter(recipe, 'denoise') === (wish.redraw === true);
  return true;
}

/**
 * Chooses the recipe: the one that is named, else the first that can draw with the model that is named, else the first
 * that some server can run, those that understand the prompt's language before others.
 */
export function chooseRecipe(catalog: Catalog, wish: PictureWish, pictures: number): RecipeChoice {
  const kind = wantedKind(wish, pictures, catalog);
  const named = wish.recipe === undefined ? undefined : findRecipes(catalog, wish.recipe, kind);
  if (named !== undefined && 'message' in named) return { ok: false, message: named.message };
  const recipes = named?.recipes ?? catalog.recipes.filter((recipe) => servesKind(recipe, kind) && suits(recipe, wish));
  const offers = catalog.offers.filter((offer) => recipes.includes(offer.recipe));
  if (offers.length === 0) return { ok: false, message: cannotRun(catalog, recipes, kind, named !== undefined) };
  if (wish.model !== undefined) return chooseByModel(catalog, offers, wish.model, kind);
  const language = /\p{Script=Han}/u.test(wish.prompt) ? 'zh' : 'en';
  const offer = offers.find(({ recipe }) => understands(recipe, language)) ?? offers[0];
  return offer === undefined
    ? { ok: false, message: cannotRun(catalog, recipes, kind, false) }
    : { ok: true, offer, model: undefined };
}

/** Whether some server can do this kind of work with this model. */
export function worksWithModel(catalog: Catalog, wish: PictureWish, kind: RecipeKind, model: string): boolean {
  return offersOfKind(catalog, kind).some(
    (offer) => suits(offer.recipe, wish) && typeof findFile(offer, model) === 'object',
  );
}

/** Whether a recipe's models understand prompts in this language; true where there is no prompt. */
export function understands(recipe: Recipe, language: string): boolean {
  return recipe.promptLanguages.length === 0 || recipe.promptLanguages.includes(language);
}

/** The recipes that a name stands for: an id, a title, or a family such as `sdxl`, which may mean several. */
function findRecipes(
  catalog: Catalog,
  wanted: string,
  kind: RecipeKind,
): { recipes: Recipe[] } | { message: LocalText } {
  const name = wanted.trim().toLowerCase();
  const exact = catalog.recipes.filter(
    ({ id, title }) => id === name || title.en.toLowerCase() === name || title.zh.toLowerCase() === name,
  );
  if (exact.length > 0) return { recipes: exact };
  const family = name.replaceAll(/[\s._]+/g, '').replace(/^sd1\.?5$/, 'sd15');
  const related = catalog.recipes.filter((recipe) => {
    const own = familyOf(recipe);
    return recipe.kind === kind && own !== undefined && (own === family || own.startsWith(`${family}-`));
  });
  if (related.length > 0) return { recipes: related };
  const near = nearestSentence(
    nearestNames(
      wanted,
      catalog.recipes.map(({ id }) => id),
    ),
  );
  return {
    message: {
      en: `There is no recipe ${quoted(wanted)}; choose another or leave it out.${near.en}`,
      zh: `没有名为${quoted(wanted)}的配方，请另选或去掉该设置。${near.zh}`,
    },
  };
}

function chooseByModel(
  catalog: Catalog,
  offers: readonly RecipeOffer[],
  wanted: string,
  kind: RecipeKind,
): RecipeChoice {
  const found = offers.flatMap((offer) => {
    const match = findFile(offer, wanted);
    return typeof match === 'object' ? [{ offer, file: match.file }] : [];
  });
  // A file of unknown family is accepted by several recipes, and meant for the one that picks such files by itself.
  const best = found.find(({ offer, file }) => picks(offer, file)) ?? found[0];
  if (best !== undefined) return { ok: true, offer: best.offer, model: best.file };
  if (offers.some((offer) => findFile(offer, wanted) === 'wrong_family')) {
    const fitting = [...new Set(offers.flatMap((offer) => offer.model ?? []))].slice(0, 3);
    const such =
      fitting.length === 0
        ? { en: '', zh: '' }
        : { en: `, such as ${fitting.join(', ')}`, zh: `，例如 ${fitting.join('、')}` };
    return {
      ok: false,
      message: {
        en: `The model ${quoted(wanted)} does not work for this; choose another${such.en}.`,
        zh: `模型${quoted(wanted)}不适用于此操作，请换一个${such.zh}。`,
      },
    };
  }
  // "sdxl" is no file, but says well enough what is meant.
  const family = findRecipes(catalog, wanted, kind);
  const offer = 'recipes' in family ? offers.find(({ recipe }) => family.recipes.includes(recipe)) : undefined;
  if (offer !== undefined) return { ok: true, offer, model: undefined };
  const nearest = nearestNames(wanted, catalog.models);
  const near = nearestSentence(nearest.length > 0 ? nearest : catalog.models.slice(0, 5));
  return {
    ok: false,
    message: {
      en: `There is no model ${quoted(wanted)} here; choose another or leave it out.${near.en}`,
      zh: `这里没有模型${quoted(wanted)}，请另选或去掉该设置。${near.zh}`,
    },
  };
}

/** The file that is meant, `wrong_family` where it exists and cannot work here, undefined where it is unknown. */
function findFile(offer: RecipeOffer, wanted: string): { file: string } | 'wrong_family' | undefined {
  const parameter = modelParameter(offer.recipe);
  if (parameter === undefined) return undefined;
  try {
    return { file: findModel(parameter, wanted, offer.registry) };
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    return error.code === 'invalid_value' ? 'wrong_family' : undefined;
  }
}

function picks(offer: RecipeOffer, file: string): boolean {
  const parameter = modelParameter(offer.recipe);
  return parameter !== undefined && fittingModels(parameter, offer.registry).includes(file);
}

/** Node packs by the classes that recipes use of them. */
const PACKS: readonly (readonly [RegExp, string])[] = [
  [/\(segment anything\)$/, 'comfyui_segment_anything'],
  [/^RMBG$/, 'ComfyUI-RMBG'],
  [/^InspyrenetRembg$/, 'ComfyUI-Inspyrenet-Rembg'],
  [/^IPAdapter/, 'ComfyUI_IPAdapter_plus'],
];

/** Which node packs bring the classes that a recipe lacks. */
function packSentence(catalog: Catalog, recipe: Recipe): LocalText[] {
  const missing = requiredClasses(recipe).filter((name) => catalog.registries[0]?.classes.has(name) !== true);
  const packs = PACKS.flatMap(([pattern, pack]) => (missing.some((name) => pattern.test(name)) ? [pack] : []));
  if (packs.length === 0) return [];
  return [
    {
      en: `The operator can install the node pack ${packs.join(', ')}.`,
      zh: `管理员可安装节点包 ${packs.join('、')}。`,
    },
  ];
}

/** Names what is missing, in the words of the recipe that is nearest to running. */
function cannotRun(catalog: Catalog, recipes: readonly Recipe[], kind: RecipeKind, named: boolean): LocalText {
  const doing = KIND_NAMES[kind];
  const nearest = recipes
    .map((recipe) => ({ recipe, reasons: catalog.reasons.get(recipe.id) ?? [] }))
    .sort((a, b) => a.reasons.length - b.reasons.length)[0];
  if (nearest === undefined) {
    return {
      en: `This server cannot ${doing.en} yet; ask its operator, or ask for something else.`,
      zh: `此服务器暂不支持${doing.zh}，请联系管理员或换个请求。`,
    };
  }
  const pack = packSentence(catalog, nearest.recipe);
  const en = [...nearest.reasons.map((reason) => reason.en), ...pack.map((reason) => reason.en)].join(' ');
  const zh = [...nearest.reasons, ...pack].map((reason) => reason.zh).join('');
  const { title } = nearest.recipe;
  return named
    ? { en: `The recipe ${quoted(title.en)} cannot run here: ${en}`, zh: `配方${quoted(title.zh)}无法在此运行：${zh}` }
    : { en: `The server cannot ${doing.en}: ${en}`, zh: `服务器暂时无法${doing.zh}：${zh}` };
}
