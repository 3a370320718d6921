import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { ChatLine, ChatOutcome, QueueBoard } from '@atelier/bot/ports';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { flatten, type SentFile } from '../support/discord/check-message.ts';
import { allPermissions } from '../support/discord/discord-state.ts';
import { textOf } from '../support/discord/fake-person.ts';
import { type ScriptedBot, startScriptedBot } from '../support/discord/scripted-bot.ts';

/* What a team shares: conversation, threads, favourites, boards, private results, previews; and several processes on one
   token. Discord's windows are a twentieth of their length here, and so are our spacings. */

const timeScale = 20;
let bot: ScriptedBot;
let channelId: string;
let seen = 0;
const expected = new Set<number>();
const picture: SentFile = { name: 'fox.png', contentType: 'image/png', bytes: Buffer.from('a picture') };
const said: ChatOutcome = { outcome: 'said', text: 'done' };
let shareRefs: Record<string, unknown>[] = [];

beforeAll(async () => {
  bot = await startScriptedBot({
    discord: { timeScale, ackMs: 3_000, allowMessageContent: true },
    adapter: { timeScale, messageContent: true, readShareRefs: async () => shareRefs },
  });
  for (let digit = 0; digit < 10; digit++) bot.core.files.set(String(digit).repeat(64), Buffer.from('a picture'));
});
afterAll(() => bot.stop());
beforeEach(() => {
  channelId = bot.discord.addChannel('test').id;
  bot.core.reset();
  shareRefs = [];
  expected.clear();
  seen = bot.discord.refusals().length;
});
afterEach(() => bot.discord.assertCorrect({ since: seen, exceptCodes: expected }));

describe('conversation', () => {
  async function heard(say: () => Promise<unknown>): Promise<ChatLine> {
    const line = Promise.withResolvers<ChatLine>();
    bot.core.script.submit = async (given) => {
      line.resolve(given);
      return said;
    };
    await say();
    return line.promise;
  }

  it('a reply to a card is about its request', async () => {
    const facts = bot.factsOf({ ended: true }, channelId);
    const card = await bot.postResult(facts);
    const line = await heard(() => bot.mei.say('darker, please', { channelId, replyTo: card.id }));
    expect(line).toMatchObject({ text: 'darker, please', about: [{ requestId: facts.request.id }] });
    expect(line.quoted).toBeUndefined();
  });

  it("a mention that replies to somebody else's message brings its pictures and quotes its words", async () => {
    const theirs = await bot.discord.addPerson('Ivo').say('my cat', { channelId, attach: [picture] });
    const text = `<@${bot.discord.botUser.id}> as an oil painting`;
    const line = await heard(() => bot.mei.say(text, { channelId, replyTo: theirs.id }));
    expect(line).toMatchObject({ text: 'as an oil painting', quoted: 'my cat', images: [{ mediaType: 'image/png' }] });
  });

  it('a link to a message means what a reply to it would', async () => {
    const theirs = await bot.discord.addPerson('Ivo').say('my dog', { channelId, attach: [picture] });
    const link = (id: string) => `https://discord.com/channels/${bot.discord.guild.id}/${channelId}/${id}`;
    const mention = `<@${bot.discord.botUser.id}>`;
    const line = await heard(() => bot.mei.say(`${mention} ${link(theirs.id)} in oil`, { channelId }));
    expect(line).toMatchObject({ text: 'in oil', quoted: 'my dog', images: [{ mediaType: 'image/png' }] });
    const facts = bot.factsOf({ ended: true }, channelId);
    const card = await bot.postResult(facts);
    const about = await heard(() => bot.mei.say(`${mention} darker ${link(card.id)}`, { channelId }));
    expect(about).toMatchObject({ text: 'darker', about: [{ requestId: facts.request.id }] });
  });

  it('a link into a channel that its author does not see is left alone', async () => {
    const hidden = bot.discord.addChannel('hidden').id;
    const secret = await bot.discord.addPerson('Ivo').say('a secret', { channelId: hidden });
    const text = `draw https://discord.com/channels/${bot.discord.guild.id}/${hidden}/${secret.id}`;
    const line = await heard(() => bot.mei.say(`<@${bot.discord.botUser.id}> ${text}`, { channelId }));
    expect(line).toMatchObject({ text });
    expect(line.quoted).toBeUndefined();
  });

  it('a workflow that is attached comes as a file, pictures beside it as pictures', async () => {
    const flow = { name: 'flow.json', contentType: 'application/json', bytes: Buffer.from('{}') };
    const { id } = bot.mei.direct();
    const line = await heard(() => bot.mei.say('run it', { channelId: id, attach: [flow, picture] }));
    expect(line).toMatchObject({ file: { kind: 'text', text: '{}' }, images: [{}] });
    expect(line.standing).toMatchObject({ isDirect: true });
  });

  it('in a thread that the bot began needs no mention, and settings of its channel hold there', async () => {
    const thread = await shareResult();
    const line = await heard(() => bot.mei.say('now at night', { channelId: thread }));
    expect(line.place.id).toBe(thread);
    expect(line.standing?.channelIds).toEqual([thread, channelId]);
  });
});

it('answers what concerns one person in a direct message, also where they said it in a channel', async () => {
  const panel: ChatOutcome = { outcome: 'panel', panel: { text: 'Your code', code: 'ABCD-EFGH', rows: [], links: [] } };
  bot.core.script.submit = async () => panel;
  const direct = bot.mei.direct();
  const before = bot.discord.botMessages(direct.id).length;
  await bot.mei.say(`<@${bot.discord.botUser.id}> /link`, { channelId });
  await bot.discord.until('the code', () => bot.discord.botMessages(direct.id).length > before);
  expect(bot.discord.botMessages(channelId)).toEqual([]);
  direct.allows = { ...allPermissions, send: false };
  expected.add(50007);
  await bot.mei.say(`<@${bot.discord.botUser.id}> /link`, { channelId });
  const [reply] = await bot.discord.until('a reply', () => {
    const messages = bot.discord.botMessages(channelId);
    return messages.length > 0 && messages;
  });
  direct.allows = { ...allPermissions };
  expect(reply && textOf(reply)).not.toContain('ABCD');
});

function postOf(more: Partial<ClaimedPost>): ClaimedPost {
  return {
    id: randomUUID(),
    door: 'discord',
    place: { door: 'discord', id: channelId, guildId: bot.discord.guild.id },
    kind: 'share',
    requestId: null,
    picture: null,
    text: null,
    epoch: 1,
    attempts: 1,
    triedBefore: false,
    sendingAt: new Date(),
    ...more,
  };
}

async function sendPost(post: ClaimedPost): Promise<Record<string, unknown>> {
  const [facts] = await bot.core.chat.readFacts([post.requestId ?? '']);
  const outcome = await bot.adapter.post?.(post, async () => facts ?? bot.factsOf({ ended: true }, channelId));
  if (outcome?.outcome !== 'sent') throw new Error(JSON.stringify(outcome));
  return outcome.messageRef;
}

/** @returns the thread of the shared result. */
async function shareResult(): Promise<string> {
  const facts = bot.factsOf({ ended: true, pictures: 2 }, channelId);
  const ref = await sendPost(postOf({ requestId: facts.request.id }));
  return String(ref['threadId']);
}

describe("the team's channel", () => {
  it('shows a shared result with its author, in a thread of its own', async () => {
    const thread = bot.discord.state.channels.get(await shareResult());
    expect(thread).toMatchObject({ type: 11, parent_id: channelId, name: 'a red fox in snow' });
    const [message] = bot.discord.botMessages(channelId);
    expect(message && textOf(message)).toContain('Mei');
    expect(message?.attachments).toHaveLength(2);
    expect(message?.pinged).toEqual([]);
  });

  it('keeps one project in one thread', async () => {
    const first = bot.factsOf({ ended: true }, channelId);
    const ref = await sendPost(postOf({ requestId: first.request.id }));
    shareRefs = [ref];
    const next = bot.factsOf({ ended: true, parentRequestId: first.request.id }, channelId);
    await sendPost(postOf({ requestId: next.request.id }));
    expect(bot.discord.botMessages(channelId)).toHaveLength(1);
    expect(bot.discord.botMessages(String(ref['threadId']))).toHaveLength(1);
  });

  it('gets one picture where one was shared, once, whatever died meanwhile; without a thread where that may not be', async () => {
    const channel = bot.discord.state.channels.get(channelId);
    if (channel !== undefined) channel.allows.threads = false;
    expected.add(50013);
    const facts = bot.factsOf({ ended: true, pictures: 4 }, channelId);
    const post = postOf({ requestId: facts.request.id, picture: 2 });
    const ref = await sendPost(post);
    for (const message of bot.discord.botMessages(channelId)) message.nonce = undefined;
    expect(await sendPost({ ...post, triedBefore: true })).toMatchObject({ messageId: ref['messageId'] });
    const [message, ...others] = bot.discord.botMessages(channelId);
    expect(others).toEqual([]);
    expect(message?.attachments).toHaveLength(1);
  });

  it('covers what was made among adults where others look on, and nothing where it is at home', async () => {
    const adults = bot.discord.addChannel('adults', { nsfw: true }).id;
    // Events come in order: who answers there knows the channel.
    bot.core.script.run = async () => said;
    await bot.mei.slash('help', {}, adults);
    const facts = bot.factsOf({ ended: true }, adults);
    const marks = { isDeleted: false, isShared: true, isForAdults: true, isCovered: false };
    bot.core.known.set(facts.request.id, { ...facts, marks });
    await bot.sent('result', bot.core.known.get(facts.request.id) ?? facts);
    await sendPost(postOf({ requestId: facts.request.id }));
    const covered = (id: string) =>
      JSON.stringify(bot.discord.botMessages(id)[0]?.components).includes('"spoiler":true');
    expect([covered(adults), covered(channelId)]).toEqual([false, true]);
  });

  it('and where it was asked a result is gone once its author deletes it', async () => {
    const facts = bot.factsOf({ ended: true, pictures: 2 }, channelId);
    const team = bot.discord.addChannel('team').id;
    const place = { door: 'discord' as const, id: team, guildId: bot.discord.guild.id };
    bot.refs.result = await bot.sent('result', facts);
    shareRefs = [await sendPost(postOf({ requestId: facts.request.id, place }))];
    const shown = [channelId, team].map((id) => bot.discord.botMessages(id)[0] ?? never());
    expect(shown.map((one) => one.attachments.length)).toEqual([2, 2]);
    const marks = { isDeleted: true, isShared: true, isCovered: false };
    bot.core.tell({ ...facts, jobs: [], marks });
    await bot.discord.until('the empty messages', () => shown.every((one) => one.attachments.length === 0));
    for (const one of shown) expect(textOf(one)).toMatch(/^### Deleted by its author/);
    delete bot.refs.result;
  });

  it('loses a message of a deleted result that is too old to be edited', async () => {
    const facts = bot.factsOf({ ended: true }, channelId);
    bot.refs.result = await bot.sent('result', facts);
    const message = bot.discord.botMessages(channelId)[0] ?? never();
    message.createdAt -= 60 * 60_000;
    message.editedAt.push(...Array.from({ length: 3 }, () => bot.discord.now()));
    expected.add(30046);
    bot.core.tell({ ...facts, marks: { isDeleted: true, isShared: false, isCovered: false } });
    await bot.discord.until('its end', () => bot.discord.botMessages(channelId).length === 0);
    delete bot.refs.result;
  });

  it('tells operators what they must know, in the language of their channel', async () => {
    bot.core.setChannel({ language: 'zh' });
    await sendPost(postOf({ kind: 'notice', text: { en: 'The disk is full.', zh: '磁盘已满。' } }));
    expect(bot.discord.botMessages(channelId).map(textOf)).toEqual(['磁盘已满。']);
  });

  it('fails for good where it may not write there', async () => {
    const channel = bot.discord.state.channels.get(channelId);
    if (channel !== undefined) channel.allows = { ...allPermissions, send: false };
    expected.add(50013);
    const { request } = bot.factsOf({ ended: true }, channelId);
    const outcome = await bot.adapter.post?.(postOf({ requestId: request.id }), async () =>
      bot.factsOf({ ended: true }),
    );
    expect(outcome).toMatchObject({ outcome: 'failed' });
  });

  it('keeps favourites by reaction, and no longer when that is taken back', async () => {
    const facts = bot.factsOf({ ended: true }, channelId);
    const card = await bot.postResult(facts);
    const pressed: unknown[] = [];
    const twice = Promise.withResolvers<void>();
    bot.core.script.press = async (button, by) => {
      pressed.push([button, by.user.id]);
      if (pressed.length === 2) twice.resolve();
      return said;
    };
    bot.mei.react(card, '👎');
    bot.mei.react(card, '⭐');
    await bot.discord.until('the look at the card', () => bot.discord.calls.some(({ path }) => path.endsWith(card.id)));
    bot.mei.react(card, '⭐', false);
    await twice.promise;
    const favourite = { action: 'favourite', requestId: facts.request.id, picture: 0 };
    expect(pressed).toEqual([
      [{ ...favourite, arg: 'on' }, bot.mei.user.id],
      [{ ...favourite, arg: 'off' }, bot.mei.user.id],
    ]);
  });
});

describe('a queue board', () => {
  const nothing = { open: [], forecasts: new Map() };
  const waiting = { open: [requestRecord({ state: 'planning', plan, personName: 'Ana' })], forecasts: new Map() };
  const boardIn = (id: string): QueueBoard => ({
    place: { door: 'discord', id, guildId: bot.discord.guild.id },
    language: 'en',
  });

  it('is pinned, edits itself, and is sent anew where somebody deleted it', async () => {
    bot.core.showBoards([boardIn(channelId)], nothing);
    const board = await bot.discord.until('the board', () => bot.discord.botMessages(channelId)[0]);
    await bot.discord.until('the pin', () => board.pinned);
    expect(bot.core.keptBoards).toEqual([{ channelId, messageId: board.id }]);
    bot.core.showBoards([boardIn(channelId)], waiting);
    await bot.discord.until('the change', () => textOf(board).includes('Ana'));
    bot.discord.state.delete(board.id);
    expected.add(10008);
    bot.core.showBoards([boardIn(channelId)], nothing);
    const next = await bot.discord.until('the next board', () => bot.discord.botMessages(channelId)[0]);
    expect(textOf(next)).toContain('Nothing waits');
    bot.core.showBoards([], nothing);
  });

  it('goes on with the message that an earlier process sent', async () => {
    const messageRef = await sendPost(postOf({ kind: 'notice', text: { en: 'x', zh: 'x' } }));
    const board = { ...boardIn(channelId), messageRef };
    bot.core.showBoards([board], waiting);
    await bot.discord.until('the change', () =>
      textOf(bot.discord.botMessages(channelId)[0] ?? never()).includes('Ana'),
    );
    expect(bot.discord.botMessages(channelId)).toHaveLength(1);
    bot.core.showBoards([], nothing);
  });
});

function never(): never {
  throw new Error('there is no message');
}

describe('a private request', () => {
  async function ask(): Promise<{ eventId: string; cardRef: Record<string, unknown> }> {
    bot.core.script.run = async (_call, by) => bot.accepted(by.eventId, { isPrivate: true, channelId });
    const { id, original } = await bot.mei.slash('imagine', { prompt: 'a gift', private: true }, channelId);
    expect(original?.onlyFor).toBe(bot.mei.user.id);
    const facts = bot.core.known.get(requestIdOf('discord', id)) ?? never();
    return { eventId: id, cardRef: await bot.sent('card', facts) };
  }

  it('is seen by its author alone, from the card to the picture and the ping', async () => {
    const { eventId, cardRef } = await ask();
    const ended = bot.factsOf({ ended: true, eventId, isPrivate: true }, channelId);
    bot.refs.result = await bot.sent('result', ended, { cardRef });
    await bot.sent('ping', ended, { cardRef });
    expect(bot.discord.messages(channelId)).toEqual([]);
    const [card, ping, ...others] = bot.discord.state.inChannel(channelId);
    expect(others).toEqual([]);
    expect(card).toMatchObject({ onlyFor: bot.mei.user.id, attachments: [{}] });
    expect(ping).toMatchObject({ onlyFor: bot.mei.user.id, pinged: [bot.mei.user.id] });
  });

  it('comes as a direct message once the 15 minutes are over', async () => {
    const { eventId, cardRef } = await ask();
    bot.discord.advance((16 * 60_000) / timeScale);
    const ended = bot.factsOf({ ended: true, eventId, isPrivate: true }, channelId);
    bot.refs.result = await bot.sent('result', ended, { cardRef });
    await bot.sent('ping', ended, { cardRef });
    expect(bot.discord.messages(channelId)).toEqual([]);
    expect(bot.discord.botMessages(bot.mei.direct().id).at(-1)?.attachments).toHaveLength(1);
  });

  it('comes as a direct message after a restart, because only a memory knows the interaction', async () => {
    const { eventId, cardRef } = await ask();
    const before = bot.discord.botMessages(bot.mei.direct().id).length;
    const successor = bot.make();
    const ended = bot.factsOf({ ended: true, eventId, isPrivate: true }, channelId);
    await bot.sent('result', ended, { cardRef }, successor);
    expect(bot.discord.messages(channelId)).toEqual([]);
    expect(bot.discord.botMessages(bot.mei.direct().id)).toHaveLength(before + 1);
  });

  it('said in a channel is answered in a direct message', async () => {
    const message = await bot.mei.say('a gift', { channelId });
    const facts = bot.factsOf({ ended: false, replyTo: message.id, isPrivate: true }, channelId);
    await bot.sent('card', facts);
    expect(bot.discord.botMessages(channelId)).toEqual([]);
    expect(textOf(bot.discord.botMessages(bot.mei.direct().id).at(-1) ?? never())).toContain('a red fox in snow');
  });

  it('that turns out to be private after a public deferral is moved out of sight', async () => {
    bot.core.script.run = async (_call, by) => {
      await bot.discord.until('a deferral', () => bot.discord.interactions.at(-1)?.deferred);
      return bot.accepted(by.eventId, { isPrivate: true, channelId });
    };
    const interaction = await bot.mei.slash('imagine', { prompt: 'a gift' }, channelId);
    const [card] = await bot.discord.until('the card', () => interaction.followUps.length > 0 && interaction.followUps);
    expect(card).toMatchObject({ onlyFor: bot.mei.user.id });
    expect(bot.discord.messages(channelId)).toEqual([]);
    // It goes on there.
    const facts = bot.core.known.get(requestIdOf('discord', interaction.id)) ?? never();
    const cardRef = await bot.sent('card', facts);
    await bot.sent('result', bot.factsOf({ ended: true, eventId: interaction.id, isPrivate: true }, channelId), {
      cardRef,
    });
    expect(card?.attachments).toHaveLength(1);
  });
});

it('shows previews on the card while it is drawn, at most one edit per 3 s', async () => {
  const facts = bot.factsOf({ ended: false }, channelId);
  await bot.sent('card', facts);
  const [card] = bot.discord.botMessages(channelId);
  if (card === undefined) throw new Error('no card');
  const running = { ...facts, jobs: facts.jobs.map((job) => ({ ...job, state: 'running' as const })) };
  let frame = 0;
  bot.core.script.preview = ({ request }) => ({
    jobId: facts.jobs[0]?.id ?? '',
    requestId: request.id,
    mediaType: 'image/jpeg',
    base64: Buffer.from(`frame ${frame}`).toString('base64'),
  });
  for (; frame < 3; frame++) {
    bot.core.tell(running, 'preview');
    const wanted = `frame ${frame}`;
    await bot.discord.until(wanted, () => card.attachments.some((one) => Buffer.from(one.bytes).toString() === wanted));
  }
  expect(flatten(card.components).some((one) => one.type === 12)).toBe(true);
  const gaps = card.editedAt.slice(1).map((at, index) => at - (card.editedAt[index] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThan(2_900 / timeScale);
  bot.core.script.preview = () => undefined;
  await bot.sent('result', bot.factsOf({ ended: true, eventId: facts.request.eventId }, channelId), {
    cardRef: { channelId, messageId: card.id },
  });
  expect(card.attachments.map((one) => one.filename)).toEqual(['1-fox.png']);
});

it('notifies nobody who does not want it', async () => {
  bot.core.setPerson({ wantsPing: false });
  const facts = bot.factsOf({ ended: true }, channelId);
  bot.refs.result = await bot.sent('result', facts);
  await bot.sent('ping', facts);
  expect(bot.discord.botMessages(channelId)).toHaveLength(1);
});

it('sends a result anew where its card is too old to be edited', async () => {
  const facts = bot.factsOf({ ended: false }, channelId);
  const cardRef = await bot.sent('card', facts);
  const card = bot.discord.state.messages.get(String(cardRef['messageId'])) ?? never();
  card.createdAt -= 60 * 60_000;
  card.editedAt.push(...Array.from({ length: 3 }, () => bot.discord.now()));
  expected.add(30046);
  const ref = await bot.sent('result', bot.factsOf({ ended: true, eventId: facts.request.eventId }, channelId), {
    cardRef,
  });
  expect(ref['messageId']).not.toBe(card.id);
  expect(bot.discord.botMessages(channelId)).toHaveLength(2);
});

it('answers an interaction once where the answer to the answer was lost', async () => {
  bot.core.script.run = async (_call, by) => bot.accepted(by.eventId, { channelId });
  bot.discord.failNext('POST', /\/callback$/, 'lose-answer');
  expected.add(40060);
  const { original, id } = await bot.mei.slash('imagine', { prompt: 'a fox' }, channelId);
  const facts = bot.core.known.get(requestIdOf('discord', id)) ?? never();
  // Its own delivery finds it and goes on with it.
  expect((await bot.sent('card', facts))['messageId']).toBe(original?.id);
  expect(bot.discord.botMessages(channelId)).toHaveLength(1);
});
