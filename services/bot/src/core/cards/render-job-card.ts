import type { Language } from '@atelier/shared/contracts/identity';
import type { JobState } from '@atelier/shared/contracts/job';
import type { PendingQuestion, RequestState } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { messagesFor } from '../messages/messages-for.ts';
import type { Messages } from '../messages/messages.ts';
import {
  type CardFacts,
  imagesOf,
  isMoving,
  type LiveFacts,
  revisionOf,
  shownRegionOf,
  titleOf,
} from './card-facts.ts';
import { controlsOf } from './card-rows.ts';
import { lineageText } from './lineage-text.ts';
import type { RequestForecast } from '../queue/forecast-requests.ts';
import { narrowEnd } from '../queue/narrow-end.ts';
import type { CardProgress, CardQuestion, CardQueuePlace, CardState, CardTile, JobCard } from './job-card.ts';
import { describeNode } from './describe-node.ts';

const finalStates: ReadonlySet<CardState> = new Set(['succeeded', 'partly', 'replied', 'failed', 'cancelled']);
const endedRequest: ReadonlySet<RequestState> = new Set(['replied', 'succeeded', 'failed', 'cancelled']);
const runningJob: ReadonlySet<JobState> = new Set(['running', 'storing']);
const beforeRun: ReadonlySet<JobState> = new Set(['leased', 'posting', 'posted', 'withdrawing']);

/** A request's card in the reader's language. Pure: the same facts give the same card. */
export function renderJobCard(facts: CardFacts, live: LiveFacts, language: Language): JobCard {
  const m = messagesFor(language);
  const { request } = facts;
  const state = stateOf(facts);
  const final = finalStates.has(state);
  const asked = titleOf(facts);
  const { plan } = request;
  // Of several shots each has a prompt of its own.
  const planned = request.body.kind === 'shots' || plan?.prompt === '' ? undefined : plan?.prompt;
  const title = planned ?? asked ?? fallbackTitle(facts, m);
  const isDeleted = facts.marks?.isDeleted === true;
  const shown = shownRegionOf(facts);
  const tinted = shown === undefined ? undefined : m.chat.region.tinted(shown.region);
  const tiles = isDeleted ? [] : tilesOf(facts, live, tinted ?? title, m);
  const pictures = tiles.filter((tile) => tile.image !== undefined).length;
  const waits = state === 'queued' || state === 'starting';
  const queue = waits ? queuePlaceOf(live.forecasts.get(request.id), live.isGpuAway === true, m) : undefined;
  const reason = waits ? live.reasons?.get(request.id)?.[language] : undefined;
  const progress = state === 'running' || state === 'finishing' ? progressOf(facts, live, m) : undefined;
  const question =
    state === 'asking' && request.question !== null ? questionOf(request.question, m, language) : undefined;
  const lineage = lineageOf(facts, m);
  const reply = final
    ? (request.reply ?? undefined)
    : state === 'planning'
      ? live.replies?.get(request.id)?.text
      : undefined;
  const controls = controlsOf(
    {
      requestId: request.id,
      state,
      tiles,
      question: request.question,
      isMoving: isMoving(facts),
      isDeleted,
      isShared: facts.marks?.isShared === true,
      shownOf: shown?.body.source,
    },
    m,
    language,
  );
  return {
    requestId: request.id,
    revision: revisionOf(facts),
    door: request.door,
    state,
    final,
    headline: isDeleted
      ? m.chat.deletedCard
      : tinted !== undefined && state === 'succeeded'
        ? m.chat.region.headline
        : headlineOf(state, pictures, tiles.length, m),
    title,
    isDeleted,
    isPrivate: request.isPrivate,
    isCovered: facts.marks?.isCovered === true,
    ...(lineage === undefined ? {} : { lineage }),
    author: request.personName,
    createdAt: request.createdAt.toISOString(),
    ...(request.finishedAt === null ? {} : { finishedAt: request.finishedAt.toISOString() }),
    inputs: inputsOf(facts),
    facts: factsOf(facts, m, language),
    notes: isDeleted
      ? []
      : [...(final && tinted !== undefined ? [tinted] : []), ...notesOf(facts, title, asked, m, language)],
    ...(plan?.width === undefined || plan.height === undefined
      ? {}
      : { size: { width: plan.width, height: plan.height } }),
    tiles,
    ...(queue === undefined ? {} : { queue }),
    ...(reason === undefined ? {} : { reason }),
    ...(progress === undefined ? {} : { progress }),
    ...(question === undefined ? {} : { question }),
    ...(reply === undefined || reply === '' ? {} : { reply }),
    ...(final && (state === 'failed' || state === 'partly')
      ? { error: request.error?.message[language] ?? m.fallbackError }
      : {}),
    rows: controls.rows,
    buttons: controls.rows.flat(),
    menus: controls.menus,
  };
}

/** What a request without words of its own is called. */
function fallbackTitle({ request }: CardFacts, m: Messages): string {
  const { body } = request;
  if (body.kind === 'describe') return m.describe;
  if (body.kind === 'derive') return m.chat.actions[body.action].title;
  return m.again;
}

function questionOf(question: PendingQuestion, m: Messages, language: Language): CardQuestion {
  const { plan, gpuSeconds } = question;
  const shape = plan?.width === undefined || plan.height === undefined ? [] : [`${plan.width} × ${plan.height}`];
  const lines =
    plan === undefined
      ? []
      : [
          plan.prompt,
          [
            plan.recipeTitle[language],
            ...(plan.model === undefined ? [] : [m.chat.plan.model(withoutEnding(plan.model))]),
            ...shape,
            m.chat.plan.pictures(plan.count),
          ].join(' · '),
          ...plan.notes.map((note) => note[language]),
        ];
  return {
    id: question.id,
    kind: question.kind,
    // The plan beneath says the rest.
    text: question.kind === 'plan' && lines.length > 0 ? m.chat.plan.title : question.text[language],
    plan: [...lines, ...(gpuSeconds === undefined ? [] : [m.chat.plan.takes(gpuSeconds.low, gpuSeconds.high)])].filter(
      (line) => line !== '',
    ),
    allowsText: question.allowText,
  };
}

function lineageOf(facts: CardFacts, m: Messages): JobCard['lineage'] {
  const { parentRequestId } = facts.request;
  const text = lineageText(facts, m);
  return parentRequestId === null || text === undefined ? undefined : { text, requestId: parentRequestId };
}

function stateOf({ request, jobs, delivered }: CardFacts): CardState {
  if (endedRequest.has(request.state)) {
    if (!delivered) return 'finishing';
    if (request.state !== 'succeeded') return request.state as CardState;
    const asked = jobs.reduce((sum, job) => sum + job.images, 0);
    const came = jobs.reduce((sum, job) => sum + job.outputs.length, 0);
    return came < asked ? 'partly' : 'succeeded';
  }
  if (request.cancelRequestedAt !== null) return 'cancelling';
  if (request.state !== 'working') return request.state;
  if (jobs.some((job) => runningJob.has(job.state) || job.finishedAt !== null)) {
    return jobs.every((job) => job.state === 'storing' || job.finishedAt !== null) ? 'finishing' : 'running';
  }
  return jobs.some((job) => beforeRun.has(job.state)) ? 'starting' : 'queued';
}

function headlineOf(state: CardState, pictures: number, asked: number, m: Messages): string {
  if (state === 'succeeded') return m.states.succeeded(pictures);
  if (state === 'partly') return m.states.partly(pictures, asked);
  return m.states[state];
}

function tilesOf(facts: CardFacts, live: LiveFacts, prompt: string, m: Messages): CardTile[] {
  const { request, jobs } = facts;
  const total = Math.max(
    jobs.reduce((sum, job) => sum + Math.max(job.images, job.outputs.length), 0),
    jobs.length === 0 && !endedRequest.has(request.state) ? (request.plan?.count ?? 0) : 0,
  );
  const tiles: CardTile[] = [];
  for (const job of jobs) {
    for (const output of job.outputs) {
      const { index: _index, nodeId: _nodeId, ...image } = output;
      tiles.push({
        jobId: job.id,
        state: 'done',
        image: { ...image, alt: m.alt(tiles.length + 1, total, prompt) } as NonNullable<CardTile['image']>,
      });
    }
    const fraction = live.progress.get(job.id)?.fraction;
    for (let missing = job.outputs.length; missing < job.images; missing++) {
      const state = tileStateOf(job);
      tiles.push({ jobId: job.id, state, ...(state === 'running' && fraction !== undefined ? { fraction } : {}) });
    }
  }
  return tiles;
}

function tileStateOf(job: JobWithOutputs): CardTile['state'] {
  if (job.state === 'cancelled') return 'cancelled';
  if (job.finishedAt !== null) return 'failed';
  return runningJob.has(job.state) ? 'running' : 'waiting';
}

function queuePlaceOf(
  forecast: RequestForecast | undefined,
  isGpuAway: boolean,
  m: Messages,
): CardQueuePlace | undefined {
  if (forecast === undefined) return isGpuAway ? { position: 1, text: m.queue.noEstimate } : undefined;
  const { place, starts, ends } = forecast;
  const words = place <= 1 ? m.queue.next : m.queue.position(place);
  return {
    position: Math.max(1, place),
    text: `${words} · ${starts === undefined || isGpuAway ? m.queue.noEstimate : m.queue.startsIn(starts)}`,
    ...(starts === undefined || isGpuAway ? {} : { startsInSeconds: starts }),
    ...(ends === undefined || isGpuAway ? {} : { endsInSeconds: ends }),
  };
}

function progressOf({ request, jobs }: CardFacts, live: LiveFacts, m: Messages): CardProgress {
  const fraction =
    jobs.reduce((sum, job) => {
      if (job.finishedAt !== null || job.state === 'storing') return sum + 1;
      return sum + (live.progress.get(job.id)?.fraction ?? 0);
    }, 0) / Math.max(1, jobs.length);
  const current = jobs.findIndex((job) => job.state === 'running');
  const progress = live.progress.get(jobs[current]?.id ?? '');
  const step = progress?.step;
  const steps = progress?.steps;
  const ends = endsOf(request.id, jobs, live);
  const isOver = jobs.every((job) => job.state === 'storing' || job.finishedAt !== null);
  const doing = progress === undefined ? m.progress.working : describeNode(progress.classType, m);
  const parts = [
    // The headline says it already.
    ...(isOver || doing === m.states.running ? [] : [doing]),
    ...(jobs.length > 1 && current >= 0 ? [m.progress.picture(current + 1, jobs.length)] : []),
    ...(step !== undefined && steps !== undefined && steps > 1 ? [m.progress.step(step, steps)] : []),
    ...(ends === undefined ? [] : [m.queue.endsIn(ends)]),
  ];
  return { fraction: Math.min(1, fraction), text: parts.join(' · ') };
}

/** The forecast, narrowed once more: it is some seconds old, progress is not. */
function endsOf(requestId: string, jobs: readonly JobWithOutputs[], live: LiveFacts): RequestForecast['ends'] {
  const forecast = live.forecasts.get(requestId)?.ends;
  const open = jobs.filter((job) => job.finishedAt === null);
  const progress = open.length === 1 ? live.progress.get(open[0]?.id ?? '') : undefined;
  return forecast === undefined ? undefined : narrowEnd(forecast, progress);
}

function inputsOf({ request, origin }: CardFacts): JobCard['inputs'] {
  const body = request.body.kind === 'rerun' ? origin?.body : request.body;
  const images = body === undefined ? [] : imagesOf(body);
  return images.map((image) => ({ hash: image.hash, mediaType: image.mediaType, name: image.name ?? '' }));
}

function withoutEnding(model: string): string {
  return model.replace(/\.(safetensors|ckpt|gguf|pt|pth)$/, '');
}

function factsOf({ request }: CardFacts, m: Messages, language: Language): string[] {
  const { plan } = request;
  if (plan === null) return [];
  return [
    plan.recipeTitle[language],
    ...(plan.model === undefined ? [] : [withoutEnding(plan.model)]),
    ...(plan.width === undefined || plan.height === undefined ? [] : [`${plan.width} × ${plan.height}`]),
    m.details.pictures(plan.count),
    m.details.seed(plan.seed),
    ...(plan.steps === undefined ? [] : [m.details.steps(plan.steps)]),
  ];
}

function notesOf(
  { request }: CardFacts,
  title: string,
  asked: string | undefined,
  m: Messages,
  language: Language,
): string[] {
  const { plan } = request;
  if (plan === null) return [];
  return [
    ...(asked === undefined || asked === title ? [] : [m.chat.youWrote(asked)]),
    ...(plan.negative === undefined || plan.negative === '' ? [] : [m.details.negative(plan.negative)]),
    ...plan.notes.map((note) => note[language]),
  ];
}
