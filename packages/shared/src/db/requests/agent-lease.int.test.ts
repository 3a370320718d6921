import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { findUnplannedDoorPrompt, keepDoorPrompt } from '../gateway/door-prompts.ts';
import { acceptRequest, firstPersonIdOf } from './accept-request.ts';
import { claimRequests, type ClaimedRecord } from './agent-lease.ts';
import { answerRequest } from './answer-request.ts';

const db = useMigratedDatabase();
const holder = randomUUID();

async function ask(person: string): Promise<string> {
  const user = { door: 'api', id: person, displayName: person, language: 'en' } as const;
  const place = { door: 'api', id: person } as const;
  const body = { kind: 'workflow', workflowText: '{}' } as const;
  return (await acceptRequest(db, { eventId: randomUUID(), user, place, body })).requestId;
}

/** As a client of the ComfyUI door posts it. */
async function prompt(person: string): Promise<string> {
  const requestId = await ask(person);
  const personId = firstPersonIdOf('api', person);
  const rest = { promptId: randomUUID(), clientId: null, extraDataText: '{}', outputs: [] };
  await keepDoorPrompt(db, { requestId, personId, ...rest });
  return requestId;
}

async function claim(requestId: string): Promise<ClaimedRecord | undefined> {
  const [claimed] = await claimRequests(db, { holder, leaseMs: 60_000, limit: 1, requestId });
  return claimed;
}

test('a prompt of the ComfyUI door waits until those that its person posted before are planned', async () => {
  const [first, second, other, words] = [
    await prompt('mei'),
    await prompt('mei'),
    await prompt('bo'),
    await ask('mei'),
  ];
  expect(await claim(second)).toBeUndefined();
  for (const id of [other, words]) expect(await claim(id)).toMatchObject({ id });
  const claimed = await claim(first);
  expect(await claim(second)).toBeUndefined();
  const lease = { requestId: first, holder, epoch: claimed?.agentEpoch ?? 0 };
  await answerRequest(db, lease, { state: 'replied', reply: 'done' });
  const mei = firstPersonIdOf('api', 'mei');
  expect(await findUnplannedDoorPrompt(db, mei)).toBe(second);
  expect(await claim(second)).toMatchObject({ id: second });
  expect(await findUnplannedDoorPrompt(db, mei)).toBeUndefined();
});
