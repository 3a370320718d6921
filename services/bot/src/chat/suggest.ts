import { listRequests } from '@atelier/shared/db/chat/chat-lists';
import { readStyles } from '@atelier/shared/db/chat/person-settings';
import { readInstances } from '@atelier/shared/db/instances/instance-store';
import { listWorkflows } from '@atelier/shared/db/workflows/saved-workflow-store';
import type { Asker } from '../core/access/asker.ts';
import { titleOf } from '../core/cards/card-facts.ts';
import { shorten } from '../core/cards/shorten.ts';
import { bestMatches } from '../core/commands/best-matches.ts';
import type { SuggestSource } from '../core/commands/command-spec.ts';
import { shortNumber } from '../core/panels/render-details.ts';
import type { Suggestion } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import type { ChatContext } from './chat-context.ts';

/** A platform gives 3 s, and somebody types meanwhile. */
const deadlineMs = 1_200;
const maxSuggestions = 25;
/** As Discord takes. */
const maxChars = 100;

/** What may be meant by what was typed so far; nothing where it cannot be known in time. */
export async function suggest(
  context: ChatContext,
  source: SuggestSource,
  typed: string,
  by: Pick<Asker, 'user'>,
): Promise<Suggestion[]> {
  try {
    const all = await withDeadline(candidates(context, source, typed, by), deadlineMs);
    return bestMatches(all, typed, maxSuggestions).map(({ value, label }) => ({
      value: value.slice(0, maxChars),
      label: shorten(label, maxChars),
    }));
  } catch (error) {
    context.deps.log.debug({ err: error, source }, 'nothing could be suggested');
    return [];
  }
}

async function candidates(
  context: ChatContext,
  source: SuggestSource,
  typed: string,
  by: Pick<Asker, 'user'>,
): Promise<Suggestion[]> {
  const { db, catalogue, people } = context.deps;
  const { language } = by.user;
  const plain = (names: readonly string[]): Suggestion[] => names.map((name) => ({ value: name, label: name }));
  const known = catalogue.current;
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
    default:
      return plain((await readInstances(db)).map((instance) => instance.id));
  }
}
