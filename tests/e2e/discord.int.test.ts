import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { answerTo } from '../support/discord/answer-to.ts';
import type { FakeMessage } from '../support/discord/discord-state.ts';
import { createFakeDiscord } from '../support/discord/fake-discord.ts';
import { buttonsOf, type FakePerson, textOf } from '../support/discord/fake-person.ts';
import { flatten } from '../support/discord/check-message.ts';
import type { FakeInteraction } from '../support/discord/interactions.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

/** How long each prompt takes on the GPU. */
let serviceMs = 150;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => serviceMs });
/** Discord's windows and our spacings, but not the 3 s for an answer. */
const timeScale = 10;
const discord = createFakeDiscord({ timeScale, ackMs: 3_000 });
/** Small pictures are soon drawn, and larger ones show nothing more. */
const size = '512x512';
let platform: Platform;
let mei: FakePerson;
/** An operator. */
let ana: FakePerson;
/** A channel of each test's own. */
let channelId: string;

beforeAll(async () => {
  const [{ url }] = await Promise.all([simulator.start(), discord.start()]);
  mei = discord.addPerson('Mei');
  ana = discord.addPerson('Ana', { permissions: String(1 << 5) });
  platform = await startPlatform({
    comfyuiUrl: url,
    env: { ...discord.env, ATELIER_ADMINS: `discord:${ana.user.id}` },
  });
  await discord.until('the commands', () => discord.commands.current.length > 0);
});
afterAll(async () => {
  await platform?.stop();
  await simulator.stop();
  await discord.stop();
});
afterEach(() => {
  serviceMs = 150;
  letGo();
  // Nothing that this bot says is refused, and it never calls while it must wait.
  discord.assertCorrect();
});

/** Lets runs come as far as their last step and no further. */
const holdNearEnd = (): void => simulator.inject({ kind: 'hold', nodeClass: 'VAEDecode' });
const letGo = (): void => simulator.clearFaults('hold');

const pictures = (message: FakeMessage): number =>
  flatten(message.components).reduce((sum, one) => sum + (one.type === 12 ? one.items.length : 0), 0);
const labels = (message: FakeMessage): string[] => buttonsOf(message).map((button) => button.label ?? '');

const answered = (asked: Promise<FakeInteraction> | FakeInteraction): Promise<FakeMessage> => answerTo(discord, asked);

/** The gallery and the one message that notifies. */
async function ended(channel: string): Promise<FakeMessage[]> {
  await discord.until('a ping', () => discord.botMessages(channel).find((one) => one.pinged.length > 0));
  return discord.botMessages(channel);
}

describe('/imagine', () => {
  it('is one message from the answer to the gallery, and one that notifies', async () => {
    channelId = discord.addChannel('foxes').id;
    const interaction = await mei.slash(
      'imagine',
      { prompt: 'a red *fox* in snow', count: 2, aspect: '3:4' },
      channelId,
    );
    expect(interaction.answeredAfterMs).toBeLessThan(3_000);
    const answer = await answered(interaction);
    expect(textOf(answer)).toContain('> a red \\*fox\\* in snow');
    const [gallery, ping, ...others] = await ended(channelId);
    expect(others).toEqual([]);
    expect(gallery?.id).toBe(answer.id);
    expect(gallery && pictures(gallery)).toBe(2);
    expect(gallery && textOf(gallery)).toMatch(/### Done, 2 pictures/);
    expect(gallery && labels(gallery)).toEqual(['U1', 'U2', 'Reroll', 'V1', 'V2', 'Remix', 'Original']);
    expect(gallery?.attachments.map((file) => [file.content_type, file.description])).toEqual([
      ['image/png', 'Picture 1 of 2: a red *fox* in snow'],
      ['image/png', 'Picture 2 of 2: a red *fox* in snow'],
    ]);
    expect(gallery?.pinged).toEqual([]);
    expect(ping).toMatchObject({ replyTo: gallery?.id, pinged: [mei.user.id] });
    expect(ping && textOf(ping)).toContain('Done, 2 pictures');
  });

  it('shows where it stands meanwhile, with at most one edit every 3 s until the end', async () => {
    channelId = discord.addChannel('slow').id;
    serviceMs = 1_500;
    holdNearEnd();
    const card = await answered(mei.slash('imagine', { prompt: 'a lighthouse', size }, channelId));
    const [shown] = await discord.until('a progress bar', () => textOf(card).match(/[█░]{12}` \d+ %[^]*/));
    expect(shown).toContain('%');
    expect(labels(card)).toEqual(['Cancel']);
    letGo();
    await ended(channelId);
    const gaps = card.editedAt.map((at, index) => at - (card.editedAt[index - 1] ?? card.createdAt)).slice(0, -1);
    expect(gaps.length).toBeGreaterThan(0);
    for (const gap of gaps) expect(gap).toBeGreaterThan(2_900 / timeScale);
  });

  it('is refused with one sentence that only its author sees', async () => {
    channelId = discord.addChannel('refused').id;
    const refusal = await answered(mei.slash('imagine', { prompt: 'a fox', seed: 'x' }, channelId));
    expect(refusal).toMatchObject({ onlyFor: mei.user.id });
    expect(textOf(refusal)).toMatch(/^The seed is a whole number/);
    expect(discord.botMessages(channelId)).toEqual([]);
  });
});

describe('plain words', () => {
  it('after a mention are answered by a card that replies and becomes the gallery', async () => {
    channelId = discord.addChannel('words').id;
    const said = await mei.say(`<@${discord.botUser.id}> a red fox in snow, portrait, 2 images`, { channelId });
    const [gallery, ping, ...others] = await ended(channelId);
    expect(others).toEqual([]);
    expect(gallery).toMatchObject({ replyTo: said.id, pinged: [] });
    expect(gallery && pictures(gallery)).toBe(2);
    expect(ping?.replyTo).toBe(gallery?.id);
  });

  it('in a direct message need no mention, and in a channel without one they are left alone', async () => {
    channelId = discord.addChannel('chatter').id;
    await mei.say('a red fox would be nice', { channelId });
    const direct = mei.direct();
    await mei.say('画一只雪地里的红狐狸', { channelId: direct.id });
    const [gallery] = await ended(direct.id);
    expect(gallery && pictures(gallery)).toBe(1);
    expect(gallery && textOf(gallery)).toContain('完成');
    expect(discord.botMessages(channelId)).toEqual([]);
  });

  it('with a file that is no picture are refused with one sentence', async () => {
    const direct = mei.direct();
    const bytes = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
    const said = await mei.say('like this', {
      channelId: direct.id,
      attach: [{ name: 'fox.png', contentType: 'image/png', bytes }],
    });
    const reply = await discord.until('a reply', () =>
      discord.botMessages(direct.id).find((one) => one.replyTo === said.id),
    );
    expect(textOf(reply)).toMatch(/^This file is no picture/);
  });
});

describe('buttons', () => {
  it('cancel what runs, for its author alone', async () => {
    channelId = discord.addChannel('cancelled').id;
    holdNearEnd();
    const card = await answered(mei.slash('imagine', { prompt: 'a very slow fox' }, channelId));
    await discord.until('the start', () => /[█░]{12}/.test(textOf(card)));
    const refusal = await answered(discord.addPerson('Ivo').press(card, 'Cancel'));
    expect(textOf(refusal)).toBe('You are not allowed to do this.');
    expect(await answered(mei.press(card, 'Cancel'))).toMatchObject({ onlyFor: mei.user.id });
    await discord.until('the end', () => /### Cancelled/.test(textOf(card)));
    expect(labels(card)).toEqual(['Try again', 'Remix']);
    expect(discord.botMessages(channelId)).toEqual([card]);
  });

  it('give the original files, and the same again', async () => {
    channelId = discord.addChannel('again').id;
    const card = await answered(mei.slash('imagine', { prompt: 'a bear', size }, channelId));
    await ended(channelId);
    const files = await answered(mei.press(card, 'Original'));
    expect(files.onlyFor).toBe(mei.user.id);
    const [original, posted] = [files.attachments[0]?.bytes, card.attachments[0]?.bytes].map((bytes) =>
      Buffer.from(bytes ?? []),
    );
    // The card goes without what ComfyUI wrote into the picture; who asks for the file gets it as it was made.
    expect([original?.includes('KSampler'), posted?.includes('KSampler')]).toEqual([true, false]);
    const pixels = (bytes: Buffer | undefined) => sharp(bytes).raw().toBuffer();
    expect((await pixels(original)).equals(await pixels(posted))).toBe(true);
    const again = await answered(mei.press(card, 'Reroll'));
    await discord.until('the second gallery', () => pictures(again) === 1);
    await discord.until('its ping', () => discord.botMessages(channelId).find((one) => one.replyTo === again.id));
    expect(discord.botMessages(channelId)).toHaveLength(4);
  });
});

it('/queue shows who waits, /cancel stops the latest request and /help helps', async () => {
  channelId = discord.addChannel('queue').id;
  holdNearEnd();
  const card = await answered(mei.slash('imagine', { prompt: 'a patient fox' }, channelId));
  const queue = await answered(mei.slash('queue', {}, channelId));
  expect(queue.onlyFor).toBe(mei.user.id);
  expect(textOf(queue)).toMatch(/### Queue[^]*You[^]*a patient fox/);
  const stopped = await answered(mei.slash('cancel', {}, channelId));
  expect(textOf(stopped)).toBe('Cancelling your latest request.');
  await discord.until('the end', () => /### Cancelled/.test(textOf(card)));
  expect(textOf(await answered(mei.slash('help', {}, channelId)))).toContain('/imagine');
});

describe('what is made from a result', () => {
  let card: FakeMessage;

  beforeAll(async () => {
    channelId = discord.addChannel('made').id;
    const { original } = await mei.slash('imagine', { prompt: 'a red fox', count: 2, size }, channelId);
    await ended(channelId);
    card = original ?? never();
  });

  it.each(['U2', 'V1', 'Reroll'])('%s is a result of its own, with what it came from', async (label) => {
    const { original } = await mei.press(card, label);
    expect(textOf(await result(original))).toContain('↳');
  });

  it('Remix is a form with what was set, and draws what comes back', async () => {
    const opened = await mei.press(card, 'Remix');
    const { original } = await mei.submit(opened, { prompt: 'a blue fox' });
    expect(textOf(await result(original))).toContain('a blue fox');
  });

  it('a star keeps it among the favourites', async () => {
    mei.react(card, '⭐');
    const shown = async (): Promise<string> => {
      return textOf(await answered(mei.slash('gallery', { of: 'mine' }, channelId)));
    };
    await expect.poll(shown).toContain('a red fox');
  });
});

it('a private request is seen by its author alone, and so is its picture', async () => {
  channelId = discord.addChannel('private').id;
  const { original } = await mei.slash('imagine', { prompt: 'a gift', private: true, size }, channelId);
  const card = original ?? never();
  expect(card.onlyFor).toBe(mei.user.id);
  await result(card);
  expect(discord.messages(channelId)).toEqual([]);
});

describe("the team's channel", () => {
  it('gets what somebody shares, in a thread, and shows the queue on a board', async () => {
    channelId = discord.addChannel('ask').id;
    const team = discord.addChannel('team').id;
    const set = await answered(ana.slash('settings channel', { role: 'team', board: true }, team));
    expect(textOf(set)).not.toBe('');
    const board = await discord.until('the board', () => discord.botMessages(team)[0]);
    await discord.until('the pin', () => board.pinned);
    const { original } = await mei.slash('imagine', { prompt: 'a heron', size }, channelId);
    const card = original ?? never();
    await result(card);
    await mei.choose(card, 'Share');
    const shared = await discord.until('the share', () => discord.botMessages(team)[1]);
    expect(textOf(shared)).toMatch(/a heron[^]*Mei/);
    await discord.until('the thread', () => discord.state.channels.get(shared.id)?.type === 11);
  });
});

describe('every other command', () => {
  it.each([
    'jobs',
    'history',
    'gallery',
    'models',
    'recipes',
    'usage',
    'help',
    'link',
    'settings mine',
    'prefer list',
    'workflow list',
    'admin status',
  ])('/%s answers its reader alone', async (words) => {
    const panel = await answered(mei.slash(words));
    expect(panel.onlyFor).toBe(mei.user.id);
    expect(textOf(panel)).not.toBe('');
  });

  it('models are offered while somebody types', async () => {
    const offered = async (): Promise<number> => (await mei.complete('imagine', 'model', '')).length;
    await expect.poll(offered).toBeGreaterThan(0);
  });
});

/** Once it shows its pictures, and no preview of them. */
async function result(of: FakeMessage | undefined): Promise<FakeMessage> {
  const message = of ?? never();
  await discord.until('the result', () => pictures(message) > 0 && /### Done/.test(textOf(message)));
  return message;
}

function never(): never {
  throw new Error('there is no message');
}

describe('SIGKILL of the bot', () => {
  it('between acceptance and result: still one message that becomes the gallery, and one ping', async () => {
    channelId = discord.addChannel('killed').id;
    holdNearEnd();
    const { original: card } = await mei.slash('imagine', { prompt: 'a fox that survives', size }, channelId);
    await discord.until('progress', () => card && /[█░]{12}/.test(textOf(card)));
    await platform.kill('bot');
    await platform.start('bot');
    letGo();
    const [gallery, ping, ...others] = await ended(channelId);
    expect(others).toEqual([]);
    expect(gallery?.id).toBe(card?.id);
    expect(gallery && pictures(gallery)).toBe(1);
    expect(ping?.replyTo).toBe(card?.id);
    // The commands had not changed.
    expect(discord.commands.writes).toBe(1);
  });
});
