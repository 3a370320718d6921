import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { Catalog } from './catalog.ts';
import { planRequest } from './plan-request.ts';
import { createOfflineWordsPlanner } from './read-words-offline.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

const sample: RequestRecord = {
  id: nobody,
  door: 'web',
  eventId: nobody,
  personId: nobody,
  personName: 'nobody',
  place: { door: 'web', id: nobody },
  language: 'en',
  body: { kind: 'words', text: 'a red fox in snow, portrait, 2 images, no text' },
  state: 'planning',
  version: 1,
  plan: null,
  reply: null,
  error: null,
  cancelRequestedAt: null,
  agentEpoch: 1,
  jobsTotal: 0,
  jobsOpen: 0,
  jobsSucceeded: 0,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  finishedAt: null,
  question: null,
  isPrivate: false,
  parentRequestId: null,
  parentPicture: null,
  cost: null,
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
