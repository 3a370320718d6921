import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createInboxHandler } from './inbox-handler.ts';
import type { TelegramUpdate } from './telegram-update.ts';

function message(id: number, chatId: number): { key: string; payload: unknown } {
  return {
    key: String(id),
    payload: { update_id: id, message: { message_id: id, chat: { id: chatId, type: 'private' } } },
  };
}

/** A handler over an inbox in memory. */
function worldOf(
  items: { key: string; payload: unknown }[],
  perform: (update: TelegramUpdate, album: readonly TelegramUpdate[]) => Promise<void>,
) {
  const stopping = new AbortController();
  const handled: string[] = [];
  const inbox = [...items];
  const handler = createInboxHandler({
    readUnhandled: (limit) => Promise.resolve(inbox.filter(({ key }) => !handled.includes(key)).slice(0, limit)),
    markHandled: (key) => {
      handled.push(key);
      return Promise.resolve();
    },
    perform,
    // As long as it takes to read what came meanwhile.
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    signal: stopping.signal,
    log: pino({ level: 'silent' }),
  });
  return { handler, handled, inbox, stop: () => stopping.abort() };
}

describe('createInboxHandler', () => {
  it('keeps a chat in order and does not let it hold up another', async () => {
    const gate = Promise.withResolvers<void>();
    const done: number[] = [];
    const world = worldOf([message(1, 10), message(2, 10), message(3, 20)], async (update) => {
      if (update.update_id === 1) await gate.promise;
      done.push(update.update_id);
    });
    world.handler.ring();
    await vi.waitFor(() => expect(done).toEqual([3]));
    gate.resolve();
    await vi.waitFor(() => expect(world.handled).toEqual(['3', '1', '2']));
    expect(done).toEqual([3, 1, 2]);
  });

  it('tries again what could not be done, before what comes after it', async () => {
    const tries: number[] = [];
    const world = worldOf([message(1, 10), message(2, 10)], async ({ update_id: id }) => {
      tries.push(id);
      if (tries.length < 3) throw new Error('away');
    });
    world.handler.ring();
    await vi.waitFor(() => expect(world.handled).toEqual(['1', '2']));
    expect(tries).toEqual([1, 1, 1, 2]);
  });

  it('does nothing twice, however often it is rung for', async () => {
    const done: number[] = [];
    const world = worldOf([message(1, 10)], async ({ update_id: id }) => {
      done.push(id);
    });
    world.handler.ring();
    world.handler.ring();
    await vi.waitFor(() => expect(world.handled).toEqual(['1']));
    world.inbox.push(message(2, 10));
    world.handler.ring();
    await vi.waitFor(() => expect(world.handled).toEqual(['1', '2']));
    expect(done).toEqual([1, 2]);
  });

  it('passes over what it cannot read', async () => {
    const world = worldOf([{ key: '1', payload: null }, message(2, 10)], async () => undefined);
    world.handler.ring();
    await vi.waitFor(() => expect(world.handled).toEqual(['1', '2']));
  });

  it('begins nothing more once it is stopped', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: number[] = [];
    const world = worldOf([message(1, 10), message(2, 10)], async ({ update_id: id }) => {
      begun.push(id);
      await gate.promise;
    });
    world.handler.ring();
    await vi.waitFor(() => expect(begun).toEqual([1]));
    world.stop();
    gate.resolve();
    await world.handler.stop();
    expect(begun).toEqual([1]);
    expect(world.handled).toEqual(['1']);
  });

  it('hands over an album at once, also where its pictures come apart', async () => {
    const picture = (id: number) => {
      const { key, payload } = message(id, 10);
      const { message: own } = payload as { message: object };
      return { key, payload: { update_id: id, message: { ...own, media_group_id: 'a' } } };
    };
    const done: number[][] = [];
    const world = worldOf([picture(1)], async (update, album) => {
      done.push([update, ...album].map(({ update_id: id }) => id));
    });
    world.inbox.push(picture(2), message(3, 10), picture(4));
    world.handler.ring();
    await vi.waitFor(() => expect(world.handled).toEqual(['1', '2', '4', '3']));
    expect(done).toEqual([[1, 2, 4], [3]]);
  });
});
