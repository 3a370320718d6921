import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from './json-file.ts';

const schema = z.object({ postgresPassword: z.string().min(16) });
export type Secrets = z.infer<typeof schema>;

/** The passwords of this home, made at the first start. */
export async function readOrCreateSecrets(secretsFile: string): Promise<Secrets> {
  const known = await readJsonFile(secretsFile, schema);
  if (known !== undefined) return known;
  const made = { postgresPassword: randomBytes(24).toString('base64url') };
  await writeJsonFile(secretsFile, made);
  return made;
}
