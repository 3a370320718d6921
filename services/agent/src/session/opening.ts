import type { Language } from '@atelier/shared/contracts/identity';
import type { AssetRef, ImagineOptions, SourceRef } from '@atelier/shared/contracts/request';
import type { ConversationRow } from '@atelier/shared/db/agent/conversation';
import type { DraftRow, Preference } from '@atelier/shared/db/agent/agent-memory';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import type { Catalog } from '../core/catalog.ts';
import type { SaidBlock } from '../loop/step.ts';
import { registryFor } from '../tools/check-draft.ts';
import { draftName, openDraft } from '../tools/draft-workflow.ts';
import { notationFrom } from '../tools/notation-text.ts';
import { shortId } from '../tools/picture-ref.ts';
import { requestLine } from '../tools/request-line.ts';
import { asData, neutral, neutralInline } from '../tools/untrusted-text.ts';

/** Requests of the conversation that are told at length, and those before them that are told in a line. */
const RECENT = 8;
const MAX_RECENT_CHARS = 300;
const MAX_OLDER_CHARS = 60;
const MAX_RECIPES = 14;
const MAX_MODELS = 12;
/** Of the draft at hand: three hundred nodes fit. */
const MAX_DRAFT_CHARS = 40_000;

export interface OpeningInput {
  now: Date;
  personName: string;
  language: Language;
  message: {
    text: string;
    attachments: readonly AssetRef[];
    about: readonly SourceRef[];
    quoted: string | undefined;
    options: Partial<ImagineOptions>;
  };
  /** Oldest first. */
  conversation: readonly ConversationRow[];
  state: string;
  catalog: Catalog;
}

/**
 * What a run is told first: the server, the conversation so far (bounded: the last requests at length, those before in a
 * line each), the draft, open jobs and preferences word for word, and the message.
 */
export function writeOpening(input: OpeningInput): SaidBlock[] {
  const { message } = input;
  // What files are called is nobody's order.
  const files = message.attachments.map(
    (asset, index) =>
      `attachment${index + 1}: ${asset.mediaType}${asset.name === undefined ? '' : ` named “${neutralInline(asset.name, 80)}”`}`,
  );
  const notes = [
    ...(files.length === 0
      ? []
      : [`with ${files.length === 1 ? 'attachment1' : `attachment1 to attachment${files.length}`}`]),
    ...message.about.map(
      (source) =>
        `it replies to ${shortId(source.requestId)}${source.picture === undefined ? '' : `.${source.picture + 1}`}`,
    ),
    ...(Object.keys(message.options).length === 0
      ? []
      : [`settings beside it, which win: ${neutral(JSON.stringify(message.options))}`]),
  ];
  const text = [
    `<server>\n${neutral(serverLines(input.catalog))}\n</server>`,
    `<conversation>\n${conversationLines(input)}\n</conversation>`,
    `<state>\n${input.state}\n</state>`,
    ...(message.quoted === undefined ? [] : [`<quoted>\n${neutral(message.quoted)}\n</quoted>`]),
    ...(files.length === 0 ? [] : [asData(files.join('\n'))]),
    `<message from="${neutralInline(input.personName, 60)}" language="${input.language}">`,
    neutral(message.text),
    ...(notes.length === 0 ? [] : [`[${notes.join('; ')}]`]),
    '</message>',
  ].join('\n');
  return [{ type: 'text', text }];
}

function serverLines(catalog: Catalog): string {
  const runnable = catalog.recipes.filter(({ id }) => !catalog.reasons.has(id));
  const lines = runnable.slice(0, MAX_RECIPES).map((recipe) => {
    const model = catalog.offers.find((offer) => offer.recipe === recipe)?.model;
    const languages = recipe.promptLanguages.length === 0 ? '' : `, ${recipe.promptLanguages.join('/')}`;
    return `${recipe.id} (${recipe.kind}${languages})${model === undefined ? '' : `: ${model}`}`;
  });
  const models = catalog.models.slice(0, MAX_MODELS);
  return [
    `recipes that run: ${lines.join('; ') || 'none'}${more(runnable.length, MAX_RECIPES)}`,
    `models: ${models.join(', ') || 'none'}${more(catalog.models.length, MAX_MODELS)}`,
  ].join('\n');
}

function more(count: number, shown: number): string {
  return count > shown ? ` … ${count - shown} more` : '';
}

function conversationLines({ conversation, now }: OpeningInput): string {
  if (conversation.length === 0) return 'nothing yet';
  const recent = conversation.length - RECENT;
  return conversation
    .map((row, index) => neutral(requestLine(row, now, index < recent ? MAX_OLDER_CHARS : MAX_RECENT_CHARS)))
    .join('\n');
}

export interface StateInput {
  /** The draft at hand. */
  draft: DraftRow | undefined;
  catalog: Catalog;
  openRequests: readonly ConversationRow[];
  preferences: readonly Preference[];
  notes: string;
  now: Date;
}

/** The draft, open jobs, preferences and notes, word for word; of a draft beyond all measure its beginning. */
export function writeState({ draft, catalog, openRequests, preferences, notes, now }: StateInput): string {
  return neutral(
    [
      draft === undefined ? 'draft: none' : draftLines(draft, catalog),
      openRequests.length === 0
        ? 'open jobs: none'
        : `open jobs:\n${openRequests.map((row) => `${requestLine(row, now, 80)} (${row.jobsOpen} open)`).join('\n')}`,
      `preferences: ${preferences.map(({ key, value }) => `${key}: ${value}`).join('; ') || 'none'}`,
      ...(notes === '' ? [] : [`kept in mind: ${notes}`]),
    ].join('\n'),
  );
}

function draftLines(row: DraftRow, catalog: Catalog): string {
  const { workflow } = openDraft(row);
  const notation = formatNotation(workflow, registryFor(workflow, catalog));
  return `draft at hand: ${draftName(row)} “${row.title}”\n${notationFrom(notation, 1, MAX_DRAFT_CHARS)}`;
}
