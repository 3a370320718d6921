import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { estimateWork } from '@atelier/comfyui/graph/estimate-work';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { filesInRegistry } from '@atelier/comfyui/validate/custom-checks';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { workflowRecipeId, type SavedWorkflow } from '@atelier/shared/db/workflows/saved-workflow';
import { comfySentence, missingClasses, reasonsSentence } from './comfy-sentence.ts';
import { definedOnly } from './defined-only.ts';
import { fillWorkflow, type FilledWorkflow, type WorkflowWish } from './fill-workflow.ts';
import { wishProblem } from './limits.ts';
import { nextSeed } from './make-jobs.ts';
import { quoted } from './messages.ts';
import { isReadable, namePicture, type NamedPicture } from './name-picture.ts';
import { newJob } from './new-job.ts';
import { refusal, seedDigits, summariseValues } from './plan-wish.ts';
import type { PlanFailure, PlanningParts, PlanOutcome } from './planning-parts.ts';
import {
  onlyTargets,
  parametersOf,
  parseWorkflowText,
  readWorkflow,
  renameFiles,
  valuesOf,
  withValues,
  type WorkflowParameters,
} from './read-workflow.ts';
import { styledPrompt } from './styles.ts';
import type { LocalText } from './words-plan.ts';

type Planned = Extract<PlanOutcome, { kind: 'planned' }>;
type WorkflowBody = Extract<RequestBody, { kind: 'workflow' }>;

/** The recipe of jobs that were made of a workflow that came with its request. */
const WORKFLOW_RECIPE = 'workflow';
const MAX_PICTURES_PER_JOB = 4;
/** Files that were stored for somebody's job: their names are not for others to guess. */
const STORED_FILE = /^atelier_[0-9a-f]{64}\./;

/** Whether a job was made of a workflow that a person brought or kept. */
export function isWorkflowJob(job: Pick<JobWithOutputs, 'recipe'>): boolean {
  return job.recipe === WORKFLOW_RECIPE || job.recipe.startsWith(workflowRecipeId(''));
}

/** Plans a workflow that came with its request: run as it is, with these parameters and files. */
export function planWorkflow(requestId: string, body: WorkflowBody, parts: PlanningParts): Planned | PlanFailure {
  const name = body.name?.trim() ?? '';
  return planWorkflowWish(
    requestId,
    {
      text: body.workflowText,
      title: name === '' ? { en: 'Workflow', zh: '工作流' } : { en: name, zh: name },
      recipe: WORKFLOW_RECIPE,
      files: (body.files ?? []).map(({ name: file, image }) => ({ name: file, asset: image })),
      parameters: body.parameters ?? {},
      wishes: {},
      pictures: [],
      seeds: 'keep',
      count: 1,
      targets: body.targets,
    },
    parts,
  );
}

/** Plans a workflow that somebody kept, with options in place of its parameters. */
export function planSavedWorkflow(
  requestId: string,
  saved: SavedWorkflow,
  options: ImagineOptions,
  parts: PlanningParts,
): Planned | PlanFailure {
  const problem = wishProblem(definedOnly({ ...options, images: undefined }));
  if (problem !== undefined) return refusal(problem);
  return planWorkflowWish(
    requestId,
    {
      text: saved.workflowText,
      title: { en: saved.title, zh: saved.title },
      recipe: workflowRecipeId(saved.id),
      files: [],
      parameters: {},
      wishes: { ...saved.defaults, ...wishesOf(options) },
      pictures: options.images ?? [],
      mask: options.mask,
      aspect: options.aspect,
      seeds: 'new',
      count: options.count ?? 1,
    },
    parts,
  );
}

/** Plans the workflow of an earlier job again, its files included. */
export function planWorkflowAgain(
  requestId: string,
  job: JobWithOutputs,
  repeat: { options?: Partial<ImagineOptions> | undefined; keepSeed?: boolean },
  parts: PlanningParts,
): Planned | PlanFailure {
  const { images = [], mask, aspect, count, ...options } = repeat.options ?? {};
  return planWorkflowWish(
    requestId,
    {
      text: job.workflowText,
      title: { en: 'Workflow', zh: '工作流' },
      recipe: job.recipe,
      files: job.inputs.map(({ name, hash, mediaType }) => ({ name, asset: { hash, mediaType } })),
      parameters: {},
      wishes: wishesOf(options),
      pictures: images,
      mask,
      aspect,
      seeds: repeat.keepSeed === true ? 'keep' : 'new',
      count: count ?? 1,
    },
    parts,
  );
}

/** Options by the names that parameters of workflows have. */
function wishesOf(options: Partial<ImagineOptions>): Record<string, Json> {
  const { prompt, style, strength, negative, width, height, seed, steps, cfg, sampler, scheduler, model } = options;
  return definedOnly({
    prompt: prompt === undefined ? undefined : styledPrompt(prompt, style),
    negative,
    width,
    height,
    seed: seed === '-1' ? undefined : seed,
    steps,
    cfg,
    sampler,
    scheduler,
    denoise: strength,
    model,
  }) as Record<string, Json>;
}

/** Asks each server in turn; the first that can run it has it. */
function planWorkflowWish(
  requestId: string,
  wish: WorkflowWish,
  { catalog, random, now }: PlanningParts,
): Planned | PlanFailure {
  let value: JsonObject;
  try {
    value = parseWorkflowText(wish.text);
  } catch (error) {
    return failureOf(error);
  }
  const files = [
    ...wish.files.map(({ asset }) => asset),
    ...wish.pictures,
    ...(wish.mask === undefined ? [] : [wish.mask]),
  ];
  if (!files.every(({ mediaType }) => isReadable(mediaType))) {
    return refused({
      en: 'One of its files is neither a picture nor a video or sound that ComfyUI reads; choose another.',
      zh: '其中有文件不是 ComfyUI 可读取的图片、视频或音频，请换一个。',
    });
  }
  let first: PlanFailure | undefined;
  for (const registry of catalog.registries) {
    const outcome = planOn(requestId, wish, value, { registry, policy: catalog.policy }, { random, now });
    if (outcome.kind === 'planned') return outcome;
    first ??= outcome;
  }
  return (
    first ??
    refused({ en: 'No ComfyUI is there to run it yet; try again soon.', zh: '暂时没有可用的 ComfyUI，请稍后再试。' })
  );
}

/** A ComfyUI, and what workflows may do there. */
interface Server {
  registry: Registry;
  policy: Policy;
}

interface Chance {
  random: () => number;
  now: (() => Date) | undefined;
}

function planOn(
  requestId: string,
  wish: WorkflowWish,
  value: JsonObject,
  server: Server,
  { random, now }: Chance,
): Planned | PlanFailure {
  const { registry, policy } = server;
  try {
    const read = readWorkflow(value, registry, { random, now: now?.() });
    if (read.missing.length > 0) return refused(missingClasses(read.missing, registry));
    const partial = onlyTargets(read.workflow, wish.targets);
    if (partial === undefined) {
      return refused({
        en: 'One of the output nodes to run is not in the workflow; name nodes that it has.',
        zh: '要运行的输出节点不在工作流中，请指定其中存在的节点。',
      });
    }
    // Whatever reads it further takes time with its size.
    if (Object.keys(partial).length > policy.limits.maxNodes) return gate(server, partial, []) ?? TOO_LARGE;
    const given = wish.files.map(({ name, asset }) => ({ name, own: namePicture(asset) }));
    const names = new Map(given.map(({ name, own }) => [name, own.name]));
    const { workflow, used } = renameFiles(partial, registry, names);
    const parameters = parametersOf(workflow, registry, wish.title);
    const filled = fillWorkflow(workflow, parameters, registry, wish, random);
    const named = given.filter(({ name }) => used.has(name)).map(({ own }) => own);
    const notes = [...filled.notes, ...given.filter(({ name }) => !used.has(name)).map(({ name }) => fileUnused(name))];
    const pictures = distinct([...named, ...filled.pictures]);
    return runs(requestId, wish, server, parameters, { ...filled, pictures, notes });
  } catch (error) {
    return failureOf(error);
  }
}

const TOO_LARGE = refused({
  en: 'The workflow has too many nodes; split it into parts.',
  zh: '工作流的节点过多，请拆分。',
});

/** What the policy has against a workflow; undefined where it may run. */
function gate({ registry, policy }: Server, workflow: Workflow, files: readonly string[]): PlanFailure | undefined {
  const decision = checkPolicy(registry, workflow, policy, { files });
  if (decision.allowed) return undefined;
  return refused(reasonsSentence(decision.reasons.map(({ message }) => message)), 'workflow_not_allowed');
}

/** The jobs of a workflow, each checked as ComfyUI and the policy will. */
function runs(
  requestId: string,
  wish: WorkflowWish,
  server: Server,
  parameters: WorkflowParameters,
  filled: FilledWorkflow,
): Planned | PlanFailure {
  const { registry } = server;
  const { pictures, notes } = filled;
  const names = pictures.map(({ name }) => name);
  const closed = gate(server, filled.workflow, names);
  if (closed !== undefined) return closed;
  const foreign = Object.values(filled.workflow)
    .flatMap((node) => Object.values(node.inputs))
    .find((value) => typeof value === 'string' && STORED_FILE.test(value) && !names.includes(value));
  if (foreign !== undefined) {
    return refused({
      en: 'It names a picture that was stored for an earlier job; attach that picture instead.',
      zh: '工作流引用了此前任务的图片，请改为附上该图片。',
    });
  }
  const verdict = validatePrompt(registry, filled.workflow, {
    files: [...filesInRegistry(registry.classes.values()), ...names],
  });
  if (verdict.status !== 200) {
    const hints = verdict.hints.map(({ nodeId, classType, hint }) =>
      nodeId === '' ? hint : `Node ${nodeId} (${classType}): ${hint}`,
    );
    return refused(reasonsSentence(hints.length > 0 ? hints : [verdict.error?.message ?? 'ComfyUI refuses it.']));
  }
  const dropped = verdict.hints.slice(0, 2).map(({ hint }) => hint);
  if (dropped.length > 0) {
    const why = reasonsSentence(dropped);
    notes.push({
      en: `Some of its outputs cannot run and are left out: ${why.en}`,
      zh: `部分输出无法运行，已略过：${why.zh}`,
    });
  }
  const jobs = makeRuns(requestId, wish, registry, parameters, filled);
  const [first] = jobs;
  if (first === undefined) throw new RangeError('a workflow runs at least once');
  const values = valuesOf(filled.workflow, parameters);
  const prompt = values['prompt'];
  return {
    kind: 'planned',
    jobs,
    plan: {
      recipe: wish.recipe,
      recipeTitle: wish.title,
      prompt: typeof prompt === 'string' ? prompt : '',
      count: Math.max(
        1,
        jobs.reduce((sum, { images }) => sum + images, 0),
      ),
      seed: seedDigits(values['seed']),
      notes,
      ...summariseValues(values),
    },
  };
}

/** One job for each run: by the workflow's own number of pictures where it has one, with seeds that count on. */
function makeRuns(
  requestId: string,
  wish: WorkflowWish,
  registry: Registry,
  parameters: WorkflowParameters,
  { workflow, pictures }: FilledWorkflow,
): NewJob[] {
  const values = valuesOf(workflow, parameters);
  const counts = parameters.recipe.parameters.some(({ name }) => name === 'count');
  const own = typeof values['count'] === 'number' ? values['count'] : 1;
  const jobs: NewJob[] = [];
  for (let left = wish.count, index = 0; left > 0; index += 1) {
    const images = wish.count === 1 ? own : counts ? Math.min(left, MAX_PICTURES_PER_JOB) : 1;
    const seeds = parameters.recipe.parameters.flatMap(({ kind, name }): [string, Json][] => {
      const seed = kind === 'seed' && index > 0 ? nextSeed(values[name], index) : undefined;
      return seed === undefined ? [] : [[name, seed]];
    });
    const changes = { ...Object.fromEntries(seeds), ...(counts && wish.count > 1 ? { count: images } : {}) };
    const run = withValues(workflow, parameters, changes);
    const work = estimateWork(run);
    jobs.push(
      newJob({
        requestId,
        index,
        class: 'interactive',
        recipe: wish.recipe,
        workflow: run,
        registry,
        work,
        images: Math.max(images, wish.count === 1 ? work.images : 1),
        pictures,
        values: valuesOf(run, parameters),
        about: {},
      }),
    );
    left -= Math.max(1, wish.count === 1 ? 1 : images);
  }
  return jobs;
}

function fileUnused(name: string): LocalText {
  return {
    en: `The workflow names no file ${quoted(name)}; it was left out.`,
    zh: `工作流中没有引用文件${quoted(name)}，已略过。`,
  };
}

function distinct(pictures: readonly NamedPicture[]): NamedPicture[] {
  return [...new Map(pictures.map((picture) => [picture.name, picture])).values()];
}

function refused(message: LocalText, code = 'invalid_workflow'): PlanFailure {
  return { kind: 'failed', error: { code, message } };
}

/** What reading a workflow has against it, in words; anything else is our bug. */
function failureOf(error: unknown): PlanFailure {
  if (error instanceof ComfyError) return refused(comfySentence(error));
  throw error;
}
