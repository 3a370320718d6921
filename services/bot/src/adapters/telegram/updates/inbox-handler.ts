import type { Logger } from 'pino';
import type { InboxItem } from '@atelier/shared/db/inbox';
import { chatOf, telegramUpdateSchema, type TelegramUpdate } from './telegram-update.ts';

export interface InboxHandlerOptions {
  readUnhandled: (limit: number) => Promise<InboxItem[]>;
  markHandled: (key: string) => Promise<void>;
  /**
   * Does what an update asks, with the other messages of its album; may be called again for the same one after a crash.
   * Throws where it is to be tried again.
   */
  perform: (update: TelegramUpdate, album: readonly TelegramUpdate[]) => Promise<void>;
  /** Waits, unless it is stopped. */
  pause: (ms: number) => Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** How long the pictures of an album may lie apart. */
  albumMs?: number;
}

export interface InboxHandler {
  /** Something may wait in the inbox. */
  ring(): void;
  /** Takes nothing more and waits for what is being done. */
  stop(): Promise<void>;
}

const readAtOnce = 500;
const maxKnown = 20_000;
const longestPauseMs = 15_000;
const defaultAlbumMs = 500;

/** Works off the inbox: several chats at a time, one chat's updates in the order in which they came. */
export function createInboxHandler(options: InboxHandlerOptions): InboxHandler {
  const { signal, log } = options;
  /** Updates of each chat that has some, oldest first. */
  const chats = new Map<string, TelegramUpdate[]>();
  /** Read lately: a reading that began before an update was marked must not do it again. */
  const known = new Set<string>();
  const underway = new Set<Promise<void>>();
  let reading = false;
  let again = false;

  function ring(): void {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    track(
      read().finally(() => {
        reading = false;
      }),
    );
  }

  async function read(): Promise<void> {
    do {
      again = false;
      if (signal.aborted) return;
      try {
        const items = await options.readUnhandled(readAtOnce);
        for (const item of items) await queue(item);
      } catch (error) {
        log.debug({ err: error }, 'the inbox could not be read; again soon');
        again = true;
        await options.pause(1_000);
      }
    } while (again);
  }

  async function queue(item: InboxItem): Promise<void> {
    if (known.has(item.key)) return;
    const update = telegramUpdateSchema.safeParse(item.payload);
    if (!update.success) {
      log.warn({ update: item.key, issues: update.error.issues }, 'an update has an unknown form and was passed over');
      await options.markHandled(item.key);
      return;
    }
    known.add(item.key);
    const [oldest] = known;
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
    const chat = chatOf(update.data);
    const list = chats.get(chat);
    if (list === undefined) {
      chats.set(chat, [update.data]);
      track(workOff(chat));
    } else list.push(update.data);
  }

  async function workOff(chat: string): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      const [update] = chats.get(chat) ?? [];
      if (update === undefined) break;
      try {
        const album = await siblingsOf(update, chat);
        await options.perform(update, album);
        for (const done of [update, ...album]) await options.markHandled(String(done.update_id));
        chats.set(chat, chats.get(chat)?.filter((other) => other !== update && !album.includes(other)) ?? []);
        failures = 0;
      } catch (error) {
        failures += 1;
        log.info({ err: error, update: update.update_id }, 'an update could not be handled yet; trying again');
        await options.pause(Math.min(500 * 2 ** Math.min(failures, 10), longestPauseMs));
      }
    }
    chats.delete(chat);
    // What did not fit into one reading.
    if (!signal.aborted && chats.size === 0) ring();
  }

  /** The pictures of an album come as messages of their own, one after the other: waits until no more come. */
  async function siblingsOf(update: TelegramUpdate, chat: string): Promise<TelegramUpdate[]> {
    const albumId = update.message?.media_group_id;
    if (albumId === undefined) return [];
    const found = (): TelegramUpdate[] =>
      (chats.get(chat) ?? []).filter((other) => other !== update && other.message?.media_group_id === albumId);
    for (let count = -1; count !== found().length;) {
      count = found().length;
      await options.pause(options.albumMs ?? defaultAlbumMs);
    }
    return found();
  }

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'the inbox is no longer worked off; a restart goes on with it');
      })
      .finally(() => underway.delete(tracked));
    underway.add(tracked);
  }

  return {
    ring,
    async stop() {
      while (underway.size > 0) await Promise.allSettled(underway);
    },
  };
}
