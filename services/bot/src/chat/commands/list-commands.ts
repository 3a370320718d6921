import { listFavourites, listGallery, listRequests } from '@atelier/shared/db/chat/chat-lists';
import { listApiTokens } from '@atelier/shared/db/gateway/api-tokens';
import { readStyles } from '@atelier/shared/db/chat/person-settings';
import { listWorkflows } from '@atelier/shared/db/workflows/saved-workflow-store';
import { AppError } from '@atelier/shared/errors/app-error';
import { type ListName, listNames } from '../../core/panels/panel.ts';
import {
  type ListFrame,
  modelEntries,
  pageSizes,
  pictureEntries,
  recipeEntries,
  renderList,
  requestEntries,
  styleEntries,
  tokenEntries,
  workflowEntries,
} from '../../core/panels/render-lists.ts';
import type { ChatOutcome } from '../../ports.ts';
import { shownIn } from '../../core/cards/card-facts.ts';
import { showsAdultOpenly } from '../adult-places.ts';
import { adminsOnly, type ChatContext, checkAlone, isOverheard, type KnownAsker } from '../chat-context.ts';
import { liveFactsOf } from '../live-facts.ts';

/** In place of a search: of all people, for operators. */
export const everybodysTokens = 'all';
/** Other searches do not fit into a button. */
const fitsIntoButton = /^[\w-]{1,12}$/;

export interface ListQuery {
  list: ListName;
  /** From 0. */
  page: number;
  search?: string;
}

/** A page button's argument: the list, and a short search behind a dot. */
export function parseListArg(arg: string | undefined): Pick<ListQuery, 'list' | 'search'> | undefined {
  const [name = '', ...rest] = (arg ?? '').split('.');
  const list = listNames.find((one) => one === name);
  const search = rest.join('.');
  return list === undefined ? undefined : { list, ...(search === '' ? {} : { search }) };
}

export async function showList(context: ChatContext, query: ListQuery, by: KnownAsker): Promise<ChatOutcome> {
  const { db, now, catalogue } = context.deps;
  const { language } = by.user;
  const { list } = query;
  const limit = pageSizes[list];
  const offset = query.page * limit;
  const frame = (total: number): ListFrame => ({
    list,
    language,
    readerId: by.personId,
    page: query.page,
    total,
    ...(query.search === undefined
      ? {}
      : fitsIntoButton.test(query.search)
        ? { arg: `${list}.${query.search}` }
        : { isFixed: true }),
  });
  const there = { isOpen: showsAdultOpenly(by, context.deps.settings) };
  const slice = <T>(all: readonly T[]): readonly T[] => all.slice(offset, offset + limit);

  /** Of these pictures, the requests that are covered where the list is read. */
  async function coveredOf(pictures: readonly { requestId: string }[]): Promise<Set<string>> {
    if (there.isOpen) return new Set();
    const facts = await context.deps.reader.readFacts([...new Set(pictures.map(({ requestId }) => requestId))]);
    return new Set(facts.flatMap((one) => (one.marks?.isForAdults === true ? one.request.id : [])));
  }

  switch (list) {
    case 'history':
    case 'jobs': {
      const found = await listRequests(db, {
        personId: by.personId,
        limit,
        offset,
        openFirst: list === 'jobs',
        withPrivate: !isOverheard(by),
        ...(query.search === undefined ? {} : { search: query.search }),
      });
      if (list === 'jobs') await context.deps.queue.read();
      const facts = await context.deps.reader.readFacts(found.items.map(({ id }) => id));
      const done = facts.map((one) =>
        shownIn(there, one.request.finishedAt === null ? one : { ...one, delivered: true }),
      );
      return said(frame(found.total), requestEntries(done, liveFactsOf(context.deps), language, now()));
    }
    case 'gallery': {
      const found = await listGallery(db, { limit, offset });
      return said(frame(found.total), pictureEntries(found.items, await coveredOf(found.items), language, now()));
    }
    case 'favourites': {
      const found = await listFavourites(db, { personId: by.personId, limit, offset, withPrivate: !isOverheard(by) });
      return said(frame(found.total), pictureEntries(found.items, await coveredOf(found.items), language, now()));
    }
    case 'models': {
      const { models } = await catalogue.of(by.personId);
      return said(frame(models.length), modelEntries(slice(models)));
    }
    case 'recipes': {
      const recipes = (await catalogue.of(by.personId)).recipes.toSorted(
        (a, b) => Number(b.runnable) - Number(a.runnable),
      );
      return said(frame(recipes.length), recipeEntries(slice(recipes), language));
    }
    case 'workflows': {
      const all = await listWorkflows(db, by.personId);
      return said(frame(all.length), workflowEntries(slice(all), by.personId, language));
    }
    case 'tokens': {
      checkAlone(by, 'token');
      const ofAll = query.search === everybodysTokens;
      if (ofAll && !(await context.access.mayAdminister(by))) throw adminsOnly(by);
      const all = await listApiTokens(db, ofAll ? undefined : by.personId);
      return said(frame(all.length), tokenEntries(slice(all), by.personId, language, now()));
    }
    default: {
      const all = await readStyles(db, by.personId);
      return said(frame(all.length), styleEntries(slice(all), language));
    }
  }
}

function said(frame: ListFrame, entries: Parameters<typeof renderList>[1]): ChatOutcome {
  return { outcome: 'list', list: renderList(frame, entries) };
}

/** A list that a button turns, for its reader alone. */
export function checkReader(readerId: string, by: KnownAsker): void {
  if (readerId === by.personId) return;
  throw new AppError('forbidden', "another reader's list", {
    publicMessage: {
      en: 'This list is another person’s: ask for your own, for example with /history.',
      zh: '这是别人的列表，请自行查询，例如发送 /历史。',
    },
  });
}
