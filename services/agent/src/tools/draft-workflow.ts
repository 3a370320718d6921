import type { AssetRef } from '@atelier/shared/contracts/request';
import type { JobInput } from '@atelier/shared/contracts/job';
import type { DraftRow } from '@atelier/shared/db/agent/agent-memory';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { convertToApi } from '@atelier/comfyui/convert/to-api';
import { isFrontendWorkflow } from '@atelier/comfyui/convert/frontend-workflow';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseMetadata } from '@atelier/comfyui/metadata/read-metadata';
import { instantiateRecipe } from '@atelier/comfyui/recipes/instantiate-recipe';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { namePicture } from '../core/name-picture.ts';
import { findPicture, findRequest } from './picture-ref.ts';
import type { ToolContext } from './tool.ts';

/** Pictures that carry a workflow are larger than one alone. */
const MAX_PICTURE_BYTES = 32 * 1024 * 1024;
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
const PICTURE_REF = /^(attachment\s*#?\d{0,2}|#[0-9a-f]{4,32}(\.\d{1,3})?)$/i;

/** A workflow in the making, with the files that it reads. */
export interface Draft {
  workflow: Workflow;
  inputs: JobInput[];
}

/** A draft as it is stored. */
export function openDraft(row: DraftRow): Draft {
  return { workflow: parseWorkflow(parseJson(row.workflowText)), inputs: row.inputs };
}

export function draftText(draft: Draft): string {
  return stringifyJson(draft.workflow);
}

/** How a draft is called in the conversation. */
export function draftName(row: Pick<DraftRow, 'id' | 'version'>): string {
  return `draft:${row.id.replaceAll('-', '').slice(0, 6)} v${row.version}`;
}

/** The stored draft that is meant: by its name, else the one that is worked on. @throws ComfyError `unknown_name`. */
export async function findDraft(ref: string | undefined, context: ToolContext): Promise<DraftRow> {
  const { sessionId } = context.requester;
  const match = /^(?:draft:)?([0-9a-f]{4,32})(?:\s*v(\d{1,4}))?$/i.exec(ref?.trim() ?? '');
  let id = (await context.reads.session(sessionId))?.draftId ?? undefined;
  if (ref !== undefined && ref.trim() !== '') {
    const drafts = await context.reads.drafts(sessionId);
    id =
      match === null
        ? undefined
        : drafts.find((draft) => draft.id.replaceAll('-', '').startsWith((match[1] ?? '').toLowerCase()))?.id;
    if (id === undefined) {
      throw new ComfyError('unknown_name', `There is no draft "${ref.slice(0, 40)}".`, {
        hint: drafts.length === 0 ? 'Make one with draft.' : `There is ${drafts.map(draftName).join(', ')}.`,
      });
    }
  }
  const version = match?.[2] === undefined ? undefined : Number(match[2]);
  const row = id === undefined ? undefined : await context.reads.draft(sessionId, id, version);
  if (row === undefined)
    throw new ComfyError('unknown_name', 'There is no such draft here.', { hint: 'Make one with draft.' });
  return row;
}

/** The workflow of a recipe with these values; pictures by their names in the conversation. */
export async function draftFromRecipe(
  recipeId: string,
  values: Readonly<Record<string, unknown>>,
  context: ToolContext,
): Promise<Draft> {
  const offer = context.catalog.offers.find(({ recipe }) => recipe.id === recipeId);
  if (offer === undefined) {
    const reasons = context.catalog.reasons.get(recipeId)?.map(({ en }) => en);
    throw new ComfyError(
      'unknown_name',
      reasons === undefined
        ? `There is no recipe "${recipeId.slice(0, 60)}".`
        : `The recipe ${recipeId} cannot run here: ${reasons.join(' ')}`,
      { hint: 'Search recipes.' },
    );
  }
  const inputs: JobInput[] = [];
  const given: [string, Json][] = [];
  for (const [name, value] of Object.entries(values)) {
    given.push([name, await bindValue(value as Json, inputs, context)]);
  }
  const { workflow } = instantiateRecipe(offer.recipe, Object.fromEntries(given), offer.registry, context.random);
  return { workflow, inputs };
}

async function bindValue(value: Json, inputs: JobInput[], context: ToolContext): Promise<Json> {
  if (typeof value === 'string' && PICTURE_REF.test(value.trim())) return bindPicture(value, inputs, context);
  if (Array.isArray(value)) {
    const bound: Json[] = [];
    for (const entry of value) bound.push(await bindValue(entry, inputs, context));
    return bound;
  }
  return value;
}

/** Gives a picture to the workflow. @returns its name there. */
async function bindPicture(ref: string, inputs: JobInput[], context: ToolContext): Promise<string> {
  const { asset } = await findPicture(ref, context);
  return addInput(asset, inputs);
}

function addInput(asset: AssetRef, inputs: JobInput[]): string {
  const { name } = namePicture(asset);
  if (!inputs.some((input) => input.name === name)) inputs.push({ name, hash: asset.hash, mediaType: asset.mediaType });
  return name;
}

/** Puts files in the place of pictures that a workflow names as the conversation does. */
export async function bindPictures(draft: Draft, registry: Registry, context: ToolContext): Promise<Draft> {
  const inputs = [...draft.inputs];
  const nodes: [string, Workflow[string]][] = [];
  for (const [id, node] of Object.entries(draft.workflow)) {
    const bound: [string, Json][] = [];
    for (const [name, value] of Object.entries(node.inputs)) {
      const uploads = registry.classes.get(node.class_type)?.inputsByName.get(name)?.upload !== undefined;
      const isRef = uploads && typeof value === 'string' && PICTURE_REF.test(value.trim());
      bound.push([name, isRef ? await bindPicture(value, inputs, context) : value]);
    }
    nodes.push([id, { ...node, inputs: Object.fromEntries(bound) }]);
  }
  return { workflow: Object.fromEntries(nodes), inputs };
}

/** The workflow behind a picture, a past request or an attached file. @throws ComfyError, AppError in words. */
export async function draftFromSource(ref: string, registry: Registry, context: ToolContext): Promise<Draft> {
  const draft = await openSource(ref, registry, context);
  // What nobody may run takes time and text for nothing.
  const nodes = Object.keys(draft.workflow).length;
  const { maxNodes } = context.catalog.policy.limits;
  if (nodes > maxNodes) {
    throw new ComfyError('too_large', `This workflow has ${nodes} nodes; at most ${maxNodes} may be run.`, {
      hint: 'Ask for it in parts.',
    });
  }
  return draft;
}

async function openSource(ref: string, registry: Registry, context: ToolContext): Promise<Draft> {
  if (/^(draft:)/i.test(ref.trim())) return openDraft(await findDraft(ref, context));
  if (/^attachment/i.test(ref.trim())) return draftFromFile(ref, registry, context);
  const row = await findRequest(ref, context);
  const jobs = await context.reads.jobsOf(row.id);
  const number = /\.(\d{1,3})$/.exec(ref.trim())?.[1];
  const job =
    number === undefined
      ? jobs[0]
      : jobs.find((candidate) => candidate.outputs.length > 0 && pictureIn(jobs, candidate.id, Number(number)));
  if (job === undefined)
    throw new ComfyError('unknown_name', `${ref} ran no workflow.`, { hint: 'Search pictures for another.' });
  return { workflow: withoutTitles(parseWorkflow(parseJson(job.workflowText))), inputs: job.inputs };
}

function pictureIn(jobs: Awaited<ReturnType<ToolContext['reads']['jobsOf']>>, jobId: string, number: number): boolean {
  let counted = 0;
  for (const job of jobs) {
    counted += job.outputs.length;
    if (number <= counted) return job.id === jobId;
  }
  return false;
}

async function draftFromFile(ref: string, registry: Registry, context: ToolContext): Promise<Draft> {
  const { asset } = await findPicture(ref, context);
  const isPicture = asset.mediaType.startsWith('image/');
  const bytes = await context.reads.file(asset.hash, isPicture ? MAX_PICTURE_BYTES : MAX_TEXT_BYTES);
  const json = isPicture ? workflowInImage(bytes) : parseJson(new TextDecoder().decode(bytes));
  if (isFrontendWorkflow(json)) return { workflow: withoutTitles(convertToApi(json, registry).workflow), inputs: [] };
  return { workflow: withoutTitles(parseWorkflow(json)), inputs: [] };
}

function workflowInImage(bytes: Uint8Array): Json {
  const { prompt, workflow } = parseMetadata(bytes);
  const found = prompt ?? workflow;
  if (found === undefined) {
    throw new ComfyError('invalid_value', 'This picture carries no workflow.', {
      hint: 'Look at it and draft a new one.',
    });
  }
  return found;
}

/** Titles tell nothing that the classes do not, and cost tokens. */
function withoutTitles(workflow: Workflow): Workflow {
  return Object.fromEntries(
    Object.entries(workflow).map(([id, { class_type, inputs }]) => [id, { class_type, inputs }] as const),
  );
}
