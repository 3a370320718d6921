import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';
import { createChatVisitor } from '../support/telegram/chat-visitor.ts';
import { untilSeen } from '../support/until-seen.ts';
import type { ChatMessage, Person } from '../support/telegram/telegram-chats.ts';
import { createTelegramServer, type RecordedCall } from '../support/telegram/telegram-server.ts';

/** Spacing of messages is divided by it: the rules are the same, the waiting is shorter. */
const timeScale = 4;
/** How long runs take that a test has to act during, by a word of their prompts; others are over at once. */
const longRuns: readonly (readonly [RegExp, number])[] = [
  [/nomad|hermit crab/, 800],
  [/long road/, 1_200],
  [/slow castle/, 3_000],
];
const simulator = createSimulator({
  port: 0,
  speed: 1,
  serviceTimeMs: ({ prompt }) => longRuns.find(([word]) => word.test(JSON.stringify(prompt)))?.[1] ?? 60,
});
const telegram = createTelegramServer();
const operator: Person = { id: 7, first_name: 'Boss', language_code: 'en' };
let platform: Platform;
let desk: RequestDesk;
const { newChat, say, press, change, untilCard, photos, shown } = createChatVisitor(telegram, () =>
  platform.service('bot').log(),
);

beforeAll(async () => {
  const [{ url }, { apiRoot }] = await Promise.all([simulator.start(), telegram.start()]);
  platform = await startPlatform({
    comfyuiUrl: url,
    env: {
      TELEGRAM_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: apiRoot,
      BOT_TIME_SCALE: String(timeScale),
      ATELIER_ADMINS: `telegram:${operator.id}`,
    },
  });
  desk = await openRequestDesk(platform);
});
afterAll(async () => {
  await desk?.close();
  await platform?.stop();
  await Promise.all([simulator.stop(), telegram.stop()]);
});

/** The server's clock starts when a call arrives, ours when it leaves. */
const arrivalSlackMs = 900;
const spanMs = (calls: readonly RecordedCall[]): number => (calls.at(-1)?.atMs ?? 0) - (calls[0]?.atMs ?? 0);
const labels = (message: ChatMessage): string[] => message.buttons.map(({ text }) => text);

function jpeg(background: string): Promise<Buffer> {
  return sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

/** Claims of a bot that died are free when their time is over; here it is over at once. */
async function letLeasesLapse(): Promise<void> {
  await desk.db.sql`update deliveries set lease_expires_at = now() where state = 'sending'`;
}

async function requestsOf(chatId: number): Promise<{ id: string; state: string }[]> {
  const rows = await desk.db.sql`
    select id, state from requests where place->>'id' = ${String(chatId)} order by created_at`;
  return rows.map((row) => ({ id: String(row['id']), state: String(row['state']) }));
}

/** What the only request of a chat asks, once there is one. */
function untilBody(chatId: number): Promise<unknown> {
  return untilSeen(async () => {
    const [row] = await desk.db.sql`select body from requests where place->>'id' = ${String(chatId)}`;
    return row?.['body'] as unknown;
  });
}

describe.concurrent('/imagine', () => {
  it('is one message that becomes the picture', async () => {
    const chatId = newChat();
    const asked = say(chatId, '/imagine a red fox <in> snow --ar 3:4 --seed 7');
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.replyTo).toBe(asked);
    expect(card.caption).toContain('Done');
    expect(card.caption).toContain('a red fox <in> snow');
    expect(card.caption).toContain('seed 7');
    expect(labels(card)).toEqual(expect.arrayContaining(['Upscale', 'Vary', 'Reroll', 'Original', 'More ▾']));
    expect(telegram.replies(chatId)).toHaveLength(1);
  });

  it('answers with an album where several pictures were asked for, and the card says the end', async () => {
    const chatId = newChat();
    say(chatId, '/imagine a lighthouse --n 2');
    const card = await untilCard(chatId, ({ text }) => text?.startsWith('Done, 2 pictures') === true);
    const album = photos(chatId);
    expect(album).toHaveLength(2);
    expect(new Set(album.map(({ albumId }) => albumId)).size).toBe(1);
    expect(album.map(({ replyTo }) => replyTo)).toEqual([card.messageId, card.messageId]);
    expect(telegram.replies(chatId)).toHaveLength(3);

    const pressed = press(card, 'Original');
    await untilSeen(() => telegram.replies(chatId).filter(({ document }) => document !== undefined)[1]);
    expect(telegram.pressAnswers.has(pressed)).toBe(true);
    expect(telegram.replies(chatId).filter(({ document }) => document?.name.endsWith('.png'))).toHaveLength(2);
  });

  it('asks again by a button, in its topic', async () => {
    const chatId = -newChat();
    say(chatId, '/imagine a bear', { threadId: 9 });
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.threadId).toBe(9);
    press(card, 'Reroll');
    const again = await untilCard(
      chatId,
      ({ photo, messageId }) => photo !== undefined && messageId !== card.messageId,
    );
    expect(again).toMatchObject({ threadId: 9, replyTo: card.messageId });
    expect(Buffer.from(again.photo!.bytes).equals(Buffer.from(card.photo!.bytes))).toBe(false);
  });
});

describe.concurrent('words', () => {
  it('in a private chat are for the bot, and Chinese is answered in Chinese', async () => {
    const chatId = newChat();
    say(chatId, '雪地里的红狐狸，竖图', { from: { id: 88, first_name: '梅', language_code: 'zh-hans' } });
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.caption).toMatch(/^已完成/);
    expect(labels(card)).toEqual(expect.arrayContaining(['放大', '重绘', '原图']));
    expect(telegram.menus.get('zh')?.map(({ command }) => command)).toEqual(
      expect.arrayContaining(['imagine', 'queue', 'gallery', 'help']),
    );
    expect(telegram.menus.get('zh')?.some(({ command }) => command === 'admin')).toBe(false);
    expect(telegram.menus.get('all_chat_administrators ')?.some(({ command }) => command === 'admin')).toBe(true);
  });

  it('in a group are for the bot where they mention it or answer it', async () => {
    const chatId = -newChat();
    say(chatId, 'has anybody seen a fox?');
    say(chatId, `@${telegram.username} draw a wolf`);
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('draw a wolf');
    say(chatId, 'an owl at night', { replyTo: card });
    const second = await untilCard(chatId, ({ caption }) => caption?.includes('an owl at night') === true);
    expect(second.photo).toBeDefined();
    expect(await requestsOf(chatId)).toHaveLength(2);
  });

  it('that cannot be done are answered with what to change', async () => {
    const chatId = newChat();
    say(chatId, '/imagine a fox --n 1000');
    const reply = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(reply.text).toMatch(/^[A-Z].*for example/);
    expect(await requestsOf(chatId)).toEqual([]);
  });

  it('/help and /queue answer at once', async () => {
    const chatId = newChat();
    say(chatId, '/help');
    say(chatId, '/queue');
    await untilSeen(() => telegram.replies(chatId)[1]);
    expect(telegram.replies(chatId).map(({ text }) => text?.split('\n')[0])).toEqual(['How to ask', 'Queue']);
  });
});

describe.concurrent('what is for one person', () => {
  it('/token is answered in the private chat alone, and its secret is in no line of the log', async () => {
    const [chatId, groupId] = [newChat(), -newChat()];
    say(chatId, '/token create ci --scopes read');
    say(groupId, '/token create ci');
    const { text = '' } = await untilCard(chatId, (card) => card.text?.includes('atl_') === true);
    const secret = /atl_[\w-]{40,}/.exec(text)?.[0] ?? '';
    expect(secret).not.toBe('');
    expect(platform.service('bot').log()).not.toContain(secret);
    const refusal = await untilCard(groupId, (card) => card.text !== undefined);
    expect(refusal.text).toContain('/token in our private chat');
  });

  it('/admin policy tells an operator what the servers have, and nobody else', async () => {
    const chatId = newChat();
    say(chatId, '/admin policy KSampler', { from: operator });
    const panel = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(panel.text).toMatch(/✓ KSampler: open/);
    say(chatId, '/admin policy');
    const refusal = await untilCard(chatId, ({ messageId }) => messageId > panel.messageId);
    expect(refusal.text).toContain('Only operators');
  });
});

it('covers what is for adults where it is shown', async () => {
  const chatId = newChat();
  say(chatId, '/imagine a marble nude');
  const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
  expect(card.isCovered).toBe(false);
  say(chatId, '/admin limits --adult nude', { from: operator });
  const set = await untilCard(chatId, ({ messageId }) => messageId > card.messageId);
  const [request] = await requestsOf(chatId);
  say(chatId, `/show ${request?.id.slice(0, 8)}`);
  const again = await untilCard(chatId, ({ messageId, photo }) => messageId > set.messageId && photo !== undefined);
  expect(again.isCovered).toBe(true);
});

describe.concurrent('pictures and files', () => {
  it('with a workflow inside can be run and are answered', async () => {
    const chatId = newChat();
    const workflow = textToImage({ text: 'an owl', steps: 2, width: 64, height: 64, prefix: 'wf' });
    const bytes = Buffer.from(JSON.stringify(workflow));
    say(chatId, '/workflow run', { document: { name: 'owl.json', bytes } });
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.caption).toMatch(/^Done/);
  });

  it('that come with words go along with the request', async () => {
    const chatId = newChat();
    say(chatId, '/imagine the same at night', { photo: await jpeg('teal') });
    expect(await untilBody(chatId)).toMatchObject({
      kind: 'imagine',
      options: { images: [{ mediaType: 'image/jpeg' }] },
    });
  });

  it('that are none are answered with what to send', async () => {
    const chatId = newChat();
    say(chatId, 'draw this', { photo: Buffer.from('no picture at all') });
    const reply = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(reply.text).toContain('PNG, JPEG');
  });
});

describe.concurrent('buttons and forms', () => {
  it('make something new of a picture, as an answer to it', async () => {
    const chatId = newChat();
    say(chatId, '/imagine a fox --n 2');
    const card = await untilCard(chatId, ({ text }) => text?.startsWith('Done, 2 pictures') === true);
    expect(labels(card)).toEqual(expect.arrayContaining(['U1', 'U2', 'V1', 'V2']));
    press(card, 'V2');
    const varied = await untilCard(
      chatId,
      ({ text, messageId }) => messageId > card.messageId && text?.startsWith('Done') === true,
    );
    expect(varied.replyTo).toBe(card.messageId);
    expect(varied.text).toMatch(/ariation of picture 2/);
    const [row] = await desk.db.sql`
      select body->>'kind' as kind, parent_picture from requests where place->>'id' = ${String(chatId)}
      order by created_at desc limit 1`;
    expect(row).toMatchObject({ kind: 'derive', parentPicture: 1 });
  });

  it('show a menu in their place, and come back', async () => {
    const chatId = newChat();
    say(chatId, '/imagine a fox');
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    const before = labels(card);
    press(card, 'More ▾');
    await untilSeen(() => (labels(card).some((label) => label.startsWith('‹')) ? true : undefined), {
      what: 'the menu',
      state: () => JSON.stringify([shown(chatId), telegram.calls.slice(-8)]),
    });
    expect(labels(card)).not.toContain('Reroll');
    press(card, labels(card).at(-1) ?? '');
    await untilSeen(() => (labels(card).includes('Reroll') ? true : undefined));
    expect(labels(card)).toEqual(before);
  });

  it('offer to draw a changed message again', async () => {
    const chatId = newChat();
    const asked = say(chatId, '/imagine a red fox');
    await untilCard(chatId, ({ photo }) => photo !== undefined);
    change(chatId, asked, '/imagine a blue fox');
    const offer = await untilCard(chatId, ({ text }) => text?.includes('changed your message') === true);
    press(offer, 'Draw it again', { id: 99, first_name: 'Ana' });
    press(offer, 'Draw it again');
    await untilCard(chatId, ({ caption }) => caption?.includes('a blue fox') === true);
    expect(await requestsOf(chatId)).toHaveLength(2);
  });
});

describe.concurrent('groups', () => {
  it('take an album as the pictures of one request', async () => {
    const chatId = newChat();
    say(chatId, '/blend', { photo: await jpeg('teal'), album: 'a' });
    say(chatId, '', { photo: await jpeg('coral'), album: 'a' });
    expect(await untilBody(chatId)).toMatchObject({ kind: 'imagine', options: { images: [{}, {}] } });
    expect(await requestsOf(chatId)).toHaveLength(1);
  });

  it('hear only that a private answer comes elsewhere', async () => {
    const chatId = -newChat();
    const mei = { id: newChat(), first_name: 'Mei', language_code: 'en' };
    telegram.messages(mei.id);
    say(chatId, '/imagine a secret garden --private', { from: mei });
    const card = await untilCard(mei.id, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a secret garden');
    expect(telegram.replies(chatId).map(({ text }) => text)).toEqual([expect.stringContaining('private chat')]);
  });

  it('that moved are followed, and what was asked before the move arrives', async () => {
    const chatId = -newChat();
    say(chatId, '/imagine a nomad');
    await untilCard(chatId, ({ text }) => text !== undefined);
    const moved = -newChat() - 1_000_000;
    telegram.move(chatId, moved);
    const card = await untilCard(moved, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a nomad');
  });

  it('let only who runs them change what holds there', async () => {
    const chatId = -newChat();
    say(chatId, '/admin status');
    const refusal = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(refusal.text).toMatch(/operator|administrator|admin/i);
  });

  it('that the bot was put out of give the result to who asked', async () => {
    const chatId = -newChat();
    const mei = { id: newChat(), first_name: 'Mei', language_code: 'en' };
    telegram.messages(mei.id);
    say(chatId, '/imagine a hermit crab', { threadId: 9, from: mei });
    await untilCard(chatId, ({ text }) => text !== undefined);
    telegram.close(chatId, 'kicked');
    const card = await untilCard(mei.id, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a hermit crab');
  });
});

describe.concurrent('work that goes on', () => {
  it('is edited into the card, at most every 3 s, and ends with the result', async () => {
    const chatId = newChat();
    const before = telegram.calls.length;
    say(chatId, '/imagine a long road --n 8');
    const card = await untilCard(chatId, ({ text }) => text?.startsWith('Done, 8 pictures') === true);
    expect(card.history.some((text) => /[█░]{12} \d+ %/.test(text))).toBe(true);
    expect(card.history.slice(0, -1).every((text) => !text.startsWith('Done'))).toBe(true);
    const edits = telegram.calls
      .slice(before)
      .filter((call) => call.method === 'editMessageText' && call.chatId === chatId)
      .slice(0, -1);
    expect(edits.length).toBeGreaterThan(1);
    expect((3_000 / timeScale) * (edits.length - 1)).toBeLessThan(spanMs(edits) + arrivalSlackMs);
  });

  it('cancel by its button ends the request and says so in the card', async () => {
    const chatId = newChat();
    say(chatId, '/imagine a slow castle --n 8');
    const card = await untilCard(chatId, ({ buttons }) => buttons.length === 1);
    const pressed = press(card, 'Cancel');
    await untilCard(chatId, ({ text }) => text?.startsWith('Cancelled') === true);
    expect(telegram.pressAnswers.get(pressed)).toMatch(/ancel/);
    expect(await requestsOf(chatId)).toMatchObject([{ state: 'cancelled' }]);
    expect(telegram.replies(chatId)).toHaveLength(1);
  });

  it('gives a chat at most a message or an edit a second', async () => {
    const chatId = newChat();
    const before = telegram.calls.length;
    for (const animal of ['cat', 'dog', 'hen']) say(chatId, `/imagine a ${animal}`);
    await untilSeen(() => photos(chatId)[2]);
    const calls = telegram.calls.slice(before).filter((call) => call.chatId === chatId);
    expect(calls.length).toBeGreaterThanOrEqual(6);
    expect((1_000 / timeScale) * (calls.length - 1)).toBeLessThan(spanMs(calls) + arrivalSlackMs);
  });
});

// What follows holds up every chat, or ends the bot: one after the other.

describe('refusals', () => {
  it('429 is obeyed, and the card comes afterwards', async () => {
    const chatId = newChat();
    const before = telegram.calls.length;
    telegram.limit('sendMessage', 1);
    say(chatId, '/imagine a patient turtle');
    await untilCard(chatId, ({ photo }) => photo !== undefined);
    const sends = telegram.calls
      .slice(before)
      .filter((call) => call.method === 'sendMessage' && call.chatId === chatId);
    expect(sends.map(({ status }) => status)).toEqual([429, 200]);
    expect(telegram.replies(chatId)).toHaveLength(1);
  });

  it('a person who blocked the bot is given up with a reason, and the request keeps its picture', async () => {
    const chatId = newChat();
    const held = telegram.hold('sendMessage');
    say(chatId, '/imagine a hermit');
    await held.arrived;
    telegram.close(chatId, 'blocked');
    held.release();
    const failed = await untilSeen(async () => {
      const [row] = await desk.db.sql`
        select d.error from deliveries d join requests r on r.id = d.request_id
        where d.state = 'failed' and d.kind = 'result' and r.place->>'id' = ${String(chatId)}`;
      return row;
    });
    expect(failed['error']).toMatch(/blocked by the user/);
    expect(await requestsOf(chatId)).toMatchObject([{ state: 'succeeded' }]);
  });
});

describe('SIGKILL of the bot', () => {
  const asking = -newChat();
  const herons = [newChat(), newChat(), newChat()];
  const [birds, album, single] = [newChat(), newChat(), newChat()];
  let question: ChatMessage;

  // One death for all: each chat was brought to another point, and what follows looks at each.
  beforeAll(async () => {
    say(asking, '/imagine a fox');
    press(await untilCard(asking, ({ photo }) => photo !== undefined), 'Edit');
    question = await untilCard(asking, ({ asksReply }) => asksReply !== undefined);
    const [pictures, picture] = [telegram.hold('sendMediaGroup'), telegram.hold('editMessageMedia')];
    say(album, '/imagine a kite --n 2');
    await pictures.arrived;
    const words = telegram.hold('editMessageText');
    pictures.release();
    await words.arrived;
    say(single, '/imagine a kite');
    await picture.arrived;
    // Nothing more goes out, so that the bot dies between what it took in and what it owes.
    telegram.limit('sendMessage', 2);
    for (const chatId of herons) say(chatId, `/imagine a heron in chat ${chatId}`);
    await untilSeen(() => (telegram.allUpdatesConfirmed ? true : undefined));
    // This one is taken in, and Telegram has not heard of it.
    say(birds, '/imagine a stork');
    await untilSeen(async () => ((await requestsOf(birds)).length > 0 ? true : undefined));
    await platform.kill('bot');
    for (const held of [words, picture]) held.release();
    say(birds, '/imagine a crane');
    say(asking, 'make it night', { replyTo: question });
    await letLeasesLapse();
    await platform.start('bot');
  });

  it('leaves a question for words behind that is still understood', async () => {
    expect(question.text).toContain('Mei');
    const edited = await untilCard(
      asking,
      ({ caption, messageId }) => messageId > question.messageId && caption?.startsWith('Done') === true,
    );
    expect(edited.photo).toBeDefined();
    const [row] = await desk.db.sql`
      select body from requests where place->>'id' = ${String(asking)} order by created_at desc limit 1`;
    expect(row?.['body']).toMatchObject({ kind: 'derive', action: 'edit', text: 'make it night' });
  });

  it('after a batch was taken in loses no update and doubles none', async () => {
    for (const chatId of herons) {
      await untilCard(chatId, ({ photo }) => photo !== undefined);
      expect(telegram.replies(chatId)).toHaveLength(1);
      expect(await requestsOf(chatId)).toHaveLength(1);
    }
  });

  it('before Telegram heard that a batch was taken in doubles nothing', async () => {
    await untilSeen(() => photos(birds)[1]);
    expect(telegram.replies(birds)).toHaveLength(2);
    expect(await requestsOf(birds)).toHaveLength(2);
  });

  it.each([
    { when: 'while the card becomes the picture', chatId: single, count: 1, messages: 1 },
    { when: 'between the album and its words', chatId: album, count: 2, messages: 3 },
  ])('$when shows the result once', async ({ chatId, count, messages }) => {
    const [request] = await requestsOf(chatId);
    await untilSeen(async () => {
      const rows = await desk.db.sql`
        select 1 from deliveries where request_id = ${request?.id ?? ''} and kind = 'result' and state = 'sent'`;
      return rows[0];
    });
    expect(telegram.replies(chatId)).toHaveLength(messages);
    expect(photos(chatId)).toHaveLength(count);
    expect(JSON.stringify(shown(chatId))).toContain('Done');
  });
});

describe('the token', () => {
  it('is in no line that the bot logs', () => {
    const log = platform.service('bot').log();
    expect(log).toContain('connected to Telegram');
    expect(log).not.toContain(telegram.token);
  });
});
