import type { Logger } from 'pino';
import type { RecipeList } from '@atelier/shared/contracts/control';

const empty: RecipeList = { recipes: [], models: [] };
/** After this it is asked for again, while what is known serves. */
const freshMs = 60_000;
/** People whose lists are kept; the others ask again. */
const maxPeople = 200;

/** What the servers that a person may use can make, in memory: completion has no time to ask. */
export interface Catalogue {
  /** What is known, and asks again where that is old; waits only where nothing is known yet. Never rejects. */
  of(personId: string): Promise<RecipeList>;
}

interface Known {
  list: RecipeList;
  askedAt: number;
}

export function createCatalogue(deps: {
  ask: (personId: string) => Promise<RecipeList>;
  now: () => number;
  log: Logger;
}): Catalogue {
  const lists = new Map<string, Known>();
  const asking = new Map<string, Promise<RecipeList>>();

  async function ask(personId: string): Promise<RecipeList> {
    try {
      const list = await deps.ask(personId);
      lists.delete(personId);
      lists.set(personId, { list, askedAt: deps.now() });
      const [oldest] = lists.keys();
      if (lists.size > maxPeople && oldest !== undefined) lists.delete(oldest);
      return list;
    } catch (error) {
      deps.log.debug({ err: error }, 'the recipes could not be asked for; again soon');
      return lists.get(personId)?.list ?? empty;
    } finally {
      asking.delete(personId);
    }
  }

  function askOnce(personId: string): Promise<RecipeList> {
    const under = asking.get(personId) ?? ask(personId);
    asking.set(personId, under);
    return under;
  }

  return {
    async of(personId) {
      const known = lists.get(personId);
      if (known === undefined) return askOnce(personId);
      if (deps.now() - known.askedAt > freshMs) void askOnce(personId);
      return known.list;
    },
  };
}
