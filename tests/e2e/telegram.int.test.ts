import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';
import { untilSeen } from '../support/telegram/until-seen.ts';
import type { ChatMessage } from '../support/telegram/telegram-chats.ts';
import { createTelegramServer, type RecordedCall } from '../support/telegram/telegram-server.ts';

/** Spacing of messages is divided by it: the rules are the same, the waiting is shorter. */
const timeScale = 4;
/** How long a run of a workflow takes. */
let runMs = 400;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => runMs });
const telegram = createTelegramServer();
let platform: Platform;
let desk: RequestDesk;
let apiRoot: string;
/** A chat for each test, so that none sees another's messages. */
let lastChatId = 50_000;

beforeAll(async () => {
  const [{ url }, telegramUrl] = await Promise.all([simulator.start(), telegram.start()]);
  apiRoot = telegramUrl.apiRoot;
  platform = await startPlatform({
    comfyuiUrl: url,
    env: { TELEGRAM_TOKEN: telegram.token, TELEGRAM_API_ROOT: apiRoot, BOT_TIME_SCALE: String(timeScale) },
  });
  desk = await openRequestDesk(platform);
});
afterEach(() => {
  runMs = 400;
});
afterAll(async () => {
  await desk?.close();
  await platform?.stop();
  await Promise.all([simulator.stop(), telegram.stop()]);
});

function newChat(): number {
  lastChatId += 1;
  return lastChatId;
}

/** The only answer in a chat, once it is as `seen` says. */
function untilCard(chatId: number, seen: (card: ChatMessage) => boolean): Promise<ChatMessage> {
  return untilSeen(
    () => telegram.replies(chatId).find(seen),
    () => `${JSON.stringify(shown(chatId))}\n${platform.service('bot').log()}`,
  );
}

function shown(chatId: number): unknown[] {
  return telegram.replies(chatId).map(({ text, caption, photo, document, buttons, history }) => ({
    text,
    caption,
    photo: photo?.name,
    document: document?.name,
    buttons: buttons.map((button) => button.text),
    history,
  }));
}

/** The server's clock starts when a call arrives, ours when it leaves. */
const arrivalSlackMs = 900;
const spanMs = (calls: readonly RecordedCall[]): number => (calls.at(-1)?.atMs ?? 0) - (calls[0]?.atMs ?? 0);
const labels = (message: ChatMessage): string[] => message.buttons.map(({ text }) => text);

/** Claims of a bot that died are free when their time is over; here it is over at once. */
async function letLeasesLapse(): Promise<void> {
  await desk.db.sql`update deliveries set lease_expires_at = now() where state = 'sending'`;
}

async function requestsOf(chatId: number): Promise<{ id: string; state: string }[]> {
  const rows = await desk.db.sql`
    select id, state from requests where place->>'id' = ${String(chatId)} order by created_at`;
  return rows.map((row) => ({ id: String(row['id']), state: String(row['state']) }));
}

describe('/imagine', () => {
  it('is one message that becomes the picture', async () => {
    const chatId = newChat();
    const asked = telegram.say(chatId, '/imagine a red fox <in> snow --ar 3:4 --seed 7');
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
    telegram.say(chatId, '/imagine a lighthouse --n 2');
    const card = await untilCard(chatId, ({ text }) => text?.startsWith('Done, 2 pictures') === true);
    const album = telegram.replies(chatId).filter(({ photo }) => photo !== undefined);
    expect(album).toHaveLength(2);
    expect(new Set(album.map(({ albumId }) => albumId)).size).toBe(1);
    expect(album.map(({ replyTo }) => replyTo)).toEqual([card.messageId, card.messageId]);
    expect(telegram.replies(chatId)).toHaveLength(3);

    const press = telegram.press(card, 'Original');
    await untilSeen(() => telegram.replies(chatId).filter(({ document }) => document !== undefined)[1]);
    expect(telegram.pressAnswers.has(press)).toBe(true);
    expect(telegram.replies(chatId).filter(({ document }) => document?.name.endsWith('.png'))).toHaveLength(2);
  });

  it('asks again by a button, in its topic', async () => {
    const chatId = -newChat();
    telegram.say(chatId, '/imagine a bear', { threadId: 9 });
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.threadId).toBe(9);
    telegram.press(card, 'Reroll');
    const again = await untilCard(
      chatId,
      ({ photo, messageId }) => photo !== undefined && messageId !== card.messageId,
    );
    expect(again).toMatchObject({ threadId: 9, replyTo: card.messageId });
    expect(Buffer.from(again.photo!.bytes).equals(Buffer.from(card.photo!.bytes))).toBe(false);
  });
});

describe('words', () => {
  it('in a private chat are for the bot, and Chinese is answered in Chinese', async () => {
    const chatId = newChat();
    telegram.say(chatId, '雪地里的红狐狸，竖图', { from: { id: 88, first_name: '梅', language_code: 'zh-hans' } });
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
    telegram.say(chatId, 'has anybody seen a fox?');
    telegram.say(chatId, `@${telegram.username} draw a wolf`);
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('draw a wolf');
    telegram.say(chatId, 'an owl at night', { replyTo: card });
    const second = await untilCard(chatId, ({ caption }) => caption?.includes('an owl at night') === true);
    expect(second.photo).toBeDefined();
    expect(await requestsOf(chatId)).toHaveLength(2);
  });

  it('that cannot be done are answered with what to change', async () => {
    const chatId = newChat();
    telegram.say(chatId, '/imagine a fox --n 1000');
    const reply = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(reply.text).toMatch(/^[A-Z].*for example/);
    expect(await requestsOf(chatId)).toEqual([]);
  });

  it('/help and /queue answer at once', async () => {
    const chatId = newChat();
    telegram.say(chatId, '/help');
    telegram.say(chatId, '/queue');
    await untilSeen(() => telegram.replies(chatId)[1]);
    expect(telegram.replies(chatId).map(({ text }) => text?.split('\n')[0])).toEqual(['How to ask', 'Queue']);
  });
});

describe('pictures', () => {
  it('that come with words go along with the request', async () => {
    const chatId = newChat();
    const photo = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    telegram.say(chatId, '/imagine the same at night', { photo });
    const body = await untilSeen(async () => {
      const [row] = await desk.db.sql`select body from requests where place->>'id' = ${String(chatId)}`;
      return row?.['body'] as unknown;
    });
    expect(body).toMatchObject({ kind: 'imagine', options: { images: [{ mediaType: 'image/jpeg' }] } });
  });

  it('that are none are answered with what to send', async () => {
    const chatId = newChat();
    telegram.say(chatId, 'draw this', { photo: Buffer.from('no picture at all') });
    const reply = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(reply.text).toContain('PNG, JPEG');
  });
});

describe('buttons and forms', () => {
  it('make something new of a picture, as an answer to it', async () => {
    const chatId = newChat();
    telegram.say(chatId, '/imagine a fox --n 2');
    const card = await untilCard(chatId, ({ text }) => text?.startsWith('Done, 2 pictures') === true);
    expect(labels(card)).toEqual(expect.arrayContaining(['U1', 'U2', 'V1', 'V2']));
    telegram.press(card, 'V2');
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
    telegram.say(chatId, '/imagine a fox');
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    const before = labels(card);
    telegram.press(card, 'More ▾');
    await untilSeen(
      () => (labels(card).some((label) => label.startsWith('‹')) ? true : undefined),
      () => JSON.stringify([shown(chatId), telegram.calls.slice(-8)]),
    );
    expect(labels(card)).not.toContain('Reroll');
    telegram.press(card, labels(card).at(-1) ?? '');
    await untilSeen(() => (labels(card).includes('Reroll') ? true : undefined));
    expect(labels(card)).toEqual(before);
  });

  it('ask for words by a reply, which is understood after a restart', async () => {
    const chatId = -newChat();
    telegram.say(chatId, '/imagine a fox');
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    telegram.press(card, 'Edit');
    const question = await untilCard(chatId, ({ asksReply }) => asksReply !== undefined);
    expect(question.text).toContain('Mei');
    await platform.kill('bot');
    await platform.start('bot');
    telegram.say(chatId, 'make it night', { replyTo: question });
    const edited = await untilCard(
      chatId,
      ({ caption, messageId }) => messageId > question.messageId && caption?.startsWith('Done') === true,
    );
    expect(edited.photo).toBeDefined();
    const [row] = await desk.db.sql`
      select body from requests where place->>'id' = ${String(chatId)} order by created_at desc limit 1`;
    expect(row?.['body']).toMatchObject({ kind: 'derive', action: 'edit', text: 'make it night' });
  });

  it('offer to draw a changed message again', async () => {
    const chatId = newChat();
    const asked = telegram.say(chatId, '/imagine a red fox');
    await untilCard(chatId, ({ photo }) => photo !== undefined);
    telegram.change(chatId, asked, '/imagine a blue fox');
    const offer = await untilCard(chatId, ({ text }) => text?.includes('changed your message') === true);
    telegram.press(offer, 'Draw it again', { id: 99, first_name: 'Ana' });
    telegram.press(offer, 'Draw it again');
    await untilCard(chatId, ({ caption }) => caption?.includes('a blue fox') === true);
    expect(await requestsOf(chatId)).toHaveLength(2);
  });
});

describe('groups', () => {
  it('take an album as the pictures of one request', async () => {
    const chatId = newChat();
    const picture = (background: string) =>
      sharp({ create: { width: 64, height: 64, channels: 3, background } })
        .jpeg()
        .toBuffer();
    telegram.say(chatId, '/blend', { photo: await picture('teal'), album: 'a' });
    telegram.say(chatId, '', { photo: await picture('coral'), album: 'a' });
    const body = await untilSeen(async () => {
      const [row] = await desk.db.sql`select body from requests where place->>'id' = ${String(chatId)}`;
      return row?.['body'] as unknown;
    });
    expect(body).toMatchObject({ kind: 'imagine', options: { images: [{}, {}] } });
    expect(await requestsOf(chatId)).toHaveLength(1);
  });

  it('hear only that a private answer comes elsewhere', async () => {
    const chatId = -newChat();
    const mei = { id: newChat(), first_name: 'Mei', language_code: 'en' };
    telegram.messages(mei.id);
    telegram.say(chatId, '/imagine a secret garden --private', { from: mei });
    const card = await untilCard(mei.id, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a secret garden');
    expect(telegram.replies(chatId).map(({ text }) => text)).toEqual([expect.stringContaining('private chat')]);
  });

  it('that moved are followed, and what was asked before the move arrives', async () => {
    runMs = 1_500;
    const chatId = -newChat();
    telegram.say(chatId, '/imagine a nomad');
    await untilCard(chatId, ({ text }) => text !== undefined);
    const moved = -newChat() - 1_000_000;
    telegram.move(chatId, moved);
    const card = await untilCard(moved, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a nomad');
  });

  it('let only who runs them change what holds there', async () => {
    const chatId = -newChat();
    telegram.say(chatId, '/admin status');
    const refusal = await untilCard(chatId, ({ text }) => text !== undefined);
    expect(refusal.text).toMatch(/operator|administrator|admin/i);
  });

  it('whose topic was closed give the result to who asked', async () => {
    runMs = 1_500;
    const chatId = -newChat();
    const mei = { id: newChat(), first_name: 'Mei', language_code: 'en' };
    telegram.messages(mei.id);
    telegram.say(chatId, '/imagine a hermit crab', { threadId: 9, from: mei });
    await untilCard(chatId, ({ text }) => text !== undefined);
    telegram.close(chatId, 'kicked');
    const card = await untilCard(mei.id, ({ photo }) => photo !== undefined);
    expect(card.caption).toContain('a hermit crab');
  });
});

describe('files', () => {
  it('with a workflow inside can be run and are answered', async () => {
    const chatId = newChat();
    const workflow = textToImage({ text: 'an owl', steps: 2, width: 64, height: 64, prefix: 'wf' });
    const bytes = Buffer.from(JSON.stringify(workflow));
    telegram.say(chatId, '/workflow run', { document: { name: 'owl.json', bytes } });
    const card = await untilCard(chatId, ({ photo }) => photo !== undefined);
    expect(card.caption).toMatch(/^Done/);
  });
});

describe('progress', () => {
  it('is edited into the card, at most every 3 s, and ends with the result', async () => {
    runMs = 3_000;
    const chatId = newChat();
    const before = telegram.calls.length;
    telegram.say(chatId, '/imagine a long road --n 8');
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
});

describe('cancel', () => {
  it('by its button ends the request and says so in the card', async () => {
    runMs = 3_000;
    const chatId = newChat();
    telegram.say(chatId, '/imagine a slow castle --n 8');
    const card = await untilCard(chatId, ({ buttons }) => buttons.length === 1);
    const press = telegram.press(card, 'Cancel');
    await untilCard(chatId, ({ text }) => text?.startsWith('Cancelled') === true);
    expect(telegram.pressAnswers.get(press)).toMatch(/ancel/);
    expect(await requestsOf(chatId)).toMatchObject([{ state: 'cancelled' }]);
    expect(telegram.replies(chatId)).toHaveLength(1);
  });
});

describe('limits', () => {
  it('429 is obeyed, and the card comes afterwards', async () => {
    const chatId = newChat();
    const before = telegram.calls.length;
    telegram.limit('sendMessage', 2);
    telegram.say(chatId, '/imagine a patient turtle');
    await untilCard(chatId, ({ photo }) => photo !== undefined);
    const sends = telegram.calls
      .slice(before)
      .filter((call) => call.method === 'sendMessage' && call.chatId === chatId);
    expect(sends.map(({ status }) => status)).toEqual([429, 200]);
    expect(telegram.replies(chatId)).toHaveLength(1);
  });

  it('a chat gets at most a message or an edit a second', async () => {
    const chatId = newChat();
    const before = telegram.calls.length;
    for (const animal of ['cat', 'dog', 'hen']) telegram.say(chatId, `/imagine a ${animal}`);
    await untilSeen(() => telegram.replies(chatId).filter(({ photo }) => photo !== undefined)[2]);
    const calls = telegram.calls.slice(before).filter((call) => call.chatId === chatId);
    expect(calls.length).toBeGreaterThanOrEqual(6);
    expect((1_000 / timeScale) * (calls.length - 1)).toBeLessThan(spanMs(calls) + arrivalSlackMs);
  });

  it('a person who blocked the bot is given up with a reason, and the request keeps its picture', async () => {
    const chatId = newChat();
    const held = telegram.hold('sendMessage');
    telegram.say(chatId, '/imagine a hermit');
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
  it('after a batch was taken in loses no update and doubles none', async () => {
    const chatIds = [newChat(), newChat(), newChat()];
    // Nothing goes out, so that the bot dies between what it took in and what it owes.
    telegram.limit('sendMessage', 3);
    for (const chatId of chatIds) telegram.say(chatId, `/imagine a heron in chat ${chatId}`);
    await untilSeen(() => (telegram.allUpdatesConfirmed ? true : undefined));
    await platform.kill('bot');
    await letLeasesLapse();
    await platform.start('bot');
    for (const chatId of chatIds) {
      await untilCard(chatId, ({ photo }) => photo !== undefined);
      expect(telegram.replies(chatId)).toHaveLength(1);
      expect(await requestsOf(chatId)).toHaveLength(1);
    }
  });

  it('before Telegram heard that a batch was taken in doubles nothing', async () => {
    const chatId = newChat();
    telegram.limit('sendMessage', 2);
    telegram.say(chatId, '/imagine a stork');
    await untilSeen(async () => ((await requestsOf(chatId)).length > 0 ? true : undefined));
    await platform.kill('bot');
    telegram.say(chatId, '/imagine a crane');
    await letLeasesLapse();
    await platform.start('bot');
    await untilSeen(() => telegram.replies(chatId).filter(({ photo }) => photo !== undefined)[1]);
    expect(telegram.replies(chatId)).toHaveLength(2);
    expect(await requestsOf(chatId)).toHaveLength(2);
  });

  it.each([
    { when: 'while the card becomes the picture', method: 'editMessageMedia', count: 1, photosBefore: 0, messages: 1 },
    { when: 'between the album and its words', method: 'editMessageText', count: 2, photosBefore: 2, messages: 3 },
  ])('$when shows the result once', async ({ method, count, photosBefore, messages }) => {
    const chatId = newChat();
    const photos = (): ChatMessage[] => telegram.replies(chatId).filter(({ photo }) => photo !== undefined);
    telegram.say(chatId, `/imagine a kite --n ${count}`);
    await untilSeen(() => (photos().length === photosBefore ? true : undefined));
    const held = telegram.hold(method);
    await held.arrived;
    await platform.kill('bot');
    held.release();
    await letLeasesLapse();
    await platform.start('bot');
    const [request] = await requestsOf(chatId);
    await untilSeen(async () => {
      const rows = await desk.db.sql`
        select 1 from deliveries where request_id = ${request?.id ?? ''} and kind = 'result' and state = 'sent'`;
      return rows[0];
    });
    expect(telegram.replies(chatId)).toHaveLength(messages);
    expect(photos()).toHaveLength(count);
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
