import { randomBytes, randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import { finishedJob, jobOutput, jobRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { allPermissions } from '../support/discord/discord-state.ts';
import { createFakeDiscord } from '../support/discord/fake-discord.ts';
import { textOf } from '../support/discord/fake-person.ts';
import { type FactsOptions, type ScriptedBot, startScriptedBot } from '../support/discord/scripted-bot.ts';

/* The adapter in this process against Discord's rules, with the moments in between that a whole platform never shows. */

/** Discord's windows and our spacings, but not the 3 s for an answer. */
const timeScale = 10;
let bot: ScriptedBot;
let channelId: string;

beforeAll(async () => {
  bot = await startScriptedBot({ discord: { timeScale, ackMs: 3_000 }, adapter: { timeScale } });
  const { files } = bot.core;
  files.set(
    '0'.repeat(64),
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#c05020' } })
      .png()
      .toBuffer(),
  );
  const noise = { raw: { width: 700, height: 700, channels: 3 } } as const;
  files.set(
    '1'.repeat(64),
    await sharp(randomBytes(700 * 700 * 3), noise)
      .png()
      .toBuffer(),
  );
});
afterAll(() => bot.stop());
beforeEach(() => {
  channelId = bot.discord.addChannel('test').id;
  delete bot.refs.result;
  expected.clear();
  seenRefusals = bot.discord.refusals().length;
  bot.core.reset();
});
/** Error codes that a test provokes. */
const expected = new Set<number>();
let seenRefusals = 0;
afterEach(() => {
  bot.discord.assertCorrect({ exceptCodes: expected, since: seenRefusals });
});

/** A request of Mei's in the channel of the test. */
const factsOf = (options: FactsOptions): CardFacts => bot.factsOf(options, channelId);

function acceptAll(): void {
  bot.core.script.run = async (_call, by) => bot.accepted(by.eventId, { channelId });
}

describe('a delivery that was tried before', () => {
  it.each<DeliveryKind>(['card', 'result', 'ping', 'question'])(
    'finds the %s that its dead sender left',
    async (kind) => {
      const facts = factsOf({
        ended: kind === 'result' || kind === 'ping',
        replyTo: (await bot.mei.say('hello', { channelId })).id,
      });
      if (kind === 'ping') bot.refs.result = await bot.sent('result', facts);
      const cardRef = kind === 'question' ? await bot.sent('card', facts) : null;
      const one = { id: randomUUID(), cardRef };
      const first = await bot.sent(kind, facts, one);
      const before = bot.discord.botMessages(channelId).length;
      // Long enough ago that no nonce protects it.
      for (const message of bot.discord.botMessages(channelId)) message.nonce = undefined;
      const again = await bot.sent(kind, facts, { ...one, triedBefore: true });
      expect(again).toEqual(first);
      expect(bot.discord.botMessages(channelId)).toHaveLength(before);
    },
  );

  it('calls the person to the card that asks, once a question', async () => {
    const facts = factsOf({ ended: false });
    const cardRef = await bot.sent('card', facts);
    const [first, second] = [randomUUID(), randomUUID()];
    const call = await bot.sent('question', facts, { id: first, cardRef });
    // Its answer was lost on the way: the nonce gives the same message.
    expect(await bot.sent('question', facts, { id: first, cardRef })).toEqual(call);
    await bot.sent('question', facts, { id: second, cardRef });
    const [, ...calls] = bot.discord.botMessages(channelId);
    const expectedCall = { replyTo: cardRef['messageId'], pinged: [bot.mei.user.id] };
    expect(calls).toMatchObject([expectedCall, expectedCall]);
  });

  it('sends what nobody sent', async () => {
    const facts = factsOf({ ended: true });
    const ref = await bot.sent('result', facts, { triedBefore: true });
    expect(bot.discord.botMessages(channelId).map((one) => one.id)).toEqual([ref['messageId']]);
  });
});

it('finds the answer to an interaction that a dead process gave, and goes on with it', async () => {
  acceptAll();
  const { original, id } = await bot.mei.slash('imagine', { prompt: 'a fox' }, channelId);
  const facts = bot.core.known.get(requestIdOf('discord', id));
  if (facts === undefined) throw new Error('not asked');
  // It sends before it is connected.
  const successor = bot.make();
  const ref = await bot.sent('card', facts, {}, successor);
  expect(ref['messageId']).toBe(original?.id);
  await bot.sent('result', factsOf({ ended: true, eventId: id }), { cardRef: ref }, successor);
  expect(bot.discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([
    [original?.id, 1],
  ]);
});

describe('an answer that takes long', () => {
  it('is deferred first and becomes the card', async () => {
    bot.core.script.run = async (_call, by) => {
      await bot.discord.until('a deferral', () => bot.discord.interactions.at(-1)?.deferred);
      return bot.accepted(by.eventId, { channelId });
    };
    const interaction = await bot.mei.slash('imagine', { prompt: 'a slow fox' }, channelId);
    expect(interaction.answeredAfterMs).toBeGreaterThan(800);
    expect(interaction.answeredAfterMs).toBeLessThan(3_000);
    await bot.discord.until('the card', () => interaction.original && textOf(interaction.original).includes('### '));
    expect(
      await bot.sent('card', bot.core.known.get(requestIdOf('discord', interaction.id)) ?? factsOf({ ended: false })),
    ).toEqual({
      channelId,
      messageId: interaction.original?.id,
      maxFileBytes: 10_485_760,
      notified: false,
      ephemeral: false,
    });
  });

  it('says that it was not accepted where the commit fails', async () => {
    bot.core.script.run = async () => {
      await bot.discord.until('a deferral', () => bot.discord.interactions.at(-1)?.deferred);
      throw new AppError('unavailable', 'late', { publicMessage: { en: 'Not accepted: try again.', zh: '请重试。' } });
    };
    const { original } = await bot.mei.slash('imagine', { prompt: 'a lost fox' }, channelId);
    await bot.discord.until('the sentence', () => original && textOf(original) !== '');
    expect(original && textOf(original)).toBe('Not accepted: try again.');
  });
});

describe('a result', () => {
  it('is a new message where the card was deleted', async () => {
    const facts = factsOf({ ended: false });
    const cardRef = await bot.sent('card', facts);
    bot.discord.state.delete(String(cardRef['messageId']));
    expected.add(10008);
    const ended = factsOf({ ended: true, eventId: facts.request.eventId });
    const ref = await bot.sent('result', ended, { cardRef });
    expect(bot.discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([
      [ref['messageId'], 1],
    ]);
  });

  it('goes to the person where the channel is closed, and notifies once', async () => {
    const facts = factsOf({ ended: false });
    const cardRef = await bot.sent('card', facts);
    const channel = bot.discord.state.channels.get(channelId);
    if (channel !== undefined) channel.allows = { ...allPermissions, view: false, send: false, history: false };
    expected.add(50001);
    const ended = factsOf({ ended: true, eventId: facts.request.eventId });
    bot.refs.result = await bot.sent('result', ended, { cardRef });
    expect(bot.refs.result).toMatchObject({ channelId: bot.mei.direct().id, notified: true });
    await bot.sent('ping', ended, { cardRef });
    expect(bot.discord.botMessages(bot.mei.direct().id)).toHaveLength(1);
  });

  it('fails where the person cannot be reached either', async () => {
    const channel = bot.discord.state.channels.get(channelId);
    const direct = bot.mei.direct();
    if (channel !== undefined) channel.allows.send = false;
    direct.allows.send = false;
    expected.add(50013).add(50007);
    expect(await bot.send('result', factsOf({ ended: true }))).toMatchObject({ outcome: 'failed' });
    direct.allows.send = true;
  });

  it('is a WebP where the file is larger than Discord takes', async () => {
    const facts = factsOf({ ended: true });
    const original = bot.core.files.get('1'.repeat(64));
    const output = { ...jobOutput('1'), bytes: original?.length ?? 0 };
    const large = { ...facts, jobs: [{ ...finishedJob(0), outputs: [output] }] };
    const cardRef = { ...(await bot.sent('card', facts)), maxFileBytes: 300_000 };
    await bot.sent('result', large, { cardRef });
    const [attachment] = bot.discord.botMessages(channelId)[0]?.attachments ?? [];
    expect(attachment?.content_type).toBe('image/webp');
    expect(attachment?.size).toBeLessThanOrEqual(300_000);
    const { format, width } = await sharp(attachment?.bytes).metadata();
    expect(format).toBe('webp');
    // Noise is the worst there is, and yet as large as fits.
    expect(width).toBeGreaterThanOrEqual(512);
  });

  it('waits out the rate limit and never calls before', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => bot.send('result', factsOf({ ended: true }))));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 8 }, () => 'sent'));
    expect(bot.discord.botMessages(channelId)).toHaveLength(8);
  });

  it('is tried again later where Discord is broken, and looked for first', async () => {
    const path = new RegExp(`^/channels/${channelId}/messages$`);
    bot.discord.failNext('POST', path, { status: 502 });
    bot.discord.failNext('POST', path, { status: 502 });
    expected.add(0);
    expect(await bot.send('result', factsOf({ ended: true }))).toMatchObject({
      outcome: 'postponed',
      certainlyNotSent: false,
    });
  });
});

it('edits as the bot itself once the 15 minutes of the interaction are over', async () => {
  acceptAll();
  const interaction = await bot.mei.slash('imagine', { prompt: 'a fox' }, channelId);
  const cardRef = await bot.sent('card', factsOf({ ended: false, eventId: interaction.id }));
  bot.discord.advance((16 * 60_000) / timeScale);
  const before = bot.discord.calls.length;
  await bot.sent('result', factsOf({ ended: true, eventId: interaction.id }), { cardRef });
  expect(bot.discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([
    [interaction.original?.id, 1],
  ]);
  // Its right is over, and it is not even tried.
  expect(bot.discord.calls.slice(before).filter(({ path }) => path.startsWith('/webhooks'))).toEqual([]);
});

describe('the connection', () => {
  it('resumes after the line broke, and misses nothing', async () => {
    bot.core.script.submit = async () => ({ outcome: 'said', text: 'here' });
    const before = bot.discord.gateway.counts;
    bot.discord.gateway.drop();
    const said = await bot.mei.say(`<@${bot.discord.botUser.id}> are you there`, { channelId });
    await bot.discord.until('the reply', () =>
      bot.discord.botMessages(channelId).find((one) => one.replyTo === said.id),
    );
    expect(bot.discord.gateway.counts).toMatchObject({ identifies: before.identifies, resumes: before.resumes + 1 });
  });

  it('is made anew when Discord has forgotten the session', async () => {
    bot.core.script.run = async () => ({ outcome: 'said', text: 'here again' });
    const { identifies } = bot.discord.gateway.counts;
    bot.discord.gateway.forget();
    await bot.discord.until('a new session', () => bot.discord.gateway.counts.identifies === identifies + 1);
    const { original } = await bot.mei.slash('help', {}, channelId);
    expect(original && textOf(original)).toBe('here again');
  });

  it.each<[string, () => void]>([
    ['asks it to come again', () => bot.discord.gateway.askToReconnect()],
    ['has no use for its session', () => bot.discord.gateway.invalidate()],
  ])('goes on when Discord %s', async (_what, disturb) => {
    bot.core.script.run = async () => ({ outcome: 'said', text: 'still here' });
    const { identifies, resumes } = bot.discord.gateway.counts;
    disturb();
    await bot.discord.until('a session', () => {
      const { counts, connected } = bot.discord.gateway;
      return connected && counts.identifies + counts.resumes > identifies + resumes;
    });
    const { original } = await bot.mei.slash('help', {}, channelId);
    expect(original && textOf(original)).toBe('still here');
  });

  it('is refused in words that name the setting', async () => {
    const other = createFakeDiscord({ token: 'other' });
    await other.start();
    const wrong = bot.make({ token: 'wrong-token', apiUrl: other.apiUrl });
    await expect(wrong.start()).rejects.toThrow(/DISCORD_TOKEN/);
    await wrong.stop();
    const curious = bot.make({ token: 'other', apiUrl: other.apiUrl, messageContent: true });
    await expect(curious.start()).rejects.toThrow(/DISCORD_MESSAGE_CONTENT/);
    await curious.stop();
    await other.stop();
  });
});

it('npm run discord:deploy registers the commands where they are not, and says so', async () => {
  const main = fileURLToPath(import.meta.resolve('@atelier/bot/adapters/discord/commands/main'));
  const deploy = async (): Promise<string> => {
    const env = {
      DISCORD_TOKEN: bot.discord.token,
      DISCORD_API_URL: bot.discord.apiUrl,
      DISCORD_GUILD_IDS: bot.discord.guild.id,
    };
    return (await promisify(execFile)(process.execPath, [main], { env, cwd: tmpdir() })).stdout;
  };
  expect(await deploy()).toMatch(/^Registered with Discord: \d+ commands, in the 1 named/);
  expect(bot.discord.commands.read(bot.discord.guild.id)).toHaveLength(bot.discord.commands.current.length);
  expect(await deploy()).toMatch(/^Discord has them already/);
  // They would stand there twice.
  bot.discord.commands.write(bot.discord.guild.id, []);
});

it('keeps edits of one card 3 s apart, and the last one shows the latest', async () => {
  const facts = factsOf({ ended: false });
  // News may overtake the delivery of the card.
  bot.core.tell(facts);
  await bot.sent('card', facts);
  const states = ['leased', 'posting', 'posted', 'running'] as const;
  for (const state of states) {
    bot.core.tell({ ...facts, jobs: [jobRecord(0, { state })] });
  }
  const [card] = bot.discord.botMessages(channelId);
  if (card === undefined) throw new Error('no card');
  await bot.discord.until('the edit', () => textOf(card).includes('### Drawing'));
  expect(card.editedAt).toHaveLength(1);
  expect((card.editedAt[0] ?? 0) - card.createdAt).toBeGreaterThan(2_900 / timeScale);
});
