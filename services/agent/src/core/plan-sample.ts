import type { Catalog } from './catalog.ts';
import { planRequest } from './plan-request.ts';
import type { AskedRequest } from './planning-parts.ts';
import { createOfflineWordsPlanner } from './read-words-offline.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

const sample: AskedRequest = {
  id: nobody,
  personId: nobody,
  language: 'en',
  body: { kind: 'words', text: 'a red fox in snow, portrait, 2 images, no text' },
};

/** Plans a request of nobody and forgets the plan, so that the code of a plan is compiled. */
export async function planSample(catalog: Catalog): Promise<void> {
  await planRequest(
    sample,
    {
      catalog,
      words: createOfflineWordsPlanner(),
      desk: {
        read: () => Promise.resolve(undefined),
        readJobs: () => Promise.resolve([]),
        findWorkflow: () => Promise.resolve(undefined),
      },
      random: () => 0,
    },
    new AbortController().signal,
  );
}
