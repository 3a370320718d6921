import type { RecipeList } from '@atelier/shared/contracts/control';
import type { Language } from '@atelier/shared/contracts/identity';
import type { ListedPicture } from '@atelier/shared/db/chat/chat-lists';
import type { ApiTokenWithPerson } from '@atelier/shared/db/gateway/api-tokens';
import type { ChatStyle } from '@atelier/shared/db/chat/person-settings';
import { HOUSE } from '@atelier/shared/db/chat/person-settings';
import type { SavedWorkflowSummary } from '@atelier/shared/db/workflows/saved-workflow';
import { shorten } from '@atelier/shared/text/shorten';
import { formatButtonId } from '../cards/card-buttons.ts';
import { type CardFacts, type LiveFacts, titleOf } from '../cards/card-facts.ts';
import { createButtons } from '../cards/card-rows.ts';
import { renderJobCard } from '../cards/render-job-card.ts';
import { messagesFor } from '../messages/messages-for.ts';
import type { ListCard, ListEntry, ListName } from './panel.ts';
import { shortNumber } from './render-details.ts';

export const pageSizes: Record<ListName, number> = {
  history: 8,
  jobs: 8,
  gallery: 9,
  favourites: 9,
  models: 20,
  recipes: 12,
  workflows: 10,
  styles: 12,
  tokens: 12,
};

export interface ListFrame {
  list: ListName;
  language: Language;
  /** Whose page buttons they are. */
  readerId: string;
  page: number;
  total: number;
  /** Handed on by the page buttons, such as what was searched for. */
  arg?: string;
  /** What it shows does not fit into a button: other pages are asked for by `--page`. */
  isFixed?: boolean;
}

/** One page with its buttons; entries are those of the page. */
export function renderList(frame: ListFrame, entries: readonly ListEntry[]): ListCard {
  const m = messagesFor(frame.language);
  const { chat } = m;
  const pages = Math.max(1, Math.ceil(frame.total / pageSizes[frame.list]));
  const button = (page: number, label: string) => ({
    action: 'page' as const,
    label,
    style: 'secondary' as const,
    id: formatButtonId('page', frame.readerId, { picture: page, arg: frame.arg ?? frame.list }),
  });
  return {
    list: frame.list,
    title: chat.lists[frame.list].title,
    summary: frame.total === 0 ? chat.lists[frame.list].empty : chat.listSummary(frame.total, frame.page + 1, pages),
    entries,
    page: frame.page,
    pages,
    buttons:
      frame.isFixed === true
        ? []
        : [
            ...(frame.page > 0 ? [button(frame.page - 1, chat.previousPage)] : []),
            ...(frame.page + 1 < Math.min(pages, 100) ? [button(frame.page + 1, chat.nextPage)] : []),
          ],
  };
}

/** Requests of one person, with where each stands and why it waits. */
export function requestEntries(
  all: readonly CardFacts[],
  live: LiveFacts,
  language: Language,
  nowMs: number,
): ListEntry[] {
  const m = messagesFor(language);
  return all.map((facts) => {
    const card = renderJobCard(facts, live, language);
    const [tile] = card.tiles.filter((one) => one.image !== undefined);
    const age = m.chat.ago((nowMs - facts.request.createdAt.getTime()) / 1_000);
    const where = card.progress?.text ?? card.queue?.text;
    return {
      title: shorten(titleOf(facts) ?? card.title, 120),
      text: [`#${shortNumber(card.requestId)}`, card.headline, where, card.reason, age]
        .filter((part) => part !== undefined && part !== '')
        .join(' · '),
      requestId: card.requestId,
      ...(tile?.image === undefined ? {} : { image: tile.image }),
      ...(card.isCovered ? { isCovered: true } : {}),
      button: createButtons(card.requestId, m)('show'),
    };
  });
}

/** @param covered requests whose pictures are covered there. */
export function pictureEntries(
  pictures: readonly ListedPicture[],
  covered: ReadonlySet<string>,
  language: Language,
  nowMs: number,
): ListEntry[] {
  const m = messagesFor(language);
  return pictures.map((picture) => {
    const { requestId, width, height, thumbnailHash, hash, mediaType, bytes, filename } = picture;
    const title = shorten(picture.prompt ?? m.again, 120);
    return {
      title,
      text: `#${shortNumber(requestId)} · ${picture.author} · ${m.chat.ago((nowMs - picture.at.getTime()) / 1_000)}`,
      requestId,
      image: {
        hash,
        mediaType,
        bytes,
        filename,
        alt: m.alt(1, 1, title),
        ...(width === null ? {} : { width }),
        ...(height === null ? {} : { height }),
        ...(thumbnailHash === null ? {} : { thumbnailHash }),
      },
      ...(covered.has(requestId) ? { isCovered: true } : {}),
      button: createButtons(requestId, m)('pick', { picture: picture.picture, label: m.chat.actions.show.label }),
    };
  });
}

export function modelEntries(models: readonly string[]): ListEntry[] {
  return models.map((name) => ({ title: name, text: '' }));
}

export function recipeEntries(recipes: readonly RecipeList['recipes'][number][], language: Language): ListEntry[] {
  return recipes.map((recipe) => ({
    title: `${recipe.runnable ? '' : '✕ '}${recipe.title[language]}`,
    text: [recipe.id, ...(recipe.runnable ? [recipe.model ?? ''] : recipe.reasons)]
      .filter((part) => part !== '')
      .join(' · '),
  }));
}

export function workflowEntries(
  workflows: readonly SavedWorkflowSummary[],
  readerId: string,
  language: Language,
): ListEntry[] {
  const m = messagesFor(language);
  return workflows.map((workflow) => {
    const values = Object.entries(workflow.defaults).map(([name, value]) => `${name}=${value}`);
    const owner = workflow.personId === readerId ? [] : [m.chat.workflows.sharedBy(workflow.personName)];
    return {
      title: workflow.name,
      text: shorten([...owner, ...values].join(' · '), 200),
      button: createButtons(workflow.id, m)('run_workflow'),
    };
  });
}

export function styleEntries(styles: readonly ChatStyle[], language: Language): ListEntry[] {
  const { chat } = messagesFor(language);
  return styles.map((style) => ({
    title: style.owner === HOUSE ? `${style.name} (${chat.styles.house})` : style.name,
    text: shorten(style.words, 200),
  }));
}

/** Tokens without what they are: names, first characters, rights and times. @param readerId whose need not say whose. */
export function tokenEntries(
  tokens: readonly ApiTokenWithPerson[],
  readerId: string,
  language: Language,
  nowMs: number,
): ListEntry[] {
  const { chat } = messagesFor(language);
  const m = chat.tokens;
  return tokens.map((token) => {
    const { expiresAt, lastUsedAt, revokedAt } = token;
    const day = expiresAt?.toISOString().slice(0, 10) ?? '';
    const isOver = expiresAt !== null && expiresAt.getTime() <= nowMs;
    return {
      title: `${token.name} · ${token.hint}…`,
      text: [
        ...(token.personId === readerId ? [] : [token.displayName]),
        token.scopes.join(', '),
        revokedAt !== null ? m.isRevoked : expiresAt === null ? m.endless : isOver ? m.ended(day) : m.ends(day),
        lastUsedAt === null ? m.unused : m.used(chat.ago((nowMs - lastUsedAt.getTime()) / 1_000)),
        `#${shortNumber(token.id)}`,
      ].join(' · '),
    };
  });
}
