import { listRequests } from '@atelier/shared/db/chat/chat-lists';
import { readStyles } from '@atelier/shared/db/chat/person-settings';
import { type ApiScope, listApiTokens, usualScopes } from '@atelier/shared/db/gateway/api-tokens';
import { readInstances } from '@atelier/shared/db/instances/instance-store';
import { listWorkflows } from '@atelier/shared/db/workflows/saved-workflow-store';
import { shorten } from '@atelier/shared/text/shorten';
import { titleOf } from '../core/cards/card-facts.ts';
import { bestMatches } from '../core/commands/best-matches.ts';
import { commandNames, type CommandName, type SuggestSource } from '../core/commands/command-spec.ts';
import { shortNumber } from '../core/panels/render-details.ts';
import { isSuspicious, marked } from '../core/panels/render-policy.ts';
import type { Suggestion, Typist } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import type { ChatContext } from './chat-context.ts';

/** A platform gives 3 s, and somebody types meanwhile. */
const deadlineMs = 1_200;
const maxSuggestions = 25;
/** As Discord takes. */
const maxChars = 100;
const usualScopeChoices: readonly (readonly ApiScope[])[] = [
  usualScopes,
  ['read'],
  ['read', 'submit'],
  [...usualScopes, 'tokens'],
  [...usualScopes, 'tokens', 'admin'],
];

export interface SuggestQuery {
  source: SuggestSource;
  typed: string;
  /** The command that is typed; any that draws unless given. */
  command?: CommandName | undefined;
}

/** What may be meant by what was typed so far; nothing where it cannot be known in time, and for who may not use it. */
export async function suggest(
  context: ChatContext,
  { source, typed, command = 'imagine' }: SuggestQuery,
  by: Typist,
): Promise<Suggestion[]> {
  try {
    const all = await withDeadline(allowed(), deadlineMs);
    return bestMatches(all, typed, maxSuggestions).map(({ value, label }) => ({
      value: value.slice(0, maxChars),
      label: shorten(label, maxChars),
    }));
  } catch (error) {
    context.deps.log.debug({ err: error, source }, 'nothing could be suggested');
    return [];
  }

  async function allowed(): Promise<Suggestion[]> {
    const asker = { ...by, eventId: '' };
    if (command === 'admin' && !(await context.access.mayAdminister(asker))) return [];
    if (command !== 'admin') await context.access.check(asker, command);
    return candidates(context, source, typed, by);
  }
}

async function candidates(
  context: ChatContext,
  source: SuggestSource,
  typed: string,
  by: Typist,
): Promise<Suggestion[]> {
  const { db, catalogue, people } = context.deps;
  const { language } = by.user;
  const plain = (names: readonly string[]): Suggestion[] => names.map((name) => ({ value: name, label: name }));
  const known = await catalogue.of((await people.find(by.user)).personId);
  switch (source) {
    case 'model':
      return plain(known.models);
    case 'lora':
      return plain(known.loras ?? []);
    case 'sampler':
      return plain(known.samplers ?? []);
    case 'scheduler':
      return plain(known.schedulers ?? []);
    case 'recipe':
      return known.recipes
        .toSorted((a, b) => Number(b.runnable) - Number(a.runnable))
        .map((recipe) => ({
          value: recipe.id,
          label: `${recipe.runnable ? '' : '✕ '}${recipe.title[language]} (${recipe.id})`,
        }));
    case 'style': {
      const own = await readStyles(db, (await people.find(by.user)).personId);
      return [
        ...own.map((style) => ({ value: style.name, label: `${style.name}: ${style.words}` })),
        ...(known.styles ?? []).map((style) => ({ value: style.id, label: style.title[language] })),
      ];
    }
    case 'workflow': {
      const saved = await listWorkflows(db, (await people.find(by.user)).personId);
      return saved.map((workflow) => ({ value: workflow.name, label: workflow.title }));
    }
    case 'job': {
      const { personId } = await people.find(by.user);
      const search = typed.trim();
      const isNumber = /^#?[0-9a-f]{4,}$/i.test(search);
      const { items } = await listRequests(db, {
        personId,
        limit: maxSuggestions,
        offset: 0,
        ...(search === '' || isNumber ? {} : { search }),
      });
      return items.map((request) => ({
        value: shortNumber(request.id),
        label: `#${shortNumber(request.id)} ${titleOf({ request }) ?? request.plan?.prompt ?? ''}`.trim(),
      }));
    }
    case 'token': {
      const own = await listApiTokens(db, (await people.find(by.user)).personId);
      return own
        .filter((token) => token.revokedAt === null)
        .map(({ id, name, hint, scopes }) => ({ value: id, label: `${name} · ${hint}… · ${scopes.join(', ')}` }));
    }
    case 'scopes':
      return plain(usualScopeChoices.map((scopes) => scopes.join(',')));
    case 'command':
      return plain(commandNames.filter((name) => name !== 'admin'));
    case 'pack':
      return (await context.deps.viewPolicy({ limit: 0 })).packs.map(({ pack, allowed, suspicious }) => ({
        value: pack,
        label: marked(pack, allowed, suspicious > 0),
      }));
    case 'class':
      return (await context.deps.viewPolicy({ search: typed.trim(), limit: 100 })).classes.map((found) => ({
        value: found.name,
        label: marked(`${found.name} (${found.pack})`, found.allowed, isSuspicious(found)),
      }));
    default:
      return plain((await readInstances(db)).map((instance) => instance.id));
  }
}
