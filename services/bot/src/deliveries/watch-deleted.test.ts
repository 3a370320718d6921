import { pino } from 'pino';
import { expect, it } from 'vitest';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { watchDeleted } from './watch-deleted.ts';

it('sees to a deleted result once, and once more for each message that was sent meanwhile', async () => {
  const removed: string[] = [];
  const remover = watchDeleted(async ({ request }) => void removed.push(request.id), pino({ level: 'silent' }));
  const facts = (isDeleted: boolean): CardFacts => ({
    request: requestRecord({ state: 'succeeded', finishedAt: new Date() }),
    jobs: [],
    delivered: true,
    marks: { isDeleted, isShared: true, isCovered: false },
  });
  remover.show(facts(false));
  expect(removed).toHaveLength(0);
  for (let drawn = 0; drawn < 3; drawn += 1) remover.show(facts(true));
  expect(removed).toHaveLength(1);
  remover.again(facts(true));
  await remover.stop();
  expect(removed).toHaveLength(2);
});
