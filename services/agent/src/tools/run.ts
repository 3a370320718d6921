import { z } from 'zod';
import {
  deriveActionSchema,
  imagineOptionsSchema,
  MAX_COUNT,
  MAX_SHOTS,
  type PendingQuestion,
  type PlanSummary,
  type RequestBody,
  type SourceRef,
} from '@atelier/shared/contracts/request';
import type { NewJob } from '@atelier/shared/contracts/job';
import { definedOnly } from '../core/defined-only.ts';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { diffWorkflows } from '@atelier/comfyui/graph/diff-workflows';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { shorten } from '@atelier/shared/text/shorten';
import { MAX_JOBS_OF_USE } from '../loop/run-failures.ts';
import { checkDraft, checkWords, registryFor } from './check-draft.ts';
import { draftName, findDraft, openDraft } from './draft-workflow.ts';
import { estimateRun, estimateWords, type RunEstimate } from './estimate.ts';
import { findPicture } from './picture-ref.ts';
import { capped, defineTool, refuse, type ToolContext, type ToolOutcome } from './tool.ts';
import { asData } from './untrusted-text.ts';

/** Of a draft, shown before it runs. */
const MAX_CHANGES = 6;
const MAX_NOTE_CHARS = 400;

/** Names of the wish that mean the same in a form's options; checked there in full. */
const makeSchema = z
  .object({
    prompt: z.string().describe("written in the recipe's prompt language"),
    negative: z.string(),
    aspect: z.string().describe('3:4'),
    width: z.number(),
    height: z.number(),
    recipe: z.string(),
    model: z.string(),
    style: z.string(),
    steps: z.number(),
    cfg: z.number(),
    sampler: z.string(),
    scheduler: z.string(),
    strength: z.number().describe('0 keeps the input picture, 1 ignores it'),
    images: z.array(z.string()).describe('attachment1, #id.n'),
    mask: z.string(),
    loras: z.array(z.object({ name: z.string(), strength: z.number() })),
    operation: z.string().describe('recipe kind, such as upscale'),
    durationSeconds: z.number(),
  })
  .partial();

const runInput = z.object({
  make: makeSchema.optional().describe('pictures from a recipe'),
  derive: z
    .object({
      action: deriveActionSchema,
      picture: z.string().describe('#id.n'),
      text: z.string().optional(),
      region: z.string().optional(),
      aspect: z.string().optional().describe('with action aspect'),
    })
    .optional()
    .describe('from an earlier picture'),
  draft: z.string().max(60).optional().describe('run this draft; "current" is the one at hand'),
  shots: z
    .array(
      z.object({
        id: z.string(),
        prompt: z.string(),
        references: z.array(z.object({ picture: z.string(), strength: z.number().optional() })).optional(),
        durationSeconds: z.number().optional(),
      }),
    )
    .max(MAX_SHOTS)
    .optional()
    .describe('storyboard, one picture each'),
  style: z.string().max(2_000).optional().describe('shots: shared words'),
  count: z.int().min(1).max(MAX_COUNT).optional(),
  seed: z.string().max(20).optional().describe('digits; -1 random'),
  estimate_only: z.boolean().optional().describe('seconds, GPU memory and wait; runs nothing'),
  reply: z
    .string()
    .max(2_000)
    .optional()
    .describe('words to the person; ends your turn, so give it when nothing is left to do'),
});
type RunInput = z.infer<typeof runInput>;

/** Queues jobs, or says what they would take. */
export const runTool = defineTool({
  name: 'run',
  description:
    'Make pictures or video: exactly one of make, derive, draft, shots. The only tool that uses GPU time. Jobs go on after your turn and the person gets the results by themselves.',
  input: runInput,
  readOnly: false,
  forDoors: true,
  timeoutMs: 20_000,
  async execute(input, context) {
    if (context.noRepair !== undefined && input.estimate_only !== true) return refuse(context.noRepair);
    const planned = await planRun(input, context);
    if ('kind' in planned) return planned;
    const estimate = await estimateRun(planned.jobs, context);
    const facts = `${summary(planned.plan, planned.jobs)}\n${estimateWords(estimate)}`;
    if (input.estimate_only === true) return { kind: 'result', content: `${facts}\nNothing was run.` };
    const expected = planned.jobs.reduce((sum, job) => sum + job.estimatedGpuSeconds, 0);
    if (expected > context.gpuSecondsLeft) {
      return refuse(
        `This needs about ${Math.round(expected)} GPU seconds and ${Math.max(0, Math.round(context.gpuSecondsLeft))} are left for this request. Make it smaller or ask for less.`,
      );
    }
    if (context.request === undefined) return submit(input, planned, facts, context);
    const permission = await askFirst(input, planned, estimate, context);
    if (permission !== undefined) return permission;
    return queue(planned, facts, context);
  },
});

interface PlannedRun {
  plan: PlanSummary;
  jobs: NewJob[];
  /** The earlier picture that it starts from. */
  parent: SourceRef | undefined;
}

async function planRun(input: RunInput, context: ToolContext): Promise<PlannedRun | ToolOutcome> {
  const ways = [input.make, input.derive, input.draft, input.shots].filter((way) => way !== undefined);
  if (ways.length !== 1) return refuse('Give exactly one of make, derive, draft and shots.');
  const bodies = await bodiesOf(input, context);
  if (!Array.isArray(bodies)) return bodies;
  const jobs: NewJob[] = [];
  let plan: PlanSummary | undefined;
  for (const [index, body] of bodies.entries()) {
    const outcome = await context.planBody(body, context.idOf(`plan ${index}`));
    if (outcome.kind === 'failed') return refuse(asData(outcome.error.message.en));
    if (outcome.kind === 'replied') return refuse(asData(outcome.reply));
    plan ??= outcome.plan;
    jobs.push(...outcome.jobs);
  }
  if (plan === undefined || jobs.length > MAX_JOBS_OF_USE)
    return refuse('This is more than one run may queue; split it.');
  const count = jobs.reduce((sum, job) => sum + job.images, 0) || 1;
  return { plan: { ...plan, count }, jobs, parent: await parentOf(input, context) };
}

async function parentOf({ derive, make }: RunInput, context: ToolContext): Promise<SourceRef | undefined> {
  const first = derive?.picture ?? make?.images?.[0];
  return first === undefined ? undefined : (await findPicture(first, context)).source;
}

async function bodiesOf(input: RunInput, context: ToolContext): Promise<RequestBody[] | ToolOutcome> {
  const { count, seed } = input;
  if (input.make !== undefined) {
    const { images, mask, ...make } = input.make;
    const options = imagineOptionsSchema.safeParse({
      ...make,
      // A prompt may be left out where a picture is only worked on.
      prompt: make.prompt === undefined || make.prompt.trim() === '' ? '-' : make.prompt,
      count,
      seed,
      ...(images === undefined ? {} : { images: await assetsOf(images, context) }),
      ...(mask === undefined ? {} : { mask: (await findPicture(mask, context)).asset }),
    });
    return options.success ? [{ kind: 'imagine', options: options.data }] : refuse(issuesOf(options.error));
  }
  if (input.derive !== undefined) {
    const { picture, aspect, ...derive } = input.derive;
    const { source } = await findPicture(picture, context);
    if (source === undefined) return refuse('derive works on earlier results; for an attachment use make with images.');
    const options = imagineOptionsSchema.partial().safeParse(definedOnly({ aspect, count, seed }));
    if (!options.success) return refuse(issuesOf(options.error));
    return [{ kind: 'derive', ...definedOnly(derive), source, options: options.data }];
  }
  if (input.shots !== undefined) {
    const shots = await Promise.all(
      input.shots.map(async ({ id, prompt, references, durationSeconds }) => ({
        shotId: id,
        prompt,
        ...(durationSeconds === undefined ? {} : { durationSeconds }),
        ...(references === undefined
          ? {}
          : {
              references: await Promise.all(
                references.map(async ({ picture, strength }) => ({
                  image: (await findPicture(picture, context)).asset,
                  ...(strength === undefined ? {} : { strength }),
                })),
              ),
            }),
      })),
    );
    return [{ kind: 'shots', shots, ...(input.style === undefined ? {} : { style: input.style }) }];
  }
  return draftBodies(input, context);
}

/** A draft, once or with other seeds several times. */
async function draftBodies(input: RunInput, context: ToolContext): Promise<RequestBody[] | ToolOutcome> {
  const row = await findDraft(input.draft === 'current' ? undefined : input.draft, context);
  const { workflow, inputs } = openDraft(row);
  const check = checkDraft(
    workflow,
    { registry: registryFor(workflow, context.catalog), policy: context.catalog.policy },
    inputs.map(({ name }) => name),
  );
  if (!check.ok) return refuse(`${draftName(row)} cannot run yet. ${checkWords(check)}`);
  const files = inputs.map(({ name, hash, mediaType }) => ({ name, image: { hash, mediaType } }));
  return Array.from({ length: input.count ?? 1 }, (_, index): RequestBody => {
    const seeded =
      index === 0 && input.seed === undefined ? workflow : withSeeds(workflow, seedFor(input.seed, index, context));
    return { kind: 'workflow', workflowText: stringifyJson(seeded), name: row.title, files };
  });
}

function seedFor(seed: string | undefined, index: number, context: ToolContext): bigint {
  if (seed === undefined || seed === '-1') return BigInt(Math.floor(context.random() * 2 ** 48));
  if (!/^\d{1,20}$/.test(seed)) throw new ComfyError('invalid_value', 'A seed is decimal digits.');
  return BigInt(seed) + BigInt(index);
}

function withSeeds(workflow: Workflow, seed: bigint): Workflow {
  return Object.fromEntries(
    Object.entries(workflow).map(([id, node]) => {
      const inputs = Object.fromEntries(
        Object.entries(node.inputs).map(([name, value]) => {
          const isSeed = /^(noise_)?seed$/.test(name) && (typeof value === 'number' || typeof value === 'bigint');
          return [name, isSeed ? seed : value] as const;
        }),
      );
      return [id, { ...node, inputs }] as const;
    }),
  );
}

async function assetsOf(refs: readonly string[], context: ToolContext) {
  return Promise.all(refs.map(async (ref) => (await findPicture(ref, context)).asset));
}

function issuesOf(error: z.ZodError): string {
  return `These values do not fit: ${error.issues
    .slice(0, 4)
    .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ')}.`;
}

function summary(plan: PlanSummary, jobs: readonly NewJob[]): string {
  const facts = [
    plan.recipe,
    plan.width === undefined || plan.height === undefined ? undefined : `${plan.width}×${plan.height}`,
    plan.steps === undefined ? undefined : `${plan.steps} steps`,
    `seed ${plan.seed}`,
  ].filter((fact) => fact !== undefined);
  const words = [
    ...(plan.model === undefined ? [] : [`model: ${plan.model}`]),
    `prompt: ${plan.prompt}`,
    ...(plan.negative === undefined ? [] : [`negative: ${plan.negative}`]),
    ...plan.notes.map(({ en }) => en),
  ];
  return `${plan.count} picture(s) in ${jobs.length} job(s): ${facts.join(', ')}\n${asData(words.join('\n'))}`;
}

/** Shows the plan before it costs GPU time, by the setting. Undefined: it may run. */
async function askFirst(
  input: RunInput,
  { plan, jobs }: PlannedRun,
  estimate: RunEstimate,
  context: ToolContext,
): Promise<ToolOutcome | undefined> {
  const { approval } = context;
  const mustAsk =
    approval.when === 'always' || (approval.when === 'above_cost' && estimate.gpuSeconds.high > approval.gpuSeconds);
  if (!mustAsk) return undefined;
  const id = context.idOf('approval');
  const answer = context.answers.find(({ questionId }) => questionId === id);
  if (answer === undefined) {
    const notes = [...plan.notes, ...(await changeNotes(input, context)), ...modelNotes(jobs)];
    return { kind: 'ask', question: planQuestion(id, { ...plan, notes }, estimate) };
  }
  if (answer.choice === 'run') return undefined;
  if (answer.choice === 'cancel') return { kind: 'stop' };
  const words = answer.text === null ? '' : ` They say: ${asData(answer.text)}`;
  return refuse(
    `The person wants a change before this runs.${words}${words === '' ? ' Ask what to change.' : ''} Nothing was run.`,
  );
}

/** What a draft has become since it was begun. */
async function changeNotes({ draft }: RunInput, context: ToolContext): Promise<PlanSummary['notes']> {
  if (draft === undefined) return [];
  const row = await findDraft(draft === 'current' ? undefined : draft, context);
  const first = row.version === 1 ? undefined : await context.reads.draft(context.requester.sessionId, row.id, 1);
  if (first === undefined) return [];
  const { words } = diffWorkflows(openDraft(first).workflow, openDraft(row).workflow);
  const changes = capped(words, MAX_CHANGES).replaceAll('\n', '; ');
  return words.length === 0 ? [] : [note(`Changed: ${changes}`, `改动：${changes}`)];
}

/** Every model file, where there are several: one alone stands in the plan. */
function modelNotes(jobs: readonly NewJob[]): PlanSummary['notes'] {
  const names = [...new Set(jobs.flatMap(({ models }) => models ?? []))].map((path) =>
    path.slice(path.indexOf('/') + 1),
  );
  return names.length < 2 ? [] : [note(`Models: ${names.join(', ')}`, `模型：${names.join('、')}`)];
}

function note(en: string, zh: string): PlanSummary['notes'][number] {
  return { en: shorten(en, MAX_NOTE_CHARS), zh: shorten(zh, MAX_NOTE_CHARS) };
}

function planQuestion(id: string, plan: PlanSummary, { gpuSeconds }: RunEstimate): PendingQuestion {
  const seconds = Math.round(gpuSeconds.high);
  return {
    id,
    kind: 'plan',
    text: {
      en: `Run this? ${plan.recipeTitle.en}, ${plan.count} picture(s), up to ${seconds} s of GPU time.`,
      zh: `运行此方案吗？${plan.recipeTitle.zh}，${plan.count} 张，最多约 ${seconds} 秒显卡时间。`,
    },
    choices: [
      { id: 'run', label: { en: 'Run', zh: '运行' } },
      { id: 'change', label: { en: 'Change', zh: '修改' } },
      { id: 'cancel', label: { en: 'Cancel', zh: '取消' } },
    ],
    allowText: true,
    plan,
    gpuSeconds,
  };
}

/** The jobs of this use, under ids that are the same whenever it is repeated. */
function queue({ plan, jobs, parent }: PlannedRun, facts: string, context: ToolContext): ToolOutcome {
  const runId = context.request?.id ?? '';
  const before = context.jobs.length;
  const own = jobs.map((job, index): NewJob => ({
    ...job,
    id: context.idOf(String(index)),
    requestId: runId,
    index: before + index,
  }));
  const earlier = context.jobs.reduce((sum, job) => sum + job.images, 0);
  return {
    kind: 'result',
    content: `Queued. ${facts}`,
    effects: {
      queue: { plan: { ...plan, count: plan.count + earlier }, jobs: own },
      ...(parent === undefined ? {} : { parent }),
    },
  };
}

/** For a caller without a run: each job becomes a request of its own, which the queue treats like any. */
async function submit(
  input: RunInput,
  { plan, jobs, parent }: PlannedRun,
  facts: string,
  context: ToolContext,
): Promise<ToolOutcome> {
  const ids: string[] = [];
  for (const [index, job] of jobs.entries()) {
    const id = await context.reads.submit({
      eventId: context.idOf(`submit ${index}`),
      personId: context.requester.personId,
      place: context.requester.place,
      language: context.requester.language,
      workflowText: job.workflowText,
      inputs: job.inputs,
      parent,
      name: input.make?.prompt?.slice(0, 80) ?? plan.recipeTitle.en,
    });
    ids.push(id);
  }
  return { kind: 'result', content: `Queued as ${ids.join(', ')}. ${facts}` };
}
