import type { ImagineOptions } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { Catalog } from './catalog.ts';
import { definedOnly } from './defined-only.ts';
import { planShotWishes, type ShotWish } from './plan-shots.ts';
import { planWish, refusal, type Wanted } from './plan-wish.ts';
import { isWorkflowJob, planWorkflowAgain } from './plan-workflow.ts';
import type { PlanFailure, PlanningParts, PlanOutcome } from './planning-parts.ts';
import { prepareWanted } from './prepare-wanted.ts';
import { wishOfJob } from './wish-of-job.ts';
import type { PictureWish } from './words-plan.ts';

/** How a repeat differs from what it repeats. */
export interface Repeat {
  /** Set over the settings that were used. */
  options?: Partial<ImagineOptions> | undefined;
  /** The same noise again, for another shape; else a new one. */
  keepSeed?: boolean;
}

type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** The jobs that a repeat of one picture repeats: those of its shot, or all where there are no shots. */
export function jobsOfPicture(jobs: readonly JobWithOutputs[], picture: number | undefined): readonly JobWithOutputs[] {
  if (picture === undefined) return jobs;
  const owner = jobs.flatMap((job) => job.outputs.map(() => job))[picture];
  const shotId = owner?.params?.shotId;
  return shotId === undefined ? jobs : jobs.filter((job) => job.params?.shotId === shotId);
}

/** The jobs of these shots; all where none are named. */
export function jobsOfShots(
  jobs: readonly JobWithOutputs[],
  shotIds: readonly string[] | undefined,
): readonly JobWithOutputs[] {
  return shotIds === undefined ? jobs : jobs.filter((job) => shotIds.includes(job.params?.shotId ?? ''));
}

/**
 * Makes jobs again with the values that they were made with, so that neither words are read twice nor changed defaults
 * matter. Undefined where the jobs do not tell how they were made.
 */
export async function planJobsAgain(
  requestId: string,
  jobs: readonly JobWithOutputs[],
  repeat: Repeat,
  parts: PlanningParts,
): Promise<Planned | PlanFailure | undefined> {
  const [first] = jobs;
  if (first === undefined) return undefined;
  if (isWorkflowJob(first)) return planWorkflowAgain(requestId, first, repeat, parts);
  const wishes: ShotWish[] = [];
  for (const group of byShot(jobs)) {
    const wanted = wantedAgain(group, repeat, parts.catalog);
    if (wanted === undefined) return undefined;
    if ('kind' in wanted) return wanted;
    const { shotId, shotPrompt } = group[0]?.params ?? {};
    wishes.push({ wanted: await prepareWanted(wanted, parts), shot: definedOnly({ shotId, shotPrompt }) });
  }
  const [only] = wishes;
  if (wishes.length === 1 && only !== undefined) return planWish(requestId, only.wanted, parts, { shot: only.shot });
  return planShotWishes(
    requestId,
    wishes,
    wishes.reduce((sum, { wanted }) => sum + (wanted.wish.count ?? 1), 0),
    parts,
  );
}

function byShot(jobs: readonly JobWithOutputs[]): JobWithOutputs[][] {
  const groups = new Map<string | undefined, JobWithOutputs[]>();
  for (const job of jobs) {
    const shotId = job.params?.shotId;
    groups.set(shotId, [...(groups.get(shotId) ?? []), job]);
  }
  return [...groups.values()];
}

function wantedAgain(
  group: readonly JobWithOutputs[],
  { options, keepSeed }: Repeat,
  catalog: Catalog,
): Wanted | PlanFailure | undefined {
  const [job] = group;
  if (job === undefined) return undefined;
  const recipe = catalog.recipes.find(({ id }) => id === job.recipe);
  if (recipe === undefined) {
    return refusal({
      en: 'The recipe of that request is not there any more; ask again in words.',
      zh: '该请求所用的配方已不存在，请重新描述。',
    });
  }
  const wanted = wishOfJob(job, recipe);
  if (wanted === undefined) return undefined;
  const count = group.reduce((sum, { images }) => sum + images, 0);
  const { images, mask, ...changes } = definedOnly(options ?? {});
  // What each reference counted for holds for those pictures, and not under a new strength for all.
  const isSame = images === undefined && changes.strength === undefined;
  const made = isSame ? wanted.wish : withoutStrengths(wanted.wish);
  const base = { ...made, count, ...(keepSeed === true ? {} : { seed: '-1' }) };
  return {
    ...wanted,
    wish: { ...overlaid(base, changes), ...(mask === undefined ? {} : { mask }) },
    pictures: images ?? wanted.pictures,
  };
}

function withoutStrengths(wish: PictureWish): PictureWish {
  const { strengths: _strengths, ...parameters } = wish.parameters ?? {};
  return { ...wish, parameters };
}

/**
 * Options over a wish. Another model or recipe brings its own steps, sampler and the like: those that were used were made
 * for the one before.
 */
function overlaid(wish: PictureWish, changes: Partial<PictureWish>): PictureWish {
  const isOther =
    (changes.model !== undefined && changes.model !== wish.model) ||
    (changes.recipe !== undefined && changes.recipe !== wish.recipe) ||
    (changes.operation !== undefined && changes.operation !== wish.operation);
  const kept = isOther ? withoutTuning(wish) : { ...wish };
  if (changes.aspect !== undefined || changes.width !== undefined || changes.height !== undefined) {
    delete kept.aspect;
    delete kept.width;
    delete kept.height;
  }
  return { ...kept, ...changes };
}

function withoutTuning(wish: PictureWish): PictureWish {
  const { prompt, negative, aspect, width, height, count, seed, loras, style, region, mask, pictureSize } = wish;
  const size = width === undefined || height === undefined ? {} : { aspect: aspect ?? `${width}:${height}` };
  return { prompt, ...size, ...definedOnly({ negative, count, seed, loras, style, region, mask, pictureSize }) };
}
