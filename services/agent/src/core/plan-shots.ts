import type { RequestBody, Shot } from '@atelier/shared/contracts/request';
import { combinePlans } from './combine-plans.ts';
import { definedOnly } from './defined-only.ts';
import { quoted } from './messages.ts';
import { planWish, type Wanted, type WishPlace } from './plan-wish.ts';
import type { PlanFailure, PlanningParts, PlanOutcome } from './planning-parts.ts';
import { prepareWanted } from './prepare-wanted.ts';

type ShotsBody = Extract<RequestBody, { kind: 'shots' }>;
type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** More pictures than a grid are a batch: people who wait for one go before them. */
const MAX_INTERACTIVE_PICTURES = 4;

/** One shot as a wish, with the style of all. */
function wantedShot(body: ShotsBody, shot: Shot): Wanted {
  const { images = [], style: optionStyle, ...options } = body.options ?? {};
  const references = shot.references ?? [];
  const strengths = references.flatMap(({ strength }) => strength ?? []);
  const style = [body.style, optionStyle].filter((words) => words !== undefined && words.trim() !== '').join(', ');
  return {
    wish: {
      ...definedOnly(options),
      ...definedOnly({
        durationSeconds: shot.durationSeconds ?? options.durationSeconds,
        style: style === '' ? undefined : style,
        // A reference that counts fully is not left behind.
        strength: strengths.length === 0 ? options.strength : 1 - Math.max(...strengths),
      }),
      // Recipes that tell references apart take each one's own; one without counts as much as the strongest.
      ...(strengths.length === 0
        ? {}
        : { parameters: { strengths: references.map(({ strength }) => strength ?? Math.max(...strengths)) } }),
      prompt: shot.prompt,
    },
    pictures: [...references.map(({ image }) => image), ...images],
    notes: [],
  };
}

/** Plans a storyboard: the jobs of each shot in order, all with the same style and options. */
export async function planShots(
  requestId: string,
  body: ShotsBody,
  parts: Pick<PlanningParts, 'catalog' | 'random' | 'files'>,
): Promise<Planned | PlanFailure> {
  const pictures = body.shots.length * (body.options?.count ?? 1);
  const wishes = await Promise.all(
    body.shots.map(async (shot) => ({
      wanted: await prepareWanted(wantedShot(body, shot), parts),
      shot: { shotId: shot.shotId, shotPrompt: shot.prompt },
    })),
  );
  return planShotWishes(requestId, wishes, pictures, parts);
}

export interface ShotWish {
  wanted: Wanted;
  shot: NonNullable<WishPlace['shot']>;
}

/** Plans wishes that belong to shots as one request; the first that cannot be says so by its shot's id. */
export function planShotWishes(
  requestId: string,
  wishes: readonly ShotWish[],
  pictures: number,
  parts: Pick<PlanningParts, 'catalog' | 'random'>,
): Planned | PlanFailure {
  const planned: Planned[] = [];
  let firstIndex = 0;
  for (const { wanted, shot } of wishes) {
    const outcome = planWish(requestId, wanted, parts, {
      firstIndex,
      class: pictures > MAX_INTERACTIVE_PICTURES ? 'batch' : 'interactive',
      shot,
    });
    if (outcome.kind === 'failed') return ofShot(outcome, shot.shotId ?? '');
    firstIndex += outcome.jobs.length;
    planned.push(outcome);
  }
  const [first, ...rest] = planned;
  if (first === undefined) throw new RangeError('a storyboard needs at least one shot');
  return combinePlans(
    [first, ...rest],
    wishes.map(({ shot, wanted }) => shot.shotPrompt ?? wanted.wish.prompt),
  );
}

function ofShot(failure: PlanFailure, shotId: string): PlanFailure {
  const { code, message } = failure.error;
  return {
    kind: 'failed',
    error: {
      code,
      message: { en: `Shot ${quoted(shotId)}: ${message.en}`, zh: `镜头${quoted(shotId)}：${message.zh}` },
    },
  };
}
