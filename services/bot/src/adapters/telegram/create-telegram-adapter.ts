import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { doorSchema } from '@atelier/shared/contracts/identity';
import type { Database } from '@atelier/shared/db/connect-database';
import { readShareRefs } from '@atelier/shared/db/chat/read-share-refs';
import { readChatPace, recordSilence } from '@atelier/shared/db/deliveries/chat-pace';
import { readDeliveryParts, recordDeliveryParts } from '@atelier/shared/db/deliveries/delivery-parts';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { markHandled, readUnhandled, takeIn, type InboxItem } from '@atelier/shared/db/inbox';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatAdapter, ChatCore } from '../../ports.ts';
import { createTelegramCalls, type BotAccount } from './api/telegram-calls.ts';
import { isFailure } from './api/telegram-failure.ts';
import { uploadLimits } from './api/upload-limits.ts';
import { commandMenus } from './command-menu.ts';
import { createChatPacer } from './deliveries/chat-pacer.ts';
import { parseMessageRef } from './deliveries/message-ref.ts';
import { createProgressEdits } from './deliveries/progress-edits.ts';
import { createQueueBoards } from './deliveries/queue-boards.ts';
import { createResultRemover } from './deliveries/remove-results.ts';
import { createDeliverySender } from './deliveries/send-delivery.ts';
import { createPostSender } from './deliveries/send-post.ts';
import { createSpeaker } from './deliveries/speak.ts';
import { createAdminMemory } from './updates/admin-memory.ts';
import { createButtonAnswers } from './updates/button-answers.ts';
import { createInboxHandler } from './updates/inbox-handler.ts';
import { createUpdatePerformer } from './updates/perform-update.ts';
import { pollUpdates } from './updates/poll-updates.ts';
import { createUpdateReceiver, webhookPath } from './updates/receive-updates.ts';
import { telegramUpdateSchema } from './updates/telegram-update.ts';
import { createOutcomeTeller } from './updates/tell-outcome.ts';

export interface TelegramWebhook {
  /** As Telegram reaches it, over https, without a path. */
  publicUrl: string;
  host: string;
  port: number;
}

export interface TelegramAdapterDeps {
  token: string;
  /** Of the Bot API server; Telegram's own unless given. */
  apiRoot: string | undefined;
  /** Where Telegram posts updates to, and where they arrive here; without it updates are asked for. */
  webhook: TelegramWebhook | undefined;
  /** The Bot API server is one's own, in local mode, on this machine. */
  isLocalApi: boolean;
  chat: ChatCore;
  db: Database;
  /** Where a request's messages stand, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  log: Logger;
  now: () => number;
  /** Spacing of messages is divided by it. */
  timeScale: number;
  /** Telegram asked for a wait, in ms. */
  onStall?: (waitMs: number) => void;
}

/** Its rows in the inbox, by update id. */
const inboxConsumer = 'telegram';
const longestStartPauseMs = 30_000;
/** Least time between two edits of a message that show progress. */
const progressEveryMs = 3_000;

/**
 * Telegram by long polling: private chats, groups and topics. Updates are committed before Telegram forgets them and
 * handled from there; messages go out as deliveries, progress as merged edits.
 */
export function createTelegramAdapter(deps: TelegramAdapterDeps): ChatAdapter {
  const { chat, db, log } = deps;
  const apiRoot = (deps.apiRoot ?? 'https://api.telegram.org').replace(/\/+$/, '');
  const isLocal = deps.isLocalApi;
  const limits = uploadLimits(isLocal);
  const calls = createTelegramCalls({ token: deps.token, apiRoot, isLocal, onStall: deps.onStall });
  const stopping = new AbortController();
  const { signal } = stopping;
  // A new one at each start: what was sent with the last one is given again.
  const webhookSecret = randomBytes(32).toString('base64url');
  const receiver =
    deps.webhook === undefined
      ? undefined
      : createUpdateReceiver({ ...deps.webhook, secret: webhookSecret, takeIn: keep, onTaken, log });
  const pacer = createChatPacer(deps.now, {
    timeScale: deps.timeScale,
    onSilence(chatId, ms) {
      recordSilence(db, 'telegram', chatId, ms).catch((error: unknown) =>
        log.debug({ err: error }, 'a silence is known to this process alone'),
      );
    },
  });
  const answers = createButtonAnswers(calls, log);
  const speaker = createSpeaker({ calls, pacer, pause, log });
  const progress = createProgressEdits({
    calls,
    pacer,
    languageFor: (facts) => chat.languageFor(facts),
    everyMs: progressEveryMs / deps.timeScale,
    findCard: async (requestId) => parseMessageRef((await deps.readMessageRefs(requestId)).card),
    log,
    now: deps.now,
  });
  const boards = createQueueBoards({
    calls,
    pacer,
    keepBoard: (place, ref) => chat.keepBoard(place, ref),
    log,
    now: deps.now,
  });
  const removals = createResultRemover({
    calls,
    pacer,
    languageFor: (facts) => chat.languageFor(facts),
    async findMessages(requestId) {
      const { result } = await deps.readMessageRefs(requestId);
      const shares = await readShareRefs(db, { door: 'telegram', requestIds: [requestId] });
      return { result: parseMessageRef(result), shares: shares.flatMap((ref) => parseMessageRef(ref) ?? []) };
    },
    pause,
    log,
  });
  const send = createDeliverySender({
    calls,
    pacer,
    progress,
    chat,
    limits,
    bot: () => account,
    readParts: (delivery) => readDeliveryParts(db, delivery.id),
    recordParts: (delivery, parts) => recordDeliveryParts(db, delivery, parts),
    pause,
  });
  const sendPost = createPostSender({ calls, pacer, chat, limits, pause });
  let recalled: Promise<void> | undefined;
  let account: BotAccount | undefined;
  const perform = createUpdatePerformer({
    chat,
    calls,
    speaker,
    tell: createOutcomeTeller({ chat, speaker, limits, bot: knownAccount }),
    answers,
    limits,
    bot: knownAccount,
    isChatAdmin: createAdminMemory(calls, { now: deps.now, log }),
    log,
    now: deps.now,
  });
  const inbox = createInboxHandler({
    readUnhandled: (limit) => readUnhandled(db, inboxConsumer, limit),
    markHandled: (key) => markHandled(db, inboxConsumer, key),
    perform,
    pause,
    signal,
    log,
  });
  const unwatch: (() => void)[] = [];
  let listening: Promise<void> | undefined;

  function knownAccount(): BotAccount {
    if (account === undefined) throw new AppError('unavailable', 'Telegram was not reached yet');
    return account;
  }

  /** Before the first message of this process, whatever sends it. */
  function recallOnce(): Promise<void> {
    return (recalled ??= recallPace());
  }

  async function recallPace(): Promise<void> {
    try {
      pacer.remember(await readChatPace(db, 'telegram'));
    } catch (error) {
      recalled = undefined;
      log.info({ err: error }, 'what was sent in the last minute is not known; Telegram says when it is too much');
    }
  }

  /** @throws AppError `config` where Telegram refuses the token. */
  async function connect(): Promise<void> {
    try {
      const me = await calls.getMe();
      if (deps.webhook === undefined) await calls.deleteWebhook();
      else await calls.setWebhook(`${deps.webhook.publicUrl.replace(/\/+$/, '')}${webhookPath}`, webhookSecret);
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
    await recallOnce();
    if (signal.aborted) return;
    unwatch.push(
      chat.watch('telegram', (facts, live, cause) => {
        // Pictures in progress would cost an upload each, and a group's 20 messages a minute are for results.
        if (cause !== 'preview') progress.show(facts, live);
      }),
      // What was asked elsewhere may have been shared here.
      ...doorSchema.options.map((door) =>
        chat.watch(door, (facts, _live, cause) => {
          if (cause === 'change') removals.show(facts);
        }),
      ),
      chat.watchBoards('telegram', (all, queue) => boards.show(all, queue)),
    );
    inbox.ring();
    await Promise.all([deployMenus(), deps.webhook === undefined ? poll() : undefined]);
  }

  function onTaken(updates: readonly unknown[]): void {
    for (const update of updates) {
      const queryId = telegramUpdateSchema.safeParse(update).data?.callback_query?.id;
      if (queryId !== undefined) answers.expect(queryId);
    }
    inbox.ring();
  }

  function keep(items: InboxItem[]): Promise<void> {
    return takeIn(db, inboxConsumer, items);
  }

  function poll(): Promise<void> {
    return pollUpdates({ calls, takeIn: keep, onTaken, pause, signal, log });
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
    sendsInOrder: true,
    async send(delivery, readFacts) {
      await recallOnce();
      return send(delivery, readFacts);
    },
    async post(post, readFacts) {
      await recallOnce();
      return sendPost(post, readFacts);
    },
    takeBack: (facts) => removals.again(facts),
    async start() {
      await receiver?.start();
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
      for (const end of unwatch) end();
      await receiver?.stop();
      await listening;
      await inbox.stop();
      await Promise.all([progress.stop(), boards.stop(), answers.stop(), removals.stop()]);
    },
  };
}
