import { z } from 'zod';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { diffWorkflows } from '@atelier/comfyui/graph/diff-workflows';
import { estimateWork } from '@atelier/comfyui/graph/estimate-work';
import { residentModels } from '@atelier/comfyui/graph/residency';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { parseNotation } from '@atelier/comfyui/notation/parse-notation';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { Catalog } from '../core/catalog.ts';
import { checkDraft, checkWords, registryFor } from './check-draft.ts';
import {
  bindPictures,
  draftFromRecipe,
  draftFromSource,
  draftName,
  draftText,
  findDraft,
  openDraft,
  type Draft,
} from './draft-workflow.ts';
import { editSchema, editWorkflow } from './edit-workflow.ts';
import { capped, defineTool, type ToolContext, type ToolOutcome } from './tool.ts';
import { notationFrom } from './notation-text.ts';
import { asData, neutral } from './untrusted-text.ts';

const MAX_CHANGES_SHOWN = 20;

const draftInput = z.object({
  recipe: z.string().max(100).optional(),
  values: z.record(z.string(), z.unknown()).optional().describe('recipe parameters'),
  source: z
    .string()
    .max(200)
    .optional()
    .describe('#id[.n], attachment1 (workflow file or picture) or draft:id: opens its workflow'),
  notation: z.string().max(40_000).optional().describe('a whole workflow'),
  title: z.string().max(80).optional(),
});

/** Makes a draft of a recipe, of something that exists, or of notation. */
export const draftTool = defineTool({
  name: 'draft',
  description:
    'Start a workflow draft from one of: a recipe, the workflow behind a picture/file/draft, or link notation. Shows its notation and check.',
  input: draftInput,
  readOnly: false,
  forDoors: true,
  timeoutMs: 15_000,
  async execute(input, context) {
    const given = [input.recipe, input.source, input.notation].filter((part) => part !== undefined);
    if (given.length !== 1) throw new ComfyError('invalid_value', 'Give exactly one of recipe, source and notation.');
    const draft = await makeDraft(input, context);
    const id = context.idOf('draft');
    return keep(
      { id, version: 1, title: input.title ?? input.recipe ?? input.source ?? 'workflow' },
      draft,
      context.catalog,
    );
  },
});

async function makeDraft(input: z.infer<typeof draftInput>, context: ToolContext): Promise<Draft> {
  const [registry] = context.catalog.registries;
  if (registry === undefined) throw new ComfyError('invalid_value', 'No server is known yet.');
  if (input.recipe !== undefined) return draftFromRecipe(input.recipe, input.values ?? {}, context);
  if (input.source !== undefined) return draftFromSource(input.source, registry, context);
  const workflow = parseNotation(input.notation ?? '', registry);
  return bindPictures({ workflow, inputs: [] }, registry, context);
}

/** The draft as it will be kept, with its notation and what is wrong with it. */
function keep(name: { id: string; version: number; title: string }, draft: Draft, catalog: Catalog): ToolOutcome {
  const registry = registryFor(draft.workflow, catalog);
  const check = checkDraft(draft.workflow, { registry, policy: catalog.policy }, namesOf(draft));
  return {
    kind: 'result',
    content: shown(name, draft, registry, checkWords(check)),
    effects: { draft: { ...name, workflowText: draftText(draft), inputs: draft.inputs } },
  };
}

/** A draft with its title and its notation, from one of its lines on. */
function shown(
  name: { id: string; version: number; title: string },
  { workflow }: Draft,
  registry: Registry,
  after?: string,
  fromLine?: number,
): string {
  const notation = notationFrom(formatNotation(workflow, registry), fromLine);
  const parts = [`${draftName(name)} “${neutral(name.title)}”`, asData(notation), after];
  return parts.filter((part) => part !== undefined).join('\n');
}

function namesOf(draft: Draft): string[] {
  return draft.inputs.map(({ name }) => name);
}

/** Changes a draft by small operations, and shows what became different. */
export const editTool = defineTool({
  name: 'edit',
  description:
    'Change the draft: set an input; connect; add lines; insert_between (rewires both ends); remove (reconnects where types match); replace a class; merge another workflow. Shows the delta and check.',
  input: z.object({
    draft: z.string().max(60).optional(),
    changes: z.array(editSchema).min(1).max(40),
  }),
  readOnly: false,
  forDoors: true,
  timeoutMs: 15_000,
  async execute({ draft: ref, changes }, context) {
    const row = await findDraft(ref, context);
    const before = openDraft(row);
    const registry = registryFor(before.workflow, context.catalog);
    const sources = new Map<string, Workflow>();
    const inputs = [...before.inputs];
    for (const { op, source } of changes) {
      if (op !== 'merge' || source === undefined || sources.has(source)) continue;
      const isRecipe = context.catalog.recipes.some(({ id }) => id === source);
      const merged = isRecipe
        ? await draftFromRecipe(source, { prompt: 'a picture' }, context)
        : await draftFromSource(source, registry, context);
      sources.set(source, merged.workflow);
      inputs.push(...merged.inputs);
    }
    const edited = editWorkflow(before.workflow, changes, registry, sources);
    const after = await bindPictures({ workflow: edited.workflow, inputs }, registry, context);
    const { words } = diffWorkflows(before.workflow, after.workflow);
    const check = checkDraft(after.workflow, { registry, policy: context.catalog.policy }, namesOf(after));
    const name = { id: row.id, version: row.version + 1, title: row.title };
    const delta =
      words.length === 0 ? 'Nothing changed.' : asData(capped([...words, ...edited.notes], MAX_CHANGES_SHOWN));
    return {
      kind: 'result',
      content: `${draftName(name)}\n${delta}\n${checkWords(check)}`,
      effects: { draft: { ...name, workflowText: draftText(after), inputs: after.inputs } },
    };
  },
});

/** Shows a draft, what it would do, what is wrong with it, or how it differs. */
export const inspectTool = defineTool({
  name: 'inspect',
  description:
    'Show a draft: notation, check (errors with line, cause, nearest values), explain (what it does and loads), or diff against another draft version, #id or recipe.',
  input: z.object({
    what: z.enum(['notation', 'check', 'explain', 'diff']),
    draft: z.string().max(60).optional(),
    with: z.string().max(200).optional().describe('diff: draft:id v1, #id.n'),
    from_line: z.int().min(1).optional(),
  }),
  readOnly: true,
  forDoors: true,
  timeoutMs: 15_000,
  async execute(input, context) {
    const row = await findDraft(input.draft, context);
    const draft = openDraft(row);
    const registry = registryFor(draft.workflow, context.catalog);
    switch (input.what) {
      case 'notation':
        return { kind: 'result', content: shown(row, draft, registry, undefined, input.from_line) };
      case 'check':
        return {
          kind: 'result',
          content: checkWords(checkDraft(draft.workflow, { registry, policy: context.catalog.policy }, namesOf(draft))),
        };
      case 'explain':
        return { kind: 'result', content: asData(explainDraft(draft, registry)) };
      case 'diff':
        break;
    }
    const other = await otherWorkflow(input.with, row, context);
    const { words } = diffWorkflows(other, draft.workflow);
    return {
      kind: 'result',
      content: words.length === 0 ? 'They are the same.' : asData(capped(words, MAX_CHANGES_SHOWN)),
    };
  },
});

async function otherWorkflow(
  ref: string | undefined,
  row: { id: string; version: number },
  context: ToolContext,
): Promise<Workflow> {
  const [registry] = context.catalog.registries;
  if (ref === undefined || registry === undefined) {
    const before = await context.reads.draft(context.requester.sessionId, row.id, Math.max(1, row.version - 1));
    if (before === undefined) throw new ComfyError('unknown_name', 'There is no earlier version.');
    return openDraft(before).workflow;
  }
  if (/^draft:/i.test(ref)) return openDraft(await findDraft(ref, context)).workflow;
  if (context.catalog.recipes.some(({ id }) => id === ref))
    return (await draftFromRecipe(ref, { prompt: 'a picture' }, context)).workflow;
  return (await draftFromSource(ref, registry, context)).workflow;
}

function explainDraft(draft: Draft, registry: Registry): string {
  const { checkpoints, loras } = residentModels(draft.workflow);
  const work = estimateWork(draft.workflow);
  const counts = new Map<string, number>();
  for (const node of Object.values(draft.workflow)) counts.set(node.class_type, (counts.get(node.class_type) ?? 0) + 1);
  const outputs = Object.entries(draft.workflow).filter(
    ([, node]) => registry.classes.get(node.class_type)?.isOutputNode === true,
  );
  return [
    `${Object.keys(draft.workflow).length} nodes: ${[...counts].map(([name, count]) => (count === 1 ? name : `${count}× ${name}`)).join(', ')}`,
    `models: ${[...checkpoints, ...loras].join(', ') || 'none'}`,
    `samples ${work.images} picture(s) of ${Math.round(work.pixels / 1_000)} kpx, ${work.steps} steps in all${work.frames > 1 ? `, ${work.frames} frames` : ''}`,
    `results: ${outputs.map(([id, node]) => `${id} (${node.class_type})`).join(', ') || 'none, so it cannot run'}`,
    `files: ${draft.inputs.map(({ name }) => name).join(', ') || 'none'}`,
  ].join('\n');
}
