import type { Logger } from 'pino';
import type { RecipeList } from '@atelier/shared/contracts/control';

const empty: RecipeList = { recipes: [], models: [] };

/** What the connected ComfyUI can make, in memory: completion has no time to ask. */
export interface Catalogue {
  readonly current: RecipeList;
  /** Asks again; what was known stays where nobody answers. */
  refresh(): Promise<void>;
}

export function createCatalogue(deps: { ask: () => Promise<RecipeList>; log: Logger }): Catalogue {
  let current = empty;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    try {
      current = await deps.ask();
    } catch (error) {
      deps.log.debug({ err: error }, 'the recipes could not be asked for; again soon');
    }
  }

  return {
    get current() {
      return current;
    },
    refresh() {
      asking ??= ask().finally(() => (asking = undefined));
      return asking;
    },
  };
}
