import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import type { FakeMessage } from '../support/discord/discord-state.ts';
import { buttonsOf, createFakeDiscord, type FakePerson, textOf } from '../support/discord/fake-discord.ts';
import { flatten } from '../support/discord/check-message.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

/** How long each prompt takes on the GPU; tests slow it down where they must act before its end. */
let serviceMs = 150;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => serviceMs });
const discord = createFakeDiscord();
let platform: Platform;
let mei: FakePerson;
/** A channel of each test's own. */
let channelId: string;

beforeAll(async () => {
  const [{ url }] = await Promise.all([simulator.start(), discord.start()]);
  mei = discord.addPerson('Mei');
  platform = await startPlatform({
    comfyuiUrl: url,
    env: { DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.apiUrl },
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
  // Nothing that this bot says is refused, and it never calls while it must wait.
  discord.assertCorrect();
});

const pictures = (message: FakeMessage): number =>
  flatten(message.components).reduce((sum, one) => sum + (one.type === 12 ? one.items.length : 0), 0);
const labels = (message: FakeMessage): string[] => buttonsOf(message).map((button) => button.label ?? '');

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
    const answer = interaction.original;
    expect(answer && textOf(answer)).toContain('> a red \\*fox\\* in snow');
    const [gallery, ping, ...others] = await ended(channelId);
    expect(others).toEqual([]);
    expect(gallery?.id).toBe(answer?.id);
    expect(gallery && pictures(gallery)).toBe(2);
    expect(gallery && textOf(gallery)).toMatch(/### Done, 2 pictures/);
    expect(gallery && labels(gallery)).toEqual(['Original', 'Try again']);
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
    serviceMs = 7_000;
    const { original: card } = await mei.slash('imagine', { prompt: 'a lighthouse' }, channelId);
    if (card === undefined) throw new Error('no card');
    const [shown] = await discord.until('a progress bar', () => textOf(card).match(/[█░]{12}` \d+ %[^]*/));
    expect(shown).toContain('%');
    expect(labels(card)).toEqual(['Cancel']);
    await ended(channelId);
    const gaps = card.editedAt.map((at, index) => at - (card.editedAt[index - 1] ?? card.createdAt)).slice(0, -1);
    expect(gaps.length).toBeGreaterThan(0);
    for (const gap of gaps) expect(gap).toBeGreaterThan(2_900);
  });

  it('is refused with one sentence that only its author sees', async () => {
    channelId = discord.addChannel('refused').id;
    const { original } = await mei.slash('imagine', { prompt: 'a fox', seed: 'x' }, channelId);
    expect(original).toMatchObject({ onlyFor: mei.user.id });
    expect(original && textOf(original)).toMatch(/^The seed is a whole number/);
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
    serviceMs = 60_000;
    const { original: card } = await mei.slash('imagine', { prompt: 'a very slow fox' }, channelId);
    if (card === undefined) throw new Error('no card');
    await discord.until('the start', () => /[█░]{12}/.test(textOf(card)));
    const stranger = await discord.addPerson('Ivo').press(card, 'Cancel');
    expect(stranger.original && textOf(stranger.original)).toBe('You are not allowed to do this.');
    const { original: answer } = await mei.press(card, 'Cancel');
    expect(answer).toMatchObject({ onlyFor: mei.user.id });
    await discord.until('the end', () => /### Cancelled/.test(textOf(card)));
    expect(labels(card)).toEqual(['Try again']);
    expect(discord.botMessages(channelId)).toEqual([card]);
  });

  it('give the original files, and the same again', async () => {
    channelId = discord.addChannel('again').id;
    const { original: card } = await mei.slash('imagine', { prompt: 'a bear' }, channelId);
    if (card === undefined) throw new Error('no card');
    await ended(channelId);
    const { original: files } = await mei.press(card, 'Original');
    expect(files?.onlyFor).toBe(mei.user.id);
    expect(files?.attachments.map((file) => file.bytes)).toEqual(card.attachments.map((file) => file.bytes));
    const { original: again } = await mei.press(card, 'Try again');
    await discord.until('the second gallery', () => again && pictures(again) === 1);
    await discord.until('its ping', () => discord.botMessages(channelId).find((one) => one.replyTo === again?.id));
    expect(discord.botMessages(channelId)).toHaveLength(4);
  });
});

it('/queue shows who waits, /cancel stops the latest request and /help helps', async () => {
  channelId = discord.addChannel('queue').id;
  serviceMs = 60_000;
  const { original: card } = await mei.slash('imagine', { prompt: 'a patient fox' }, channelId);
  const { original: queue } = await mei.slash('queue', {}, channelId);
  expect(queue?.onlyFor).toBe(mei.user.id);
  expect(queue && textOf(queue)).toMatch(/### Queue[^]*You[^]*a patient fox/);
  const { original: stopped } = await mei.slash('cancel', {}, channelId);
  expect(stopped && textOf(stopped)).toBe('Cancelling your latest request.');
  await discord.until('the end', () => card && /### Cancelled/.test(textOf(card)));
  const { original: help } = await mei.slash('help', {}, channelId);
  expect(help && textOf(help)).toContain('/imagine');
});

describe('SIGKILL of the bot', () => {
  it('between acceptance and result: still one message that becomes the gallery, and one ping', async () => {
    channelId = discord.addChannel('killed').id;
    serviceMs = 9_000;
    const { original: card } = await mei.slash('imagine', { prompt: 'a fox that survives' }, channelId);
    await discord.until('progress', () => card && /[█░]{12}/.test(textOf(card)));
    await platform.kill('bot');
    await platform.start('bot');
    const [gallery, ping, ...others] = await ended(channelId);
    expect(others).toEqual([]);
    expect(gallery?.id).toBe(card?.id);
    expect(gallery && pictures(gallery)).toBe(1);
    expect(ping?.replyTo).toBe(card?.id);
    // The commands had not changed.
    expect(discord.commands.writes).toBe(1);
  });
});
