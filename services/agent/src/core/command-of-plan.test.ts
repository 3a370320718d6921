import { expect, test } from 'vitest';
import type { Operation, RequestBody } from '@atelier/shared/contracts/request';
import { plan } from '@atelier/shared/db/testing/record-fixtures';
import { newTestJob } from '@atelier/shared/db/testing/queue-fixtures';
import { commandOfPlan } from './command-of-plan.ts';

const words: RequestBody = { kind: 'words', text: 'it' };
const source = { requestId: '11111111-1111-4111-8111-111111111111' };

test.each<[string, RequestBody, Operation | undefined, string, string]>([
  ['words that draw', words, undefined, 'sdxl', 'imagine'],
  ['words that film', words, 'image-to-video', 'wan', 'animate'],
  ['words that change a picture', words, 'image-edit', 'kontext', 'edit'],
  ['words that enlarge its canvas', words, 'outpaint', 'sdxl', 'edit'],
  [
    'a recipe by its name',
    { kind: 'imagine', options: { prompt: 'x', recipe: 'wan' } },
    'text-to-video',
    'wan',
    'animate',
  ],
  ['a saved workflow by its name', words, undefined, 'wf:mine', 'workflow'],
  ['a remix of a film', { kind: 'derive', action: 'remix', source }, 'image-to-video', 'wan', 'animate'],
  ['a button that varies a part', { kind: 'derive', action: 'vary_region', source }, 'inpaint', 'sdxl', 'imagine'],
  ['a storyboard of films', { kind: 'shots', shots: [] }, 'text-to-video', 'wan', 'storyboard'],
])('%s', (_name, asked, operation, recipe, command) => {
  const jobs = [newTestJob(source.requestId, 0, { recipe })];
  expect(commandOfPlan(asked, { plan: { ...plan, ...(operation === undefined ? {} : { operation }) }, jobs })).toBe(
    command,
  );
});
