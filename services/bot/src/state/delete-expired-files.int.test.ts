import { pino } from 'pino';
import { expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { registerAsset } from '@atelier/shared/db/asset-register';
import { AppError } from '@atelier/shared/errors/app-error';
import { deleteExpiredFiles } from './delete-expired-files.ts';

const db = useMigratedDatabase({ poolSize: 2 });
const log = pino({ level: 'silent' });

it('tries again where the store was away, and forgets no file that still lies there', async () => {
  const hashes = ['a', 'b'].map((digit) => digit.repeat(64));
  for (const hash of hashes) await registerAsset(db, { hash, mediaType: 'image/png', bytes: 1, keepMs: -1_000 });
  await registerAsset(db, { hash: 'c'.repeat(64), mediaType: 'image/png', bytes: 1, keepMs: 60_000 });
  const asked: string[][] = [];
  const files = {
    deleteUnreferenced(wanted: Iterable<string>) {
      asked.push([...wanted].toSorted());
      return asked.length === 1 ? Promise.reject(new AppError('unavailable', 'the store is away')) : Promise.resolve(2);
    },
    sweepTemporary: () => Promise.resolve(0),
  };
  await expect(deleteExpiredFiles(db, files, log)).rejects.toMatchObject({ code: 'unavailable' });
  await deleteExpiredFiles(db, files, log);
  await deleteExpiredFiles(db, files, log);
  expect(asked).toEqual([hashes, hashes, []]);
});
