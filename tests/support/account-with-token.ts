import type { Database } from '@atelier/shared/db/connect-database';
import { createAccount, type ApiAccount } from '@atelier/shared/db/gateway/api-accounts';
import { createApiToken, usualScopes } from '@atelier/shared/db/gateway/api-tokens';

/** Somebody who may use the gateway and its door by their token. */
export type AccountWithToken = ApiAccount & { secret: string };

export async function createAccountWithToken(db: Database, displayName = 'Mei'): Promise<AccountWithToken> {
  const person = await createAccount(db, { displayName, language: 'en' });
  const { secret } = await createApiToken(db, { account: person.account, name: 'test', scopes: usualScopes });
  return { ...person, secret };
}
