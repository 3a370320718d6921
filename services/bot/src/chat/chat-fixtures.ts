import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { askQuestion } from '@atelier/shared/db/requests/ask-question';
import { AppError } from '@atelier/shared/errors/app-error';
import { useTestDatabase, useTestNats } from '@atelier/tests/support/servers';
import {
  type Backstage,
  makeFolder,
  openBackstage,
  startTestBot,
  type TestBot,
  type TestBotOptions,
} from '../app-fixtures.ts';
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

/** What somebody is told who is refused; `accepted` for who is not. */
export const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof AppError ? error.publicMessage.en : String(error)),
  );

/** A Discord that takes everything and shows nothing. */
const silentAdapter: ChatAdapter = {
  name: 'discord',
  doors: ['discord'],
  send: async () => ({ outcome: 'sent', messageRef: { id: 'm' } }),
  start: async () => undefined,
  stop: async () => undefined,
};

/** The chat core of a running bot, as a test file uses it. */
export interface TestChat {
  chat(): ChatCore;
  bot(): TestBot;
  backstage(): Backstage;
  /** Says a line, each time as something new. */
  run(text: string, by: Asker): Promise<ChatOutcome>;
  /** Presses a button, each time as something new. */
  press(button: PressedButton, by: Asker): Promise<ChatOutcome>;
  /** The request that was made; throws where none was. */
  accepted(outcome: Promise<ChatOutcome>): Promise<string>;
  /** A request with its picture. */
  drawn(by: Asker, text?: string): Promise<string>;
  /** Gives an accepted request its picture. */
  finished(requestId: string): Promise<string>;
  /** A request that asks its author something. @returns the question's id. */
  asking(by: Asker): Promise<string>;
  /** The agent of an accepted request asks something. @returns the question's id. */
  ask(requestId: string): Promise<string>;
  bodyOf(requestId: string): Promise<unknown>;
}

/** Gives a test file a bot with one silent chat, from its first test to its last. */
export function useTestChat(
  options: Partial<Omit<TestBotOptions, 'databaseUrl' | 'nats' | 'folder' | 'createAdapters'>>,
  adapter: Partial<ChatAdapter> = {},
): TestChat {
  const database = useTestDatabase();
  const nats = useTestNats();
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let bot: TestBot;
  let backstage: Backstage;
  let chat: ChatCore;

  beforeAll(async () => {
    folder = await makeFolder();
    backstage = await openBackstage(database().url, nats());
    bot = await startTestBot({
      databaseUrl: database().url,
      nats: nats(),
      folder: folder.path,
      publicUrl: 'https://atelier.example.org',
      ...options,
      createAdapters(core) {
        chat = core;
        return [{ ...silentAdapter, ...adapter }];
      },
    });
  });
  afterAll(async () => {
    await bot?.app.stop();
    await backstage?.close();
    await folder?.remove();
  });

  const run: TestChat['run'] = (text, by) => chat.submit({ ...by, eventId: randomUUID(), text });

  async function accepted(outcome: Promise<ChatOutcome>): Promise<string> {
    const found = await outcome;
    if (found.outcome !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(found)}`);
    return found.requestId;
  }

  async function finished(requestId: string): Promise<string> {
    await backstage.plan(requestId);
    const lease = await backstage.run();
    const bytes = Buffer.from(randomUUID());
    const stored = await bot.files.put(bytes, { mediaType: 'image/png', maxBytes: 1_000 });
    const picture = { index: 0, mediaType: 'image/png', width: 8, height: 8, nodeId: '9', filename: 'fox.png' };
    await backstage.finish(lease, [{ ...stored, ...picture }]);
    await expect
      .poll(async () => (await chat.readFacts([requestId]))[0]?.request.state, { timeout: 10_000 })
      .toBe('succeeded');
    return requestId;
  }

  async function ask(requestId: string): Promise<string> {
    const holder = randomUUID();
    const [claimed] = await claimRequests(backstage.db, { holder, leaseMs: 30_000, limit: 1, requestId });
    const question: PendingQuestion = {
      id: randomUUID(),
      kind: 'plan',
      text: { en: 'Run?', zh: '运行？' },
      choices: ['run', 'change', 'cancel'].map((id) => ({ id, label: { en: id, zh: id } })),
      allowText: true,
    };
    await askQuestion(backstage.db, { requestId, holder, epoch: claimed?.agentEpoch ?? 0 }, question, 60_000);
    return question.id;
  }

  return {
    chat: () => chat,
    bot: () => bot,
    backstage: () => backstage,
    run,
    press: (button, by) => chat.press(button, { ...by, eventId: randomUUID() }),
    accepted,
    finished,
    drawn: async (by, text = '/imagine a red fox') => finished(await accepted(run(text, by))),
    asking: async (by) => ask(await accepted(run('a fox, but which?', by))),
    ask,
    bodyOf: async (requestId) => (await chat.readFacts([requestId]))[0]?.request.body,
  };
}
