import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { NewJob } from '@atelier/shared/contracts/job';
import { type AssetRef, type PlanSummary, type PublicError, type RequestBody } from '@atelier/shared/contracts/request';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { RequestDesk, WordsPlanner } from '../ports.ts';
import { offersOfKind, type Catalog } from './catalog.ts';
import { chooseRecipe, understands, wantedKind } from './choose-recipe.ts';
import { comfySentence } from './comfy-sentence.ts';
import { fillRecipe, unusedNote } from './fill-recipe.ts';
import { wishProblem } from './limits.ts';
import { makeJobs, type MadeJobs } from './make-jobs.ts';
import { invalidRequest, languageOf, topicReply } from './messages.ts';
import { planWords } from './offline-planner/plan-words.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

export type PlanOutcome =
  | { kind: 'planned'; plan: PlanSummary; jobs: NewJob[] }
  | { kind: 'replied'; reply: string }
  | { kind: 'failed'; error: PublicError };

export interface PlanningParts {
  catalog: Catalog;
  words: WordsPlanner;
  desk: Pick<RequestDesk, 'read'>;
  random: () => number;
}

/** A wish that came out of a request's body, with its pictures. */
interface Wanted {
  wish: PictureWish;
  pictures: readonly AssetRef[];
  notes: LocalText[];
}
type Understood = Wanted | Exclude<PlanOutcome, { kind: 'planned' }>;

/** A repeat of a repeat of …: nobody presses the button more often on one line. */
const MAX_RERUNS = 100;

const RERUN_LOST: LocalText = {
  en: 'The request to repeat no longer exists; ask again in words.',
  zh: '要重复的请求已不存在，请重新描述。',
};

/**
 * Decides what a request becomes: jobs, an answer in words, or a sentence that says what to change. Explicit options and
 * repeats need no model and no waiting.
 *
 * @throws AppError `unavailable` when a part is away: the request waits; anything else is a bug.
 */
export async function planRequest(
  request: RequestRecord,
  parts: PlanningParts,
  signal: AbortSignal,
): Promise<PlanOutcome> {
  const understood = await understand(request, parts, signal);
  if ('kind' in understood) return understood;
  return planWish(request.id, understood, parts);
}

async function understand(request: RequestRecord, parts: PlanningParts, signal: AbortSignal): Promise<Understood> {
  const { body } = request;
  if (body.kind === 'imagine') return wantedOptions(body);
  if (body.kind === 'words') return wantedWords(request, body, parts, signal);
  return wantedAgain(body.requestId, request, parts, signal);
}

function wantedOptions(body: Extract<RequestBody, { kind: 'imagine' }>): Wanted {
  const { images, ...wish } = body.options;
  return { wish: definedOnly(wish), pictures: images ?? [], notes: [] };
}

async function wantedWords(
  request: RequestRecord,
  body: Extract<RequestBody, { kind: 'words' }>,
  { catalog, words }: PlanningParts,
  signal: AbortSignal,
): Promise<Understood> {
  const { images: formImages, ...options } = body.options ?? {};
  const pictures = [...(body.images ?? []), ...(formImages ?? [])];
  const problem = wishProblem({ prompt: body.text });
  if (problem !== undefined) return { kind: 'failed', error: invalidRequest(problem) };
  const language = languageOf(body.text, request.language);
  const kind = wantedKind({ prompt: '' }, pictures.length > 0);
  const { plan, notes, written } = await words.read(
    {
      text: body.text,
      language,
      pictures,
      vocabulary: catalog.vocabulary,
      promptLanguages: offersOfKind(catalog, kind)[0]?.recipe.promptLanguages ?? ['en'],
    },
    signal,
  );
  switch (plan.kind) {
    case 'topic':
      return { kind: 'replied', reply: topicReply(plan.topic, language, { models: catalog.models }) };
    case 'reply':
      return { kind: 'replied', reply: plan.text };
    case 'refused':
      return { kind: 'failed', error: invalidRequest(plan.message) };
    case 'picture':
      break;
  }
  return {
    wish: overruled(plan.wish, definedOnly(options)),
    pictures,
    notes: written && plan.wish.prompt !== body.text.trim() ? [...notes, writtenNote(body.text)] : notes,
  };
}

/** What stood beside the words wins over what they say; a size beside them replaces a shape in them, and the reverse. */
function overruled(wish: PictureWish, options: Partial<PictureWish>): PictureWish {
  const { aspect, width, height, ...rest } = wish;
  if (options.width !== undefined || options.height !== undefined || options.aspect !== undefined) {
    return { ...rest, ...options };
  }
  return { ...definedOnly({ aspect, width, height }), ...rest, ...options };
}

function writtenNote(text: string): LocalText {
  const shown = text.replaceAll(/\s+/g, ' ').trim();
  const words = shown.length > 300 ? `${shown.slice(0, 299)}…` : shown;
  return { en: `Your words: “${words}”`, zh: `你的原话：“${words}”` };
}

/** The same again with a new seed: by its plan where it has one, so that no words are read twice. */
async function wantedAgain(
  requestId: string,
  asker: RequestRecord,
  parts: PlanningParts,
  signal: AbortSignal,
): Promise<Understood> {
  let plan: PlanSummary | null = null;
  let id = requestId;
  for (let hop = 0; hop < MAX_RERUNS; hop++) {
    const request = await parts.desk.read(id);
    if (request === undefined) break;
    plan ??= request.plan;
    if (request.body.kind === 'rerun') {
      id = request.body.requestId;
      continue;
    }
    const { body } = request;
    if (plan !== null) return wantedByPlan(plan, body, parts.catalog);
    const understood = await understand({ ...request, language: asker.language }, parts, signal);
    return 'kind' in understood ? understood : { ...understood, wish: { ...understood.wish, seed: '-1' } };
  }
  return { kind: 'failed', error: { code: 'not_found', message: RERUN_LOST } };
}

function wantedByPlan(plan: PlanSummary, body: Exclude<RequestBody, { kind: 'rerun' }>, catalog: Catalog): Wanted {
  const options = body.kind === 'imagine' ? body.options : (body.options ?? {});
  const pictures = [...(body.kind === 'words' ? (body.images ?? []) : []), ...(options.images ?? [])];
  const { prompt, negative, width, height, count, recipe, model, steps, cfg } = plan;
  // A plan does not tell these two; the words may.
  const read =
    body.kind === 'words'
      ? planWords(body.text, { hasPicture: pictures.length > 0, vocabulary: catalog.vocabulary })
      : undefined;
  const said = read?.kind === 'picture' ? read.wish : undefined;
  const sampler = options.sampler ?? said?.sampler;
  const strength = options.strength ?? said?.strength;
  return {
    wish: {
      ...definedOnly({ negative, width, height, model, steps, cfg, sampler, strength }),
      prompt,
      count,
      recipe,
      seed: '-1',
    },
    pictures,
    notes: [],
  };
}

function planWish(requestId: string, wanted: Wanted, { catalog, random }: PlanningParts): PlanOutcome {
  const { wish, pictures } = wanted;
  const fail = (message: LocalText): PlanOutcome => ({ kind: 'failed', error: invalidRequest(message) });
  const problem = wishProblem(wish) ?? emptyPrompt(wish, pictures);
  if (problem !== undefined) return fail(problem);
  const choice = chooseRecipe(catalog, wish, pictures.length > 0);
  if (!choice.ok) return fail(choice.message);
  const { offer } = choice;
  try {
    const filled = fillRecipe(offer, choice.model, wish, pictures);
    if (!filled.ok) return fail(filled.message);
    const made = makeJobs({
      requestId,
      offer,
      given: filled.given,
      count: wish.count ?? 1,
      pictures: filled.pictures,
      random,
    });
    const ignored = made.ignored.map(unusedNote);
    const notes = [...wanted.notes, ...filled.notes, ...ignored, ...languageNotes(wish, choice.offer.recipe)];
    const plan = summarise(offer.recipe.id, offer.recipe.title, wish, made, [
      ...notes,
      ...roundingNotes(wish, made),
      ...countNotes(wish, made),
    ]);
    return { kind: 'planned', plan, jobs: made.jobs };
  } catch (error) {
    if (error instanceof ComfyError && (error.code === 'invalid_value' || error.code === 'unknown_name')) {
      return fail(comfySentence(error));
    }
    if (error instanceof AppError && error.code === 'too_large') {
      return { kind: 'failed', error: toPublicError(error) };
    }
    throw error;
  }
}

function emptyPrompt(wish: PictureWish, pictures: readonly AssetRef[]): LocalText | undefined {
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(wish.prompt)) return undefined;
  const needsNone = pictures.length > 0 && (wish.operation !== undefined || wish.recipe !== undefined);
  if (needsNone) return undefined;
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

function summarise(
  recipe: string,
  title: LocalText,
  wish: PictureWish,
  { params, jobs }: MadeJobs,
  notes: LocalText[],
): PlanSummary {
  const text = (name: string): string | undefined => {
    const value = params[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const number = (name: string): number | undefined => {
    const value = params[name];
    return typeof value === 'number' ? value : undefined;
  };
  const seed = params['seed'];
  return {
    recipe,
    recipeTitle: title,
    prompt: text('prompt') ?? wish.prompt,
    count: jobs.reduce((sum, job) => sum + job.images, 0),
    seed: typeof seed === 'number' || typeof seed === 'bigint' ? String(seed) : '0',
    notes,
    ...definedOnly({
      model: text('model'),
      negative: text('negative'),
      width: number('width'),
      height: number('height'),
      steps: number('steps'),
      cfg: number('cfg'),
    }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** The same without keys that hold undefined. */
function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}
