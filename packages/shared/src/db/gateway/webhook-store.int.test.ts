import { expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { createAccount } from './api-accounts.ts';
import { claimWebhooks, createWebhookEndpoint, oweTestWebhook, recordWebhook } from './webhook-store.ts';

const db = useMigratedDatabase({ poolSize: 8 });

test('a message is not tried again before its time, however many gateways look for work', async () => {
  const { account } = await createAccount(db, { displayName: 'Mei', language: 'en' });
  const target = { account, url: 'https://example.org', secret: 's', events: [], doors: [], description: '' };
  const endpoints = await Promise.all(Array.from({ length: 8 }, () => createWebhookEndpoint(db, target)));
  const messages = endpoints.flatMap(({ id }) => Array.from({ length: 40 }, () => oweTestWebhook(db, id)));
  await Promise.all(messages);

  /** As a gateway whose receivers all fail at once. */
  async function work(): Promise<void> {
    for (;;) {
      const claimed = await claimWebhooks(db, { leaseMs: 60_000, limit: 4, perEndpoint: 4 });
      if (claimed.length === 0) return;
      const failed = { state: 'pending', status: 503, error: 'away', afterMs: 3_600_000 } as const;
      await Promise.all(claimed.map((one) => recordWebhook(db, one, failed)));
    }
  }
  await Promise.all(Array.from({ length: 8 }, work));

  const tries = await db.sql`select attempts, count(*)::int as messages from webhook_deliveries group by attempts`;
  expect([...tries]).toEqual([{ attempts: 1, messages: messages.length }]);
});
