import { randomUUID } from 'node:crypto';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker, Standing } from '../core/access/asker.ts';
import type { PressedButton } from '../core/cards/card-buttons.ts';
import type { ChatAdapter, ChatCore, ChatOutcome } from '../ports.ts';

/** Somebody in a channel of a Discord server, or in a Telegram group. */
export function person(
  id: string,
  rest: { channel?: string; guild?: string; standing?: Standing; door?: 'discord' | 'telegram' } = {},
): Asker {
  const { channel = 'lobby', guild = 'guild', standing, door = 'discord' } = rest;
  return {
    eventId: randomUUID(),
    user: { door, id, displayName: id, language: 'en' },
    place: door === 'discord' ? { door, id: channel, guildId: guild, userId: id } : { door, id: `-${channel}` },
    ...(standing === undefined ? {} : { standing }),
  };
}

/** A Discord that takes everything and shows nothing. */
export const silentAdapter: ChatAdapter = {
  name: 'discord',
  doors: ['discord'],
  send: async () => ({ outcome: 'sent', messageRef: { id: 'm' } }),
  start: async () => undefined,
  stop: async () => undefined,
};

/** Says lines and presses buttons, each time as something new. */
export function createSpeaker(chat: () => ChatCore) {
  return {
    run: (text: string, by: Asker): Promise<ChatOutcome> => chat().submit({ ...by, eventId: randomUUID(), text }),
    press: (button: PressedButton, by: Asker): Promise<ChatOutcome> =>
      chat().press(button, { ...by, eventId: randomUUID() }),
  };
}

/** What somebody is told who is refused; `accepted` for who is not. */
export const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof AppError ? error.publicMessage.en : String(error)),
  );
