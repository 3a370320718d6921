import { randomBytes, randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDiscordAdapter } from '@atelier/bot/adapters/discord/create-discord-adapter';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import { finishedJob, jobOutput, jobRecord, plan, requestRecord } from '@atelier/bot/core/cards/card-fixtures';
import type { ChatAdapter, ChatOutcome } from '@atelier/bot/ports';
import type { ClaimedDelivery, DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { allPermissions } from '../support/discord/discord-state.ts';
import { createFakeDiscord, type FakeDiscord } from '../support/discord/fake-discord.ts';
import { type FakePerson, textOf } from '../support/discord/fake-person.ts';
import { createScriptedChat } from '../support/discord/scripted-chat.ts';

/* The adapter in this process against Discord's rules, with the moments in between that a whole platform never shows. */

const silent = pino({ level: 'silent' });
const discord = createFakeDiscord();
let mei: FakePerson;
let adapter: ChatAdapter;
let channelId: string;
let refs: Partial<Record<DeliveryKind, Record<string, unknown>>>;
const core = createScriptedChat();
const { chat, files, known, script } = core;

function createAdapter(fake: FakeDiscord, token = fake.token, messageContent = false): ChatAdapter {
  return createDiscordAdapter({
    token,
    apiUrl: fake.apiUrl,
    messageContent,
    chat,
    readMessageRefs: async () => refs,
    readShareRefs: async () => [],
    log: silent,
    now: Date.now,
  });
}

beforeAll(async () => {
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
  await discord.start();
  mei = discord.addPerson('Mei');
  adapter = createAdapter(discord);
  await adapter.start();
  await discord.until('the commands', () => discord.commands.current.length > 0);
});
afterAll(async () => {
  await adapter?.stop();
  await discord.stop();
});
beforeEach(() => {
  channelId = discord.addChannel('test').id;
  refs = {};
  expected.clear();
  seenRefusals = discord.refusals().length;
  core.reset();
});
/** Error codes that a test provokes. */
const expected = new Set<number>();
let seenRefusals = 0;
afterEach(() => {
  discord.assertCorrect({ exceptCodes: expected, since: seenRefusals });
});

interface FactsOptions {
  ended: boolean;
  pictures?: number;
  eventId?: string;
  replyTo?: string;
  isPrivate?: boolean;
}

/** A request of Mei's, ended with that many pictures; or open. */
function factsOf(options: FactsOptions): CardFacts {
  const eventId = options.eventId ?? randomUUID();
  const replyTo = options.replyTo === undefined ? {} : { replyTo: options.replyTo };
  const request = requestRecord({
    id: requestIdOf('discord', eventId),
    door: 'discord',
    eventId,
    place: { door: 'discord', id: channelId, userId: mei.user.id, guildId: discord.guild.id, ...replyTo },
    plan,
    createdAt: new Date(),
    isPrivate: options.isPrivate ?? false,
    state: options.ended ? 'succeeded' : 'working',
    finishedAt: options.ended ? new Date() : null,
  });
  const jobs = Array.from({ length: options.pictures ?? 1 }, () => (options.ended ? finishedJob(0) : jobRecord(0)));
  const facts = { request, jobs, delivered: options.ended };
  known.set(request.id, facts);
  return facts;
}

function accepted(eventId: string, isPrivate = false): ChatOutcome {
  const facts = factsOf({ ended: false, eventId, isPrivate });
  return { outcome: 'accepted', requestId: facts.request.id, created: true, isPrivate };
}

function acceptAll(isPrivate = false): void {
  script.run = async (_call, by) => accepted(by.eventId, isPrivate);
}

function send(kind: DeliveryKind, facts: CardFacts, more: Partial<ClaimedDelivery> = {}, by = adapter) {
  const { id: requestId, place } = facts.request;
  const delivery: ClaimedDelivery = {
    id: randomUUID(),
    requestId,
    door: 'discord',
    place,
    kind,
    epoch: 1,
    attempts: 1,
    triedBefore: false,
    sendingAt: new Date(),
    cardRef: null,
    ...more,
  };
  return by.send(delivery, async () => facts);
}

async function sent(...args: Parameters<typeof send>): Promise<Record<string, unknown>> {
  const outcome = await send(...args);
  if (outcome.outcome !== 'sent') throw new Error(JSON.stringify(outcome));
  return outcome.messageRef;
}

describe('a delivery that was tried before', () => {
  it.each<DeliveryKind>(['card', 'result', 'ping'])('finds the %s that its dead sender left', async (kind) => {
    const facts = factsOf({ ended: kind !== 'card', replyTo: (await mei.say('hello', { channelId })).id });
    if (kind === 'ping') refs.result = await sent('result', facts);
    const first = await sent(kind, facts);
    const before = discord.botMessages(channelId).length;
    // Long enough ago that no nonce protects it.
    for (const message of discord.botMessages(channelId)) message.nonce = undefined;
    const again = await sent(kind, facts, { triedBefore: true });
    expect(again).toEqual(first);
    expect(discord.botMessages(channelId)).toHaveLength(before);
  });

  it('sends what nobody sent', async () => {
    const facts = factsOf({ ended: true });
    const ref = await sent('result', facts, { triedBefore: true });
    expect(discord.botMessages(channelId).map((one) => one.id)).toEqual([ref['messageId']]);
  });
});

it('finds the answer to an interaction that a dead process gave, and goes on with it', async () => {
  acceptAll();
  const { original, id } = await mei.slash('imagine', { prompt: 'a fox' }, channelId);
  const facts = known.get(requestIdOf('discord', id));
  if (facts === undefined) throw new Error('not asked');
  // It sends before it is connected.
  const successor = createAdapter(discord);
  const ref = await sent('card', facts, {}, successor);
  expect(ref['messageId']).toBe(original?.id);
  await sent('result', factsOf({ ended: true, eventId: id }), { cardRef: ref }, successor);
  expect(discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([[original?.id, 1]]);
});

describe('an answer that takes long', () => {
  it('is deferred first and becomes the card', async () => {
    script.run = async (_call, by) => {
      await discord.until('a deferral', () => discord.interactions.at(-1)?.deferred);
      return accepted(by.eventId);
    };
    const interaction = await mei.slash('imagine', { prompt: 'a slow fox' }, channelId);
    expect(interaction.answeredAfterMs).toBeGreaterThan(800);
    expect(interaction.answeredAfterMs).toBeLessThan(3_000);
    await discord.until('the card', () => interaction.original && textOf(interaction.original).includes('### '));
    expect(await sent('card', known.get(requestIdOf('discord', interaction.id)) ?? factsOf({ ended: false }))).toEqual({
      channelId,
      messageId: interaction.original?.id,
      maxFileBytes: 10_485_760,
      notified: false,
      ephemeral: false,
    });
  });

  it('says that it was not accepted where the commit fails', async () => {
    script.run = async () => {
      await discord.until('a deferral', () => discord.interactions.at(-1)?.deferred);
      throw new AppError('unavailable', 'late', { publicMessage: { en: 'Not accepted: try again.', zh: '请重试。' } });
    };
    const { original } = await mei.slash('imagine', { prompt: 'a lost fox' }, channelId);
    await discord.until('the sentence', () => original && textOf(original) !== '');
    expect(original && textOf(original)).toBe('Not accepted: try again.');
  });
});

describe('a result', () => {
  it('is a new message where the card was deleted', async () => {
    const facts = factsOf({ ended: false });
    const cardRef = await sent('card', facts);
    discord.state.delete(String(cardRef['messageId']));
    expected.add(10008);
    const ended = factsOf({ ended: true, eventId: facts.request.eventId });
    const ref = await sent('result', ended, { cardRef });
    expect(discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([
      [ref['messageId'], 1],
    ]);
  });

  it('goes to the person where the channel is closed, and notifies once', async () => {
    const facts = factsOf({ ended: false });
    const cardRef = await sent('card', facts);
    const channel = discord.state.channels.get(channelId);
    if (channel !== undefined) channel.allows = { ...allPermissions, view: false, send: false, history: false };
    expected.add(50001);
    const ended = factsOf({ ended: true, eventId: facts.request.eventId });
    refs.result = await sent('result', ended, { cardRef });
    expect(refs.result).toMatchObject({ channelId: mei.direct().id, notified: true });
    await sent('ping', ended, { cardRef });
    expect(discord.botMessages(mei.direct().id)).toHaveLength(1);
  });

  it('fails where the person cannot be reached either', async () => {
    const channel = discord.state.channels.get(channelId);
    const direct = mei.direct();
    if (channel !== undefined) channel.allows.send = false;
    direct.allows.send = false;
    expected.add(50013).add(50007);
    expect(await send('result', factsOf({ ended: true }))).toMatchObject({ outcome: 'failed' });
    direct.allows.send = true;
  });

  it('is a WebP where the file is larger than Discord takes', async () => {
    const facts = factsOf({ ended: true });
    const original = files.get('1'.repeat(64));
    const output = { ...jobOutput('1'), bytes: original?.length ?? 0 };
    const large = { ...facts, jobs: [{ ...finishedJob(0), outputs: [output] }] };
    const cardRef = { ...(await sent('card', facts)), maxFileBytes: 300_000 };
    await sent('result', large, { cardRef });
    const [attachment] = discord.botMessages(channelId)[0]?.attachments ?? [];
    expect(attachment?.content_type).toBe('image/webp');
    expect(attachment?.size).toBeLessThanOrEqual(300_000);
    const { format, width } = await sharp(attachment?.bytes).metadata();
    expect(format).toBe('webp');
    // Noise is the worst there is, and yet as large as fits.
    expect(width).toBeGreaterThanOrEqual(512);
  });

  it('waits out the rate limit and never calls before', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => send('result', factsOf({ ended: true }))));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 8 }, () => 'sent'));
    expect(discord.botMessages(channelId)).toHaveLength(8);
  });

  it('is tried again later where Discord is broken, and looked for first', async () => {
    const path = new RegExp(`^/channels/${channelId}/messages$`);
    discord.failNext('POST', path, { status: 502 });
    discord.failNext('POST', path, { status: 502 });
    expected.add(0);
    expect(await send('result', factsOf({ ended: true }))).toMatchObject({
      outcome: 'postponed',
      certainlyNotSent: false,
    });
  });
});

it('edits as the bot itself once the 15 minutes of the interaction are over', async () => {
  acceptAll();
  const interaction = await mei.slash('imagine', { prompt: 'a fox' }, channelId);
  const cardRef = await sent('card', factsOf({ ended: false, eventId: interaction.id }));
  interaction.createdAt -= 16 * 60_000;
  expected.add(50027);
  await sent('result', factsOf({ ended: true, eventId: interaction.id }), { cardRef });
  expect(discord.botMessages(channelId).map((one) => [one.id, one.attachments.length])).toEqual([
    [interaction.original?.id, 1],
  ]);
});

describe('the connection', () => {
  it('resumes after the line broke, and misses nothing', async () => {
    script.submit = async () => ({ outcome: 'said', text: 'here' });
    const before = discord.gateway.counts;
    discord.gateway.drop();
    const said = await mei.say(`<@${discord.botUser.id}> are you there`, { channelId });
    await discord.until('the reply', () => discord.botMessages(channelId).find((one) => one.replyTo === said.id));
    expect(discord.gateway.counts).toMatchObject({ identifies: before.identifies, resumes: before.resumes + 1 });
  });

  it('is made anew when Discord has forgotten the session', async () => {
    script.run = async () => ({ outcome: 'said', text: 'here again' });
    const { identifies } = discord.gateway.counts;
    discord.gateway.forget();
    await discord.until('a new session', () => discord.gateway.counts.identifies === identifies + 1);
    const { original } = await mei.slash('help', {}, channelId);
    expect(original && textOf(original)).toBe('here again');
  });

  it.each<[string, () => void]>([
    ['asks it to come again', () => discord.gateway.askToReconnect()],
    ['has no use for its session', () => discord.gateway.invalidate()],
  ])('goes on when Discord %s', async (_what, disturb) => {
    script.run = async () => ({ outcome: 'said', text: 'still here' });
    const { identifies, resumes } = discord.gateway.counts;
    disturb();
    await discord.until('a session', () => {
      const { counts, connected } = discord.gateway;
      return connected && counts.identifies + counts.resumes > identifies + resumes;
    });
    const { original } = await mei.slash('help', {}, channelId);
    expect(original && textOf(original)).toBe('still here');
  });

  it('is refused in words that name the setting', async () => {
    const other = createFakeDiscord({ token: 'other' });
    await other.start();
    const wrong = createAdapter(other, 'wrong-token');
    await expect(wrong.start()).rejects.toThrow(/DISCORD_TOKEN/);
    await wrong.stop();
    const curious = createAdapter(other, 'other', true);
    await expect(curious.start()).rejects.toThrow(/DISCORD_MESSAGE_CONTENT/);
    await curious.stop();
    await other.stop();
  });
});

it('npm run discord:deploy registers the commands where they are not, and says so', async () => {
  const main = fileURLToPath(import.meta.resolve('@atelier/bot/adapters/discord/commands/main'));
  const deploy = async (): Promise<string> => {
    const env = { DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.apiUrl, DISCORD_GUILD_IDS: discord.guild.id };
    return (await promisify(execFile)(process.execPath, [main], { env, cwd: tmpdir() })).stdout;
  };
  expect(await deploy()).toMatch(/^Registered with Discord: \d+ commands, in the 1 named/);
  expect(discord.commands.read(discord.guild.id)).toHaveLength(discord.commands.current.length);
  expect(await deploy()).toMatch(/^Discord has them already/);
  // They would stand there twice.
  discord.commands.write(discord.guild.id, []);
});

it('keeps edits of one card 3 s apart, and the last one shows the latest', async () => {
  const facts = factsOf({ ended: false });
  // News may overtake the delivery of the card.
  core.tell(facts);
  await sent('card', facts);
  const states = ['leased', 'posting', 'posted', 'running'] as const;
  for (const state of states) {
    core.tell({ ...facts, jobs: [jobRecord(0, { state })] });
  }
  const [card] = discord.botMessages(channelId);
  if (card === undefined) throw new Error('no card');
  await discord.until('the edit', () => textOf(card).includes('### Drawing'));
  expect(card.editedAt).toHaveLength(1);
  expect((card.editedAt[0] ?? 0) - card.createdAt).toBeGreaterThan(2_900);
});
