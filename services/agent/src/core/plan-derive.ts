import { showRegion } from '@atelier/comfyui/recipes/inpaint';
import type { AssetRef, DeriveAction, ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { hasParameter, offersOfKind, type Catalog } from './catalog.ts';
import { worksWithModel } from './choose-recipe.ts';
import { definedOnly } from './defined-only.ts';
import { planWish, refusal, type Wanted } from './plan-wish.ts';
import type { AskedRequest, PlanFailure, PlanningParts, PlanOutcome } from './planning-parts.ts';
import { prepareWanted } from './prepare-wanted.ts';
import { findPicture, findSource, type SourcePicture, type SourceRequest } from './source-picture.ts';
import { wishOfJob } from './wish-of-job.ts';
import type { LocalText, PictureWish } from './words-plan.ts';

type DeriveBody = Extract<RequestBody, { kind: 'derive' }>;
/** Actions that begin with one picture; the others make their request again. */
export type PictureAction = Exclude<DeriveAction, 'reroll' | 'remix' | 'aspect'>;
type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** How far a variation leaves its picture behind. */
const SUBTLE = 0.35;
const STRONG = 0.75;
/** An edit by words without a model for edits. */
const EDIT = 0.65;
const MAX_VARIATIONS = 4;
/** Pictures made of pictures made of …: where the words are looked for. */
const MAX_ANCESTORS = 8;

/** What is known of a picture that something is to be made of. */
interface Basis {
  picture: AssetRef;
  size: SourcePicture['size'];
  /** The settings that it was made with, where its job tells. */
  made: PictureWish | undefined;
  /** The words that describe it; empty where nobody ever wrote any. */
  prompt: string;
  /** Pictures of its request. */
  count: number;
}

/** Plans what is made of one picture of an earlier request. */
export async function planPictureAction(
  request: AskedRequest,
  body: DeriveBody & { action: PictureAction },
  parts: PlanningParts,
): Promise<Planned | PlanFailure> {
  const source = await findSource(request, body.source.requestId, parts);
  if ('kind' in source) return source;
  const found = await findPicture(source, body.source, parts);
  if ('kind' in found) return found;
  const basis = await basisOf(source, found, parts);
  const wanted = wantedAction(body, basis, parts);
  if ('kind' in wanted) return wanted;
  return planWish(request.id, await prepareWanted(wanted, parts), parts);
}

async function basisOf(source: SourceRequest, found: SourcePicture, parts: PlanningParts): Promise<Basis> {
  const { job } = found;
  const recipe = parts.catalog.recipes.find(({ id }) => id === job.recipe);
  const made = recipe === undefined ? undefined : wishOfJob(job, recipe)?.wish;
  const words = job.params?.values['prompt'];
  const own = made?.prompt ?? (typeof words === 'string' ? words : '');
  return {
    picture: found.picture,
    size: found.size,
    made,
    prompt: own.trim() === '' ? await promptOf(source.request, parts) : own,
    count: source.request.plan?.count ?? 1,
  };
}

/** The words of a request, or of what it was made from. */
async function promptOf(request: RequestRecord, parts: PlanningParts): Promise<string> {
  let current: RequestRecord | undefined = request;
  for (let hop = 0; hop < MAX_ANCESTORS && current !== undefined; hop++) {
    const prompt = current.plan?.prompt.trim() ?? '';
    if (prompt !== '') return prompt;
    const parent = parentOf(current);
    current = parent === null ? undefined : await parts.desk.read(parent);
  }
  return '';
}

function parentOf({ body, parentRequestId }: RequestRecord): string | null {
  if (body.kind === 'derive') return body.source.requestId;
  return body.kind === 'rerun' ? body.requestId : parentRequestId;
}

function wantedAction(
  body: DeriveBody & { action: PictureAction },
  basis: Basis,
  parts: PlanningParts,
): Wanted | PlanFailure {
  const { images = [], mask, ...options } = definedOnly(body.options ?? {});
  const text = (options.prompt ?? body.text ?? '').trim();
  const region = body.region?.trim() ?? '';
  const outcome = startOf(body.action, basis, text, { region, mask, options }, parts);
  if ('message' in outcome) return refusal(outcome.message);
  if (body.showRegion === true && outcome.wish.region !== undefined && canShowRegion(parts.catalog)) {
    const wish = { recipe: showRegion.id, prompt: '', region: outcome.wish.region, ...sizeOf(basis) };
    return { wish, pictures: [basis.picture], notes: [] };
  }
  const { prompt: _prompt, strength: _strength, ...rest } = options;
  return {
    wish: { ...untuned(outcome.wish, rest), ...definedOnly(rest), ...(mask === undefined ? {} : { mask }) },
    pictures: [basis.picture, ...images],
    notes: outcome.notes ?? [],
  };
}

/** Whether what is tinted could also be redrawn: else the person is told at once what is missing. */
function canShowRegion(catalog: Catalog): boolean {
  return catalog.offers.some(({ recipe }) => recipe.id === showRegion.id) && redrawsDescribed(catalog);
}

function redrawsDescribed(catalog: Catalog): boolean {
  return offersOfKind(catalog, 'inpaint').some(({ recipe }) => hasParameter(recipe, 'region'));
}

/** Without the settings of the picture's own model, where another one is asked for. */
function untuned(wish: PictureWish, { model, recipe }: Partial<ImagineOptions>): PictureWish {
  if (model === undefined && recipe === undefined) return wish;
  const { model: _model, steps: _steps, cfg: _cfg, sampler: _sampler, scheduler: _scheduler, ...kept } = wish;
  return kept;
}

interface Asked {
  region: string;
  mask: AssetRef | undefined;
  options: Partial<ImagineOptions>;
}

type Start = { wish: PictureWish; notes?: LocalText[] } | { message: LocalText };

function startOf(action: PictureAction, basis: Basis, text: string, asked: Asked, parts: PlanningParts): Start {
  const { strength, count } = asked.options;
  const described = text === '' ? basis.prompt : text;
  switch (action) {
    case 'upscale_subtle':
      return { wish: { operation: 'upscale', prompt: '' } };
    case 'upscale_creative':
      return {
        wish: withModel(
          { operation: 'upscale', redraw: true, prompt: described, ...definedOnly({ strength }) },
          basis,
          parts,
        ),
      };
    case 'vary_subtle':
    case 'vary_strong': {
      const wish: PictureWish = {
        operation: 'image-to-image',
        prompt: described === '' ? 'the same picture' : described,
        strength: strength ?? (action === 'vary_subtle' ? SUBTLE : STRONG),
        count: count ?? Math.min(MAX_VARIATIONS, basis.count),
      };
      return { wish: withModel(wish, basis, parts) };
    }
    case 'edit':
      return editStart(basis, text, strength, parts);
    case 'vary_region':
      return regionStart(basis, text, asked, parts);
    case 'outpaint':
      return {
        wish: withModel(
          { operation: 'outpaint', prompt: described, ...sizeOf(basis), ...definedOnly({ strength }) },
          basis,
          parts,
        ),
      };
    case 'animate': {
      const prompt = described === '' ? 'gentle, natural motion' : described;
      return { wish: { operation: 'image-to-video', prompt, ...sizeOf(basis), ...definedOnly({ strength }) } };
    }
    case 'background':
      break;
  }
  return { wish: { operation: 'background-removal', prompt: '' } };
}

function sizeOf({ size }: Basis): Pick<PictureWish, 'pictureSize'> {
  return size === undefined ? {} : { pictureSize: size };
}

/** An edit as told; without a model for edits the picture is redrawn, and then its own words are needed, too. */
function editStart(basis: Basis, text: string, strength: number | undefined, parts: PlanningParts): Start {
  if (text === '') {
    return {
      message: {
        en: 'Say what to change in the picture, such as “make it night”.',
        zh: '请说明要修改什么，例如“改成夜晚”。',
      },
    };
  }
  if (offersOfKind(parts.catalog, 'image-edit').length > 0) {
    return { wish: { operation: 'image-edit', prompt: text, ...definedOnly({ strength }) } };
  }
  const separator = /\p{Script=Han}/u.test(text) ? '，' : ', ';
  const prompt = basis.prompt === '' ? text : `${text}${separator}${basis.prompt}`;
  // Still asked for as an edit, so that the plan says what was done instead.
  return {
    wish: {
      ...withModel({ operation: 'image-to-image', prompt }, basis, parts),
      operation: 'image-edit',
      strength: strength ?? EDIT,
    },
  };
}

function regionStart(basis: Basis, text: string, { region, mask, options }: Asked, parts: PlanningParts): Start {
  const { strength } = options;
  const prompt = text === '' ? basis.prompt : text;
  if (prompt === '') {
    return { message: { en: 'Say what shall be there instead.', zh: '请说明该区域要变成什么。' } };
  }
  if (mask !== undefined) {
    return { wish: withModel({ operation: 'inpaint', prompt, mask, ...definedOnly({ strength }) }, basis, parts) };
  }
  if (region === '') {
    return {
      message: {
        en: 'Say which part of the picture to redraw, such as “the hat”, or mark it with a mask.',
        zh: '请说明要重绘哪个部分，例如“帽子”，或用蒙版标出。',
      },
    };
  }
  if (!redrawsDescribed(parts.catalog) && text !== '' && offersOfKind(parts.catalog, 'image-edit').length > 0) {
    const isChinese = /\p{Script=Han}/u.test(text);
    return {
      wish: {
        operation: 'image-edit',
        prompt: isChinese ? `只修改${region}：${text}` : `Change only ${region}: ${text}`,
      },
      notes: [
        {
          en: 'No nodes that find a described part are installed, so a model for edits was told which part to change.',
          zh: '未安装按描述定位区域的节点，已改由图片编辑模型按文字修改该部分。',
        },
      ],
    };
  }
  return { wish: withModel({ operation: 'inpaint', prompt, region, ...definedOnly({ strength }) }, basis, parts) };
}

/** The model, the tuning and the LoRAs of the picture, where some server can do this work with that model. */
function withModel(wish: PictureWish, { made }: Basis, { catalog }: PlanningParts): PictureWish {
  const { operation } = wish;
  const model = made?.model;
  if (made === undefined || operation === undefined || model === undefined) return wish;
  if (!worksWithModel(catalog, wish, operation, model)) return wish;
  const { negative, steps, cfg, sampler, scheduler, loras } = made;
  return { ...definedOnly({ negative, steps, cfg, sampler, scheduler, loras, model }), ...wish };
}
