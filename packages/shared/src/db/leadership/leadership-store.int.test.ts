import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { claimLeadership, releaseLeadership } from './leadership-store.ts';

const db = useMigratedDatabase({ poolSize: 4 });

it('has one holder a name, whoever claims at the same time', async () => {
  const name = randomUUID();
  const claims = Array.from({ length: 8 }, () => claimLeadership(db, { name, holder: randomUUID(), leaseMs: 60_000 }));
  expect((await Promise.all(claims)).filter((leads) => leads)).toHaveLength(1);
});

it('stays with its holder while that claims again, and passes on when it lapses or is given back', async () => {
  const name = randomUUID();
  const [first, second] = [randomUUID(), randomUUID()];
  const claim = (holder: string, leaseMs = 60_000) => claimLeadership(db, { name, holder, leaseMs });
  expect(await claim(first)).toBe(true);
  expect(await claim(first, -1)).toBe(true);
  expect(await claim(second)).toBe(true);
  expect(await claim(first)).toBe(false);
  await releaseLeadership(db, { name, holder: first });
  expect(await claim(first)).toBe(false);
  await releaseLeadership(db, { name, holder: second });
  expect(await claim(first)).toBe(true);
});
