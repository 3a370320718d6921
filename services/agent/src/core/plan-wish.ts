import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { showRegion } from '@atelier/comfyui/recipes/inpaint';
import type { RecipeValues } from '@atelier/comfyui/recipes/recipe';
import type { JobClass, JobParams } from '@atelier/shared/contracts/job';
import { operationSchema, type AssetRef, type PlanSummary } from '@atelier/shared/contracts/request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import { hasParameter, offersOfKind, type Catalog, type RecipeOffer } from './catalog.ts';
import { chooseRecipe, understands } from './choose-recipe.ts';
import { comfySentence } from './comfy-sentence.ts';
import { definedOnly } from './defined-only.ts';
import { fillRecipe, framesPerSecond, unusedNote } from './fill-recipe.ts';
import { wishProblem } from './limits.ts';
import { makeJobs, type MadeJobs } from './make-jobs.ts';
import { leftBehind } from './left-behind.ts';
import { invalidRequest } from './messages.ts';
import { namePicture } from './name-picture.ts';
import type { PlanFailure, PlanOutcome, PlanningParts } from './planning-parts.ts';
import { resolveLoras } from './resolve-loras.ts';
import type { LocalText, NamedLora, PictureWish } from './words-plan.ts';

/** A wish that came out of a request's body, with its pictures. */
export interface Wanted {
  wish: PictureWish;
  pictures: readonly AssetRef[];
  notes: LocalText[];
  /** The mask says by its transparency what may be redrawn. */
  maskByAlpha?: boolean;
  /** What the person wrote, where the prompt is a translation of it. */
  translatedFrom?: string;
}

/** Where the jobs of a wish stand in their request. */
export interface WishPlace {
  firstIndex?: number;
  class?: JobClass;
  shot?: Pick<JobParams, 'shotId' | 'shotPrompt'>;
}

/** A person's prompt and a style behind it; recipes take a little more. */
const MAX_PLANNED_PROMPT_CHARS = 9_000;

type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** A failure that the person can mend. */
export function refusal(message: LocalText): PlanFailure {
  return { kind: 'failed', error: invalidRequest(message) };
}

/**
 * Plans one wish: recipe, values, jobs.
 *
 * @throws AppError `internal` where a recipe is at fault.
 */
export function planWish(
  requestId: string,
  wanted: Wanted,
  { catalog, random }: Pick<PlanningParts, 'catalog' | 'random'>,
  place: WishPlace = {},
): Planned | PlanFailure {
  const { pictures } = wanted;
  const { wish, notes: fallbackNotes } = withFallback(wanted.wish, catalog);
  const problem = wishProblem(wish, MAX_PLANNED_PROMPT_CHARS) ?? emptyPrompt(wish, pictures);
  if (problem !== undefined) return refusal(problem);
  const choice = chooseRecipe(catalog, wish, pictures.length);
  if (!choice.ok) return refusal(choice.message);
  const { offer } = choice;
  try {
    const filled = fillRecipe(offer, choice.model, wish, pictures);
    if (!filled.ok) return refusal(filled.message);
    const lora = lorasFor(offer, wish, choice.model);
    if (!lora.ok) return refusal(lora.message);
    const made = makeJobs({
      requestId,
      offer,
      given: { ...filled.given, ...lora.given },
      count: wish.count ?? 1,
      pictures: filled.pictures,
      random,
      loras: lora.loras,
      maskByAlpha: wanted.maskByAlpha === true,
      ...sizeLookup(wish, pictures),
      ...place,
    });
    if (lora.loras.length > 0 && !takesAnyLora(made)) lora.notes.push(unusedNote('loras'));
    const plan = summarise(offer, wanted, wish, made, [
      ...wanted.notes,
      ...fallbackNotes,
      ...filled.notes,
      ...lora.notes,
      ...made.ignored.map(unusedNote),
      ...languageNotes(wish, offer.recipe),
      ...roundingNotes(wish, made),
      ...countNotes(wish, made),
    ]);
    return { kind: 'planned', plan, jobs: made.jobs };
  } catch (error) {
    if (error instanceof ComfyError && (error.code === 'invalid_value' || error.code === 'unknown_name')) {
      return refusal(comfySentence(error));
    }
    if (error instanceof AppError && error.code === 'too_large') {
      return { kind: 'failed', error: toPublicError(error) };
    }
    throw error;
  }
}

/** An edit by words, where no model for edits is here, redraws the picture towards the words. */
function withFallback(wish: PictureWish, catalog: Catalog): { wish: PictureWish; notes: LocalText[] } {
  if (wish.operation !== 'image-edit' || wish.recipe !== undefined) return { wish, notes: [] };
  if (offersOfKind(catalog, 'image-edit').length > 0) return { wish, notes: [] };
  if (offersOfKind(catalog, 'image-to-image').length === 0) return { wish, notes: [] };
  return {
    wish: { ...wish, operation: 'image-to-image' },
    notes: [
      {
        en: 'No model for edits is installed, so the picture is redrawn towards the words; more than asked may change.',
        zh: '未安装图片编辑模型，改为按文字重绘整张图片，其他部分也可能变化。',
      },
    ],
  };
}

type LorasFor =
  | { ok: true; given: RecipeValues; loras: NamedLora[]; notes: LocalText[] }
  | { ok: false; message: LocalText };

/** LoRAs as values of a recipe that has a place for them, else to be laid over it. */
function lorasFor(offer: RecipeOffer, wish: PictureWish, model: string | undefined): LorasFor {
  if (wish.loras === undefined || wish.loras.length === 0) return { ok: true, given: {}, loras: [], notes: [] };
  const resolved = resolveLoras(wish.loras, offer, model ?? offer.model);
  if (!resolved.ok) return resolved;
  const { loras, notes } = resolved;
  return hasParameter(offer.recipe, 'loras')
    ? { ok: true, given: { loras: loras.map((lora) => ({ ...lora })) }, loras: [], notes }
    : { ok: true, given: {}, loras, notes };
}

function takesAnyLora(made: MadeJobs): boolean {
  return made.jobs.some((job) => job.classes.some((name) => name.startsWith('LoraLoader')));
}

function sizeLookup(wish: PictureWish, pictures: readonly AssetRef[]) {
  const { pictureSize } = wish;
  const first = pictures[0];
  if (pictureSize === undefined || first === undefined) return {};
  const { name } = namePicture(first);
  return { pictureSize: (file: string) => (file === name ? pictureSize : undefined) };
}

function emptyPrompt(wish: PictureWish, pictures: readonly AssetRef[]): LocalText | undefined {
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(wish.prompt)) return undefined;
  const needsNone = pictures.length > 0 && (wish.operation !== undefined || wish.recipe !== undefined);
  if (needsNone || pictures.length > 1) return undefined;
  return { en: 'The prompt is empty; say what the picture should show.', zh: '提示词为空，请描述想画的内容。' };
}

function languageNotes(wish: PictureWish, recipe: Parameters<typeof understands>[0]): LocalText[] {
  if (!/\p{Script=Han}/u.test(wish.prompt) || understands(recipe, 'zh')) return [];
  return [
    {
      en: 'This model understands English prompts best; the Chinese prompt was used as it is, without translation.',
      zh: '该模型更擅长理解英文提示词；中文提示词未经翻译，按原文使用。',
    },
  ];
}

function roundingNotes(wish: PictureWish, made: MadeJobs): LocalText[] {
  const { width, height } = made.params;
  if (typeof width !== 'number' || typeof height !== 'number') return [];
  if ((wish.width ?? width) === width && (wish.height ?? height) === height) return [];
  return [
    {
      en: `The size was rounded to ${width} × ${height}, which the model can draw.`,
      zh: `尺寸已调整为模型支持的 ${width} × ${height}。`,
    },
  ];
}

function countNotes(wish: PictureWish, made: MadeJobs): LocalText[] {
  const images = made.jobs.reduce((sum, job) => sum + job.images, 0);
  if ((wish.count ?? images) === images) return [];
  return [
    {
      en: 'This recipe gives the same result each time, so it runs once.',
      zh: '此配方每次结果相同，因此只运行一次。',
    },
  ];
}

/** Resolved values as a card shows them. */
export function summariseValues(params: RecipeValues) {
  const text = (name: string): string | undefined => {
    const value = params[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const number = (name: string): number | undefined => {
    const value = params[name];
    return typeof value === 'number' ? value : undefined;
  };
  const whole = (name: string): number | undefined => {
    const value = number(name);
    return value === undefined ? undefined : Math.round(value);
  };
  return definedOnly({
    model: text('model'),
    negative: text('negative'),
    width: whole('width'),
    height: whole('height'),
    steps: whole('steps'),
    cfg: number('cfg'),
    sampler: text('sampler'),
    scheduler: text('scheduler'),
  });
}

/** A seed as decimal digits; `0` where there is none. */
export function seedDigits(value: unknown): string {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '0';
}

function summarise(
  { recipe }: RecipeOffer,
  wanted: Wanted,
  wish: PictureWish,
  { params, jobs }: MadeJobs,
  notes: LocalText[],
): PlanSummary {
  const prompt = params['prompt'];
  const takesPicture = (jobs[0]?.inputs.length ?? 0) > 0;
  const films = recipe.kind === 'text-to-video' && params['image'] !== undefined;
  const operation = operationSchema.safeParse(films ? 'image-to-video' : recipe.kind);
  const loras = jobs[0]?.params?.loras ?? lorasOfValues(params);
  const fps = framesPerSecond(recipe, params);
  const frames = params['frames'];
  return {
    recipe: recipe.id,
    recipeTitle: recipe.title,
    prompt: typeof prompt === 'string' && prompt !== '' ? prompt : wish.prompt,
    count: jobs.reduce((sum, job) => sum + job.images, 0),
    seed: seedDigits(params['seed']),
    notes,
    ...summariseValues(params),
    ...definedOnly({
      // Other recipes take pictures at full strength by themselves, which says nothing.
      strength:
        wish.strength !== undefined || (takesPicture && params['denoise'] !== undefined)
          ? leftBehind(params)
          : undefined,
      loras,
      durationSeconds:
        fps !== undefined && typeof frames === 'number' ? Math.round((frames / fps) * 10) / 10 : undefined,
      operation: operation.success && operation.data !== 'text-to-image' ? operation.data : undefined,
      translatedFrom: wanted.translatedFrom,
      shownRegion: recipe.id === showRegion.id ? wish.region : undefined,
    }),
  };
}

function lorasOfValues(params: RecipeValues): NamedLora[] | undefined {
  const list = params['loras'];
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
    const { name, strength } = entry;
    return typeof name === 'string' && typeof strength === 'number' ? [{ name, strength }] : [];
  });
}
