import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import type { PlatformUser } from '../../contracts/identity.ts';
import { announceAddress, createSignInLink, forgetOldSignIns, useSignInCode } from '../gateway/sign-in.ts';
import { queueTestJobs } from '../testing/queue-fixtures.ts';
import {
  createLinkCode,
  ensurePerson,
  finishLinks,
  forgetLinkCodes,
  formatLinkCode,
  useLinkCode,
} from './link-codes.ts';

const db = useMigratedDatabase({ poolSize: 4 });

const user = (id: string): PlatformUser => ({ door: 'web', id, displayName: id, language: 'en' });

async function newCode(personId: string, validMs = 60_000): Promise<string> {
  const code = formatLinkCode(Buffer.from(randomUUID()));
  await createLinkCode(db, { code, personId, validMs, signsIn: true });
  return code;
}

async function ownersOf(table: 'jobs' | 'requests', requestId: string): Promise<string[]> {
  const key = table === 'jobs' ? db.sql`request_id` : db.sql`id`;
  const rows = await db.sql`select distinct person_id from ${db.sql(table)} where ${key} = ${requestId}`;
  return rows.map((row) => String(row['personId']));
}

it('makes everything of one person another’s, also what they may sign in with', async () => {
  const [ada, mei] = [await ensurePerson(db, user('ada')), await ensurePerson(db, user('mei'))];
  const { requestId } = await queueTestJobs(db, 3, 'mei');
  await announceAddress(db, 'gateway', 'http://gateway.example.org');
  const link = await createSignInLink(db, mei);
  expect(await useLinkCode(db, { code: await newCode(ada), personId: mei })).toMatchObject({ outcome: 'linked' });
  expect([await ownersOf('requests', requestId), await ownersOf('jobs', requestId)]).toEqual([[ada], [ada]]);
  expect(await ensurePerson(db, user('mei'))).toBe(ada);
  const session = await useSignInCode(db, link?.url.split('#')[1] ?? '', undefined);
  expect(session?.account.personId).toBe(ada);
});

it('finishes what was left halfway', async () => {
  const [ben, zoe] = [await ensurePerson(db, user('ben')), await ensurePerson(db, user('zoe'))];
  await useLinkCode(db, { code: await newCode(ben), personId: zoe });
  // As it would be, had the process died before the move.
  await db.sql`update identities set person_id = ${zoe} where platform_id = 'zoe'`;
  const { requestId } = await queueTestJobs(db, 2, 'zoe');
  expect(await ownersOf('jobs', requestId)).toEqual([zoe]);
  await finishLinks(db);
  expect([await ownersOf('requests', requestId), await ownersOf('jobs', requestId)]).toEqual([[ben], [ben]]);
});

it('forgets codes a day after they ended, used or not, and no sooner', async () => {
  const eve = await ensurePerson(db, user('eve'));
  const hours = (count: number): number => count * 3_600_000;
  await useLinkCode(db, { code: await newCode(eve), personId: eve });
  await db.sql`update link_codes set expires_at = now() - interval '2 days' where used_at is not null`;
  for (const validMs of [hours(-25), hours(-23)]) await newCode(eve, validMs);
  const valid = await newCode(eve);
  await forgetLinkCodes(db);
  const left = await db.sql`select used_at, expires_at > now() as is_valid from link_codes order by expires_at`;
  expect(left).toMatchObject([
    { usedAt: null, isValid: false },
    { usedAt: null, isValid: true },
  ]);
  expect(await useLinkCode(db, { code: valid, personId: eve })).toMatchObject({ outcome: 'same' });

  await db.sql`update sign_in_codes set expires_at = now() - interval '2 days'`;
  await forgetOldSignIns(db);
  expect(await db.sql`select 1 from sign_in_codes`).toHaveLength(0);
});
