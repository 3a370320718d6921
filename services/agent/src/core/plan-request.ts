import type { AssetRef, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import { isWorkflowRecipe, workflowOfRecipe, type SavedWorkflow } from '@atelier/shared/db/workflows/saved-workflow';
import { shorten } from '@atelier/shared/text/shorten';
import { hasParameter, offersOfKind, type Catalog } from './catalog.ts';
import { wantedKind } from './choose-recipe.ts';
import { definedOnly } from './defined-only.ts';
import { describeOffline } from './describe-offline.ts';
import { wishProblem } from './limits.ts';
import { invalidRequest, languageOf, quoted, topicReply } from './messages.ts';
import { isPicture } from './name-picture.ts';
import { jobsOfPicture, jobsOfShots, planJobsAgain, type Repeat } from './plan-again.ts';
import { planPictureAction } from './plan-derive.ts';
import { actionOf, asksForMore, optionsOf, ordersChange, sourcesMeant } from './offline-planner/read-answer.ts';
import { CHANGE_LEAD } from './offline-planner/read-subject.ts';
import { planShots } from './plan-shots.ts';
import { planWish, refusal, type Wanted } from './plan-wish.ts';
import { planSavedWorkflow, planWorkflow } from './plan-workflow.ts';
import type { AskedRequest, PlanFailure, PlanningParts, PlanOutcome } from './planning-parts.ts';
import { prepareWanted } from './prepare-wanted.ts';
import { findPicture, findSource } from './source-picture.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

export type { PlanOutcome, PlanningParts } from './planning-parts.ts';

type BodyOf<Kind extends RequestBody['kind']> = Extract<RequestBody, { kind: Kind }>;

/** A repeat of a repeat of …: nobody presses the button more often on one line. */
const MAX_REPEATS = 100;
const MAX_PICTURE_BYTES = 64 * 1024 * 1024;

const REPEAT_LOST: PlanFailure = {
  kind: 'failed',
  error: {
    code: 'not_found',
    message: {
      en: 'The request to repeat no longer exists, or is not yours to use; ask again in words.',
      zh: '要重复的请求已不存在，或您无权使用，请重新描述。',
    },
  },
};

/** How a body is planned when it is not the first time. */
interface Occasion {
  /** Other noise than the first time. */
  newSeed: boolean;
  /** Repeats that led here. */
  repeats: number;
}
const FIRST_TIME: Occasion = { newSeed: false, repeats: 0 };

/**
 * Decides what a request becomes: jobs, an answer in words, or a sentence that says what to change. Explicit bodies need no
 * model and no waiting.
 *
 * @throws AppError `unavailable` when a part is away: the request waits; anything else is a bug.
 */
export function planRequest(request: AskedRequest, parts: PlanningParts, signal: AbortSignal): Promise<PlanOutcome> {
  return planBody(request, request.body, parts, signal, FIRST_TIME);
}

function planBody(
  request: AskedRequest,
  body: RequestBody,
  parts: PlanningParts,
  signal: AbortSignal,
  occasion: Occasion,
): Promise<PlanOutcome> {
  switch (body.kind) {
    case 'imagine':
      return planImagine(request, body, parts, occasion);
    case 'words':
      return planWordsBody(request, body, parts, signal, occasion);
    case 'derive':
      return planDerive(request, body, parts, signal, occasion);
    case 'describe':
      return describePictures(body.images, request, parts, signal);
    case 'shots':
      return planShots(request.id, occasion.newSeed ? withoutSeed(body) : body, parts);
    case 'workflow':
      return Promise.resolve(planWorkflow(request.id, body, parts));
    case 'rerun':
      break;
  }
  return repeatRequest(request, body.requestId, { shotIds: body.shotIds }, parts, signal, occasion);
}

function withoutSeed(body: BodyOf<'shots'>): BodyOf<'shots'> {
  const { seed: _seed, ...options } = body.options ?? {};
  return { ...body, options };
}

async function planImagine(
  request: AskedRequest,
  body: BodyOf<'imagine'>,
  parts: PlanningParts,
  { newSeed }: Occasion,
): Promise<PlanOutcome> {
  const options = newSeed ? { ...body.options, seed: '-1' } : body.options;
  const saved = await savedWorkflowOf(request, options.recipe, parts);
  if (saved === 'missing') return refusal(noSuchWorkflow(options.recipe ?? ''));
  if (saved !== undefined) return planSavedWorkflow(request.id, saved, options, parts);
  const { images, ...wish } = options;
  const wanted: Wanted = { wish: definedOnly(wish), pictures: images ?? [], notes: [] };
  return planWish(request.id, await prepareWanted(wanted, parts), parts);
}

/** The saved workflow that a recipe's name means; recipes of the server go before workflows of the same name. */
async function savedWorkflowOf(
  request: AskedRequest,
  recipe: string | undefined,
  { catalog, desk }: PlanningParts,
): Promise<SavedWorkflow | 'missing' | undefined> {
  if (recipe === undefined) return undefined;
  const name = workflowOfRecipe(recipe);
  if (isWorkflowRecipe(recipe)) return (await desk.findWorkflow(request.personId, name)) ?? 'missing';
  const folded = name.toLowerCase();
  const known = catalog.recipes.some(
    ({ id, title }) => id === folded || title.en.toLowerCase() === folded || title.zh === name,
  );
  return known ? undefined : desk.findWorkflow(request.personId, name);
}

function noSuchWorkflow(recipe: string): LocalText {
  return {
    en: `There is no workflow ${quoted(workflowOfRecipe(recipe))} of yours, and none shared by that name.`,
    zh: `您没有名为${quoted(workflowOfRecipe(recipe))}的工作流，也没有同名的共享工作流。`,
  };
}

async function planWordsBody(
  request: AskedRequest,
  body: BodyOf<'words'>,
  parts: PlanningParts,
  signal: AbortSignal,
  occasion: Occasion,
): Promise<PlanOutcome> {
  const { catalog, words } = parts;
  const { newSeed } = occasion;
  const { images: formImages, ...options } = body.options ?? {};
  const attached = [...(body.images ?? []), ...(formImages ?? [])];
  const problem = wishProblem({ prompt: body.text });
  if (problem !== undefined) return refusal(problem);
  const about = attached.length > 0 ? [] : sourcesMeant(body.text, body.about ?? []);
  const [answered] = about;
  if (answered !== undefined && asksForMore(body.text)) {
    return repeatRequest(request, answered.requestId, { options, picture: answered.picture }, parts, signal, occasion);
  }
  const pictures = attached.length > 0 ? attached : await picturesAbout(request, about, parts);
  const language = languageOf(body.text, request.language);
  const kind = wantedKind({ prompt: '' }, pictures.length, catalog);
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
    case 'describe':
      return describePictures(pictures, { ...request, language }, parts, signal);
    case 'picture':
      break;
  }
  const read = overruled(plan.wish, definedOnly(options));
  const action = written || about.length !== 1 || pictures.length !== 1 ? undefined : actionOf(read, body.text);
  if (answered !== undefined && action !== undefined) {
    const chosen = definedOnly({ ...options, ...optionsOf(read) });
    const text = action === 'edit' ? body.text.trim() : read.prompt;
    return planPictureAction(request, { kind: 'derive', action, source: answered, text, options: chosen }, parts);
  }
  const wish = written ? read : asEdit(read, body.text, pictures.length, catalog);
  const isRewritten = written && plan.wish.prompt !== body.text.trim();
  const wanted: Wanted = {
    wish: newSeed ? { ...wish, seed: '-1' } : wish,
    pictures,
    notes: isRewritten ? [...notes, writtenNote(body.text)] : notes,
    ...(isRewritten ? { translatedFrom: body.text.trim() } : {}),
  };
  return planWish(request.id, await prepareWanted(wanted, parts), parts);
}

/** An order to change one picture goes to a model for edits where there is one, in the words of the order. */
function asEdit(wish: PictureWish, text: string, pictures: number, catalog: Catalog): PictureWish {
  const isFree = wish.operation === undefined && wish.recipe === undefined && wish.model === undefined;
  if (!isFree || pictures !== 1 || wish.mask !== undefined || offersOfKind(catalog, 'image-edit').length === 0)
    return wish;
  if (!ordersChange(text)) return wish;
  const lead = CHANGE_LEAD.exec(text.trim())?.[0] ?? '';
  return {
    ...wish,
    operation: 'image-edit',
    prompt: wish.prompt.startsWith(lead) ? wish.prompt : `${lead}${wish.prompt}`,
  };
}

/** The pictures that a message answers; what cannot be used is as if it were not named. */
async function picturesAbout(
  request: AskedRequest,
  about: readonly SourceRef[],
  parts: PlanningParts,
): Promise<AssetRef[]> {
  const pictures: AssetRef[] = [];
  for (const ref of about) {
    const source = await findSource(request, ref.requestId, parts);
    const found = 'kind' in source ? source : await findPicture(source, ref, parts);
    if (!('kind' in found)) pictures.push(found.picture);
  }
  return pictures;
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
  const words = shorten(shown, 300);
  return { en: `Your words: “${words}”`, zh: `你的原话：“${words}”` };
}

async function planDerive(
  request: AskedRequest,
  body: BodyOf<'derive'>,
  parts: PlanningParts,
  signal: AbortSignal,
  occasion: Occasion,
): Promise<PlanOutcome> {
  const { action, source, text } = body;
  const { seed, ...chosen } = body.options ?? {};
  const options = definedOnly({
    ...chosen,
    prompt: chosen.prompt ?? text,
    seed: occasion.newSeed ? undefined : seed,
  });
  switch (action) {
    case 'reroll':
    case 'remix':
      return repeatRequest(request, source.requestId, { options, picture: source.picture }, parts, signal, occasion);
    case 'aspect':
      if (options.aspect === undefined && options.width === undefined) return refusal(NO_SHAPE);
      return planAspect(request, body, options, parts, signal, occasion);
    default:
      return planPictureAction(request, { ...body, action, options }, parts);
  }
}

const NO_SHAPE: LocalText = { en: 'Say which shape, such as 16:9.', zh: '请指定画面比例，例如 16:9。' };

/** Drawn anew in another shape, with the same noise where the recipe draws from nothing. */
async function planAspect(
  request: AskedRequest,
  { source }: BodyOf<'derive'>,
  options: Repeat['options'],
  parts: PlanningParts,
  signal: AbortSignal,
  occasion: Occasion,
): Promise<PlanOutcome> {
  const found = await findSource(request, source.requestId, parts);
  if ('kind' in found) return found;
  const [job] = jobsOfPicture(found.jobs, source.picture);
  const recipe = parts.catalog.recipes.find(({ id }) => id === job?.recipe);
  const repeat = { options, picture: source.picture, keepSeed: !occasion.newSeed };
  if (recipe === undefined || hasParameter(recipe, 'width')) {
    return repeatRequest(request, source.requestId, repeat, parts, signal, occasion);
  }
  // A picture that was made of another has that one's shape: its words are drawn from nothing.
  const prompt = options?.prompt ?? found.request.plan?.prompt ?? '';
  const wanted: Wanted = {
    wish: { count: found.request.plan?.count ?? 1, ...definedOnly(options ?? {}), prompt, operation: 'text-to-image' },
    pictures: [],
    notes: [],
  };
  return planWish(request.id, wanted, parts);
}

/** The same again: by the jobs that were made, so that no words are read twice; else by what was asked. */
async function repeatRequest(
  request: AskedRequest,
  sourceId: string,
  repeat: Repeat & { picture?: number | undefined; shotIds?: readonly string[] | undefined },
  parts: PlanningParts,
  signal: AbortSignal,
  { repeats }: Occasion,
): Promise<PlanOutcome> {
  if (repeats >= MAX_REPEATS) return REPEAT_LOST;
  const source = await findSource(request, sourceId, parts);
  if ('kind' in source) return REPEAT_LOST;
  const { shotIds } = repeat;
  const jobs = jobsOfShots(jobsOfPicture(source.jobs, repeat.picture), shotIds);
  const again = await planJobsAgain(request.id, jobs, repeat, parts);
  if (again !== undefined) return again;
  const body = onlyShots(withOptions(source.request.body, repeat.options), shotIds);
  if (body === undefined) return refusal(NO_SUCH_SHOT);
  return planBody(request, body, parts, signal, { newSeed: repeat.keepSeed !== true, repeats: repeats + 1 });
}

const NO_SUCH_SHOT: LocalText = {
  en: 'That request has no such shot; name one that it lists.',
  zh: '该请求没有这个镜头，请指定其中列出的镜头。',
};

/** A storyboard with these shots alone; undefined where it has none of them. */
function onlyShots(body: RequestBody, shotIds: readonly string[] | undefined): RequestBody | undefined {
  if (shotIds === undefined) return body;
  if (body.kind !== 'shots') return undefined;
  const shots = body.shots.filter(({ shotId }) => shotIds.includes(shotId));
  return shots.length === 0 ? undefined : { ...body, shots };
}

/** A body with options put over it, where it has any. */
function withOptions(body: RequestBody, options: Repeat['options']): RequestBody {
  const changes = definedOnly(options ?? {});
  const { prompt, ...rest } = changes;
  if (Object.keys(changes).length === 0) return body;
  if (body.kind === 'imagine') return { ...body, options: { ...body.options, ...changes } };
  if (body.kind === 'words') return { ...body, text: prompt ?? body.text, options: { ...body.options, ...rest } };
  if (body.kind === 'shots') return { ...body, options: { ...body.options, ...rest } };
  if (body.kind === 'derive') return { ...body, options: { ...body.options, ...changes } };
  return body;
}

/** Words about pictures: by a model that sees them, else what their files tell. */
async function describePictures(
  images: readonly AssetRef[],
  { language }: Pick<AskedRequest, 'language'>,
  parts: PlanningParts,
  signal: AbortSignal,
): Promise<PlanOutcome> {
  if (!images.every(({ mediaType }) => isPicture(mediaType))) {
    return refusal({
      en: 'An attachment is not a picture that can be read; attach a PNG, JPEG or WebP file.',
      zh: '附件不是可识别的图片，请改为附上 PNG、JPEG 或 WebP 文件。',
    });
  }
  const { describe, files, catalog } = parts;
  const seen = await describe?.describe(images, language, signal);
  if (seen !== undefined) return { kind: 'replied', reply: seen };
  const bytes: Uint8Array[] = [];
  for (const { hash } of images) {
    if (files === undefined || !(await files.has(hash))) {
      return refusal({ en: 'The picture is not there any more; attach it again.', zh: '图片已不存在，请重新附上。' });
    }
    bytes.push(await files.read(hash, MAX_PICTURE_BYTES));
  }
  return { kind: 'replied', reply: describeOffline(bytes, catalog.registries[0], language) };
}
