import { createHash, timingSafeEqual } from 'node:crypto';
import { fastify } from 'fastify';
import type { Logger } from 'pino';
import type { InboxItem } from '@atelier/shared/db/inbox';
import { listenAt } from '@atelier/shared/net/listen-at';
import { numberedUpdateSchema, toInboxItem } from './storable-update.ts';

export interface UpdateReceiverOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Telegram sends it with every update: 1 to 256 of A-Z, a-z, 0-9, `_` and `-`. */
  secret: string;
  /** Commits an update; one that was committed before is not committed again. */
  takeIn: (items: InboxItem[]) => Promise<void>;
  /** After each commit. */
  onTaken: (updates: readonly unknown[]) => void;
  log: Logger;
}

export interface UpdateReceiver {
  /** @returns the address. @throws AppError `config` where it cannot listen. */
  start(): Promise<string>;
  stop(): Promise<void>;
}

const maxBytes = 1_000_000;
/** Where Telegram posts to, behind the address that it was given. */
export const webhookPath = '/telegram';

/**
 * Takes updates that Telegram posts. 200 is said after the commit and never before: to anything else Telegram answers by
 * posting the update again. https://core.telegram.org/bots/api#setwebhook
 */
export function createUpdateReceiver(options: UpdateReceiverOptions): UpdateReceiver {
  const { log } = options;
  const expected = digest(options.secret);
  const server = fastify({ bodyLimit: maxBytes, requestTimeout: 30_000, connectionTimeout: 60_000 });

  server.post(webhookPath, async (request, reply) => {
    const given = request.headers['x-telegram-bot-api-secret-token'];
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) {
      log.warn('a forged update was refused');
      return reply.code(401).send();
    }
    const update = numberedUpdateSchema.safeParse(request.body);
    if (!update.success) return reply.code(400).send();
    try {
      await options.takeIn([toInboxItem(update.data)]);
    } catch (error) {
      log.info({ err: error }, 'an update could not be committed; Telegram gives it again');
      return reply.code(503).send();
    }
    options.onTaken([update.data]);
    return reply.code(200).send();
  });

  return {
    start: () => listenAt(server, options, 'TELEGRAM_WEBHOOK'),
    stop: () => server.close(),
  };
}

/** Of equal length whatever was given, so that the comparison takes as long. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
