import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '@atelier/shared/db/connect-database';
import { readDeliveryParts, recordDeliveryParts } from '@atelier/shared/db/deliveries/delivery-parts';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { markHandled, readUnhandled, takeIn } from '@atelier/shared/db/inbox';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatAdapter, ChatCore } from '../../ports.ts';
import { createTelegramCalls, type BotAccount } from './api/telegram-calls.ts';
import { isFailure } from './api/telegram-failure.ts';
import { commandMenus } from './command-menu.ts';
import { createChatPacer } from './deliveries/chat-pacer.ts';
import { parseMessageRef } from './deliveries/message-ref.ts';
import { createProgressEdits } from './deliveries/progress-edits.ts';
import { createDeliverySender } from './deliveries/send-delivery.ts';
import { createButtonAnswers } from './updates/button-answers.ts';
import { createInboxHandler } from './updates/inbox-handler.ts';
import { createUpdatePerformer } from './updates/perform-update.ts';
import { pollUpdates } from './updates/poll-updates.ts';
import { telegramUpdateSchema } from './updates/telegram-update.ts';

export interface TelegramAdapterDeps {
  token: string;
  /** Of the Bot API server; Telegram's own unless given. */
  apiRoot: string | undefined;
  chat: ChatCore;
  db: Database;
  /** Where a request's messages stand, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  log: Logger;
  now: () => number;
}

/** Its rows in the inbox, by update id. */
const inboxConsumer = 'telegram';
const longestStartPauseMs = 30_000;

/**
 * Telegram by long polling: private chats, groups and topics. Updates are committed before Telegram forgets them and
 * handled from there; messages go out as deliveries, progress as merged edits.
 */
export function createTelegramAdapter(deps: TelegramAdapterDeps): ChatAdapter {
  const { chat, db, log } = deps;
  const apiRoot = (deps.apiRoot ?? 'https://api.telegram.org').replace(/\/+$/, '');
  const calls = createTelegramCalls({ token: deps.token, apiRoot });
  const stopping = new AbortController();
  const { signal } = stopping;
  const pacer = createChatPacer(deps.now);
  const answers = createButtonAnswers(calls, log);
  const progress = createProgressEdits({
    calls,
    pacer,
    findCard: async (requestId) => parseMessageRef((await deps.readMessageRefs(requestId)).card),
    log,
    now: deps.now,
  });
  const send = createDeliverySender({
    calls,
    pacer,
    progress,
    files: chat.files,
    live: () => chat.live(),
    readParts: (delivery) => readDeliveryParts(db, delivery.id),
    recordParts: (delivery, parts) => recordDeliveryParts(db, delivery, parts),
    pause,
  });
  let account: BotAccount | undefined;
  const perform = createUpdatePerformer({ chat, calls, pacer, answers, bot: knownAccount, pause, log });
  const inbox = createInboxHandler({
    readUnhandled: (limit) => readUnhandled(db, inboxConsumer, limit),
    markHandled: (key) => markHandled(db, inboxConsumer, key),
    perform,
    pause,
    signal,
    log,
  });
  let unwatch: (() => void) | undefined;
  let listening: Promise<void> | undefined;

  function knownAccount(): BotAccount {
    if (account === undefined) throw new AppError('unavailable', 'Telegram was not reached yet');
    return account;
  }

  /** @throws AppError `config` where Telegram refuses the token. */
  async function connect(): Promise<void> {
    try {
      const me = await calls.getMe();
      await calls.deleteWebhook();
      account = me;
      log.info({ bot: me.username }, 'connected to Telegram');
    } catch (error) {
      if (!isFailure(error, 'unauthorized')) throw error;
      throw new AppError(
        'config',
        'TELEGRAM_TOKEN: Telegram refuses it; take the present one from BotFather (/mybots)',
      );
    }
  }

  async function listen(): Promise<void> {
    for (let failures = 1; account === undefined && !signal.aborted; failures += 1) {
      await pause(Math.min(500 * 2 ** failures, longestStartPauseMs));
      await connect().catch((error: unknown) => log.info({ err: error }, 'Telegram is still away; trying again'));
    }
    if (signal.aborted) return;
    unwatch = chat.watch('telegram', (facts, live) => progress.show(facts, live));
    inbox.ring();
    await Promise.all([
      deployMenus(),
      pollUpdates({
        calls,
        takeIn: (items) => takeIn(db, inboxConsumer, items),
        onTaken(updates) {
          for (const update of updates) {
            const queryId = telegramUpdateSchema.safeParse(update).data?.callback_query?.id;
            if (queryId !== undefined) answers.expect(queryId);
          }
          inbox.ring();
        },
        pause,
        signal,
        log,
      }),
    ]);
  }

  async function deployMenus(): Promise<void> {
    try {
      for (const menu of commandMenus) await calls.setCommands(menu);
    } catch (error) {
      log.warn({ err: error }, 'the command menus could not be set; the commands work without them');
    }
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }

  return {
    name: 'telegram',
    doors: ['telegram'],
    send,
    async start() {
      try {
        await connect();
      } catch (error) {
        if (error instanceof AppError && error.code === 'config') throw error;
        log.warn({ err: error }, 'Telegram could not be reached; trying again');
      }
      listening = listen().catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'Telegram is no longer listened to');
      });
    },
    async stop() {
      stopping.abort(new AppError('unavailable', 'the Telegram adapter stops'));
      unwatch?.();
      await listening;
      await inbox.stop();
      await Promise.all([progress.stop(), answers.stop()]);
    },
  };
}
