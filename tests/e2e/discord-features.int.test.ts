import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { customClasses } from '@atelier/comfyui/recipes/testing/installed-models';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import {
  type ScriptedAnthropic,
  startScriptedAnthropic,
  textMessage,
} from '../support/anthropic/scripted-anthropic.ts';
import { toolMessage } from '../support/anthropic/tool-steps.ts';
import { answerTo } from '../support/discord/answer-to.ts';
import { flatten, type SentFile } from '../support/discord/check-message.ts';
import type { FakeMessage } from '../support/discord/discord-state.ts';
import { createFakeDiscord } from '../support/discord/fake-discord.ts';
import { buttonsOf, coveredOf, type FakePerson, type OptionValues, textOf } from '../support/discord/fake-person.ts';
import type { FakeInteraction } from '../support/discord/interactions.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';

/* What can be done with words, pictures, workflows and results, from Discord to a ComfyUI and back, with nothing in
   between left out; the language model alone is scripted. */

const timeScale = 10;
/** Small pictures are soon drawn, and larger ones show nothing more. */
const size = '512x512';
/** The nodes that find a described part of a picture. */
const finding = Object.entries(customClasses).filter(([name]) => name.endsWith('(segment anything)'));
const simulator = createSimulator({
  port: 0,
  speed: 1,
  previews: false,
  serviceTimeMs: () => 30,
  extraClasses: Object.fromEntries(finding),
});
const discord = createFakeDiscord({ timeScale, ackMs: 3_000 });
let claude: ScriptedAnthropic;
let platform: Platform;
let desk: RequestDesk;
let mei: FakePerson;
/** An operator. */
let ana: FakePerson;
/** Shared results go there. */
let team: string;
/** Operators are told there, in Chinese. */
let office: string;

beforeAll(async () => {
  claude = await startScriptedAnthropic();
  const [{ url }] = await Promise.all([simulator.start(), discord.start()]);
  mei = discord.addPerson('Mei');
  ana = discord.addPerson('Ana', { permissions: String(1 << 5) });
  platform = await startPlatform({
    comfyuiUrl: url,
    env: {
      ...discord.env,
      ATELIER_ADMINS: `discord:${ana.user.id}`,
      ANTHROPIC_API_KEY: 'key-of-a-test',
      ANTHROPIC_BASE_URL: claude.url,
      ATELIER_PLAN_APPROVAL: 'always',
      ATELIER_BUDGET_DAY_CENTS: '100000',
    },
  });
  desk = await openRequestDesk(platform);
  await discord.until('the commands', () => discord.commands.current.length > 0);
  team = discord.addChannel('team').id;
  office = discord.addChannel('office').id;
  await answer(ana.slash('settings channel', { role: 'team' }, team));
  await answer(ana.slash('settings channel', { role: 'admin', language: 'zh' }, office));
  // One person does what a team does in an hour.
  await answer(ana.slash('admin limits', { rate: 1_000 }));
});
afterAll(async () => {
  await desk?.close();
  await platform?.stop();
  await Promise.all([simulator.stop(), discord.stop(), claude?.close()]);
});
afterEach(() => {
  // Nothing that this bot says is refused, it never calls while it must wait, and no interaction is used after its window.
  discord.assertCorrect();
  // Whatever else happened meanwhile, nobody was called to the same end twice.
  const called = [...discord.state.messages.values()].filter((one) => one.pinged.length > 0 && end.test(textOf(one)));
  const ends = new Set(called.map(({ replyTo }) => replyTo));
  if (ends.size !== called.length) throw new Error('somebody was called to the same end twice');
});

const end = /Done|Answered/;
const newChannel = (more: { nsfw?: boolean } = {}): string => discord.addChannel('test', more).id;
const labels = (message: FakeMessage): string[] => buttonsOf(message).map((button) => button.label ?? '');
const pingsIn = (channelId: string): FakeMessage[] =>
  discord.botMessages(channelId).filter((one) => one.pinged.length > 0);

async function colour(background: string): Promise<SentFile> {
  const picture = sharp({ create: { width: 64, height: 64, channels: 3, background } });
  return { name: `${background}.png`, contentType: 'image/png', bytes: await picture.png().toBuffer() };
}

/** Once it says that it is done, and called its author, once. */
async function done(card: FakeMessage | undefined): Promise<FakeMessage> {
  const message = card ?? never();
  const pings = () => pingsIn(message.channelId).filter((one) => one.replyTo === message.id && end.test(textOf(one)));
  await discord.until('the result', () => end.test(textOf(message)) && pings().length > 0);
  expect(pings()).toHaveLength(1);
  return message;
}

async function drawn(words: string, values: OptionValues, channelId = newChannel()): Promise<FakeMessage> {
  return done(await answer(mei.slash(words, values, channelId)));
}

const answer = (asked: Promise<FakeInteraction>): Promise<FakeMessage> => answerTo(discord, asked);

/** Chooses from the card's menu. */
const choose = (card: FakeMessage, label: string, by = mei): Promise<FakeMessage> => answer(by.choose(card, label));

function never(): never {
  throw new Error('there is no message');
}

describe('a plan', () => {
  const draw = (prompt: string) => toolMessage([['run', { make: { prompt }, reply: 'Here it comes.' }]]);

  async function asked(prompt: string): Promise<FakeMessage> {
    claude.script(draw(prompt));
    const channelId = newChannel();
    await mei.say(`<@${discord.botUser.id}> ${prompt}`, { channelId });
    return discord.until('the question', () =>
      discord.botMessages(channelId).find((one) => textOf(one).includes('Run this?')),
    );
  }

  it('is shown before it costs anything, and runs at its author’s word', async () => {
    const card = await asked('a castle');
    expect(textOf(card)).toMatch(/> a castle[^]*picture[^]*s on a GPU/);
    expect(labels(card)).toEqual(['Run', 'Change', 'Cancel']);
    const call = await discord.until('the call to it', () => pingsIn(card.channelId)[0]);
    expect(call).toMatchObject({ replyTo: card.id, pinged: [mei.user.id] });
    expect(textOf(call)).toContain('Your answer is needed');
    const stranger = await discord.addPerson('Ivo').press(card, 'Run');
    // The card would change: what is said to one person alone may follow.
    const refusal = await discord.until('the refusal', () =>
      [stranger.original, ...stranger.followUps].find((one) => one?.onlyFor === stranger.user.id),
    );
    expect(textOf(refusal)).toBe('Only the author of the request can answer this.');
    expect((await answer(mei.press(card, 'Run'))).id).toBe(card.id);
    await done(card);
    expect(card.attachments).toHaveLength(1);
    expect(textOf(card)).toContain('Here it comes.');
  });

  it('is changed in words, and asked about again', async () => {
    const card = await asked('a tower');
    claude.script(draw('a tower at night'));
    const opened = await mei.press(card, 'Change');
    expect(JSON.stringify(opened.modal)).toContain('a tower');
    await mei.submit(opened, { text: 'at night' });
    await discord.until('the next question', () => /Run this\?[^]*a tower at night/.test(textOf(card)));
    await mei.press(card, 'Run');
    await done(card);
    expect(textOf(card)).toContain('> a tower at night');
  });

  it('ends with the request', async () => {
    const card = await asked('a bridge');
    await mei.press(card, 'Cancel');
    await discord.until('the end', () => /### Cancelled/.test(textOf(card)));
    expect(labels(card)).toEqual(['Try again', 'Remix']);
    expect(card.attachments).toEqual([]);
  });
});

describe('commands', () => {
  it('/describe answers in words', async () => {
    claude.script(textMessage('A square of teal.'));
    const card = await drawn('describe', { image: await colour('teal') });
    expect(textOf(card)).toContain('A square of teal.');
    expect(card.attachments).toEqual([]);
  });

  it('/blend takes several pictures', async () => {
    const card = await drawn('blend', { image: await colour('teal'), image2: await colour('coral') });
    expect(card.attachments.map((one) => one.content_type)).toEqual(['image/png']);
  });

  it('/animate makes a video', async () => {
    const card = await drawn('animate', { image: await colour('teal'), prompt: 'waves', duration: 1 });
    expect(card.attachments[0]?.content_type).toMatch(/^(video\/|image\/(webp|gif))/);
    expect(labels(card)).toEqual(['Reroll', 'Remix', 'Keep', 'Original']);
  });

  it('/storyboard draws each shot, in their order', async () => {
    const card = await drawn('storyboard', { shots: 'a fox wakes up\na fox runs' });
    expect(card.attachments.map((one) => one.description)).toEqual([
      expect.stringMatching(/^Picture 1 of 2/),
      expect.stringMatching(/^Picture 2 of 2/),
    ]);
    expect(textOf(card)).toContain('a fox wakes up / a fox runs');
    // Of several jobs nobody has drawn a sheet yet.
    const sheet = await choose(card, 'Contact sheet');
    expect(sheet.attachments.map((one) => one.content_type)).toEqual(['image/webp']);
    expect(labels(sheet)).toEqual(['1', '2']);
  });

  it('/workflow adds, lists, runs and opens what somebody brought', async () => {
    const workflow = JSON.stringify(textToImage({ text: 'an owl', steps: 2 }));
    const file = { name: 'owl.json', contentType: 'application/json', bytes: Buffer.from(workflow) };
    const added = await answer(mei.slash('workflow add', { name: 'owl', file }));
    expect(textOf(added)).toBe('Saved. Run it with /workflow run owl');
    expect(textOf(await answer(mei.slash('workflow list')))).toContain('**owl**');
    const offered = await mei.complete('workflow run', 'name', 'ow');
    expect(offered.map(({ value }) => value)).toContain('owl');
    const card = await drawn('workflow run', { name: 'owl' });
    expect(card.attachments).toHaveLength(1);
    const opened = await answer(mei.slash('workflow open', { name: 'owl' }));
    const [given] = opened.attachments;
    expect(given?.filename).toBe('owl.json');
    expect(JSON.parse(Buffer.from(given?.bytes ?? []).toString())).toEqual(JSON.parse(workflow));
  });
});

it("a message's menu works on anybody's pictures, and on our own cards", async () => {
  const channelId = newChannel();
  const theirs = await discord.addPerson('Ivo').say('my wall', { channelId, attach: [await colour('teal')] });
  claude.script(textMessage('A teal wall.'));
  const described = await done(await answer(mei.menu('Describe', theirs)));
  expect(textOf(described)).toContain('A teal wall.');
  const enlarged = await done(await answer(mei.menu('Upscale', theirs)));
  const { width } = await sharp(enlarged.attachments[0]?.bytes).metadata();
  expect(width).toBeGreaterThan(64);
  const { attachments } = await answer(mei.menu('Show workflow', enlarged));
  expect(Buffer.from(attachments[0]?.bytes ?? []).toString()).toContain('ImageUpscaleWithModel');
});

describe('a result', () => {
  let card: FakeMessage;

  beforeAll(async () => {
    card = await drawn('imagine', { prompt: 'a red fox', count: 4, seed: '7', size });
  });

  it('has a contact sheet, with a button for each picture', async () => {
    const sheet = await choose(card, 'Contact sheet');
    expect(sheet).toMatchObject({ onlyFor: mei.user.id });
    expect(sheet.attachments.map((one) => one.content_type)).toEqual(['image/webp']);
    const { width, height } = await sharp(sheet.attachments[0]?.bytes).metadata();
    expect(Math.min(width, height)).toBeGreaterThan(700);
    expect(labels(sheet)).toEqual(['1', '2', '3', '4']);
    expect(textOf(await answer(mei.press(sheet, '3')))).toContain('### Picture 3');
  });

  it('is kept, and no longer kept, picture by picture', async () => {
    const picture = await choose(card, 'Picture 2');
    const kept = async () => textOf(await answer(mei.slash('gallery', { of: 'mine' })));
    expect(textOf(await answer(mei.press(picture, 'Keep')))).toBe('Kept. /gallery shows your favourites.');
    expect(await kept()).toContain('a red fox');
    await answer(mei.press(await choose(card, 'Picture 2'), 'Unkeep'));
    expect(await kept()).toContain('You keep no pictures yet');
  });

  it('tells how it was made, and how to ask for it again', async () => {
    expect(textOf(await choose(card, 'Details'))).toMatch(/By Mei[^]*Prompt: a red fox[^]*Size: 512 × 512[^]*Seed: 7/);
    expect(textOf(await choose(card, 'Copy command'))).toMatch(/```\n\/imagine a red fox .*--seed 7/);
    const opened = await choose(card, 'Open in ComfyUI');
    const [file] = opened.attachments;
    expect(file?.filename).toMatch(/^workflow-[0-9a-f]{8}.*\.json$/);
    expect(Buffer.from(file?.bytes ?? []).toString()).toContain('KSampler');
  });

  it('is the same again with the same seed, pixel for pixel', async () => {
    const again = await done(await choose(card, 'Same seed'));
    const pixels = async (of: FakeMessage) => sharp(of.attachments[0]?.bytes).raw().toBuffer();
    expect((await pixels(again)).equals(await pixels(card))).toBe(true);
  });

  it.each([
    ['Animate', { text: 'it runs' }, 'Video of picture 1'],
    ['Edit', { text: 'at night' }, 'Edit of picture 1'],
  ])('%s asks for words first', async (label, words, lineage) => {
    const opened = await mei.press(await choose(card, 'Picture 1'), label);
    expect(textOf(await done(await answer(mei.submit(opened, words))))).toContain(`↳ ${lineage}`);
  });

  it('has a region redrawn once its author has seen which', async () => {
    const opened = await mei.press(await choose(card, 'Picture 1'), 'Vary region');
    const shown = await done(await answer(mei.submit(opened, { region: 'the tail', text: 'a blue tail' })));
    expect(textOf(shown)).toMatch(/nothing is redrawn yet[^]*Tinted is what was found for “the tail”/);
    expect(textOf(shown)).toContain('↳ Region to redraw of picture 1');
    expect(labels(shown)).toEqual(['Redraw it', 'Other words', 'Cancel']);
    // The simulator finds the whole picture: all of it is tinted.
    const red = async (of: FakeMessage) => (await sharp(of.attachments[0]?.bytes).stats()).channels[0]?.mean ?? 0;
    expect(await red(shown)).toBeGreaterThan(128);
    const redrawn = await done(await answer(mei.press(shown, 'Redraw it')));
    expect(textOf(redrawn)).toContain('↳ Region redrawn of picture 1');
    expect(textOf(redrawn)).toContain('a blue tail');
    expect(redrawn.attachments).toHaveLength(1);
    expect(labels(redrawn)).toContain('Upscale');
    expect((await mei.press(shown, 'Other words')).modal?.title).toBe('Redraw one part, named in words');
  });

  it.each([
    ['Outpaint', '16:9', 'Continuation of picture 1'],
    ['Shape', '3:4', 'Another shape of picture 1'],
  ])('%s asks for a shape first', async (label, shape, lineage) => {
    const picture = await choose(card, 'Picture 1');
    const shapes = await answer(mei.press(picture, label));
    const made = await done(await answer(mei.press(shapes, shape)));
    expect(textOf(made)).toContain(`↳ ${lineage}`);
    const { width, height } = await sharp(made.attachments[0]?.bytes).metadata();
    const [across = 0, down = 0] = shape.split(':').map(Number);
    expect(Math.abs(width / height - across / down)).toBeLessThan(0.1);
  });

  it('goes to the team’s channel when its author says so, once', async () => {
    const stranger = await choose(card, 'Share', discord.addPerson('Ivo'));
    expect(textOf(stranger)).toBe('Only the author of this may do that.');
    expect(textOf(await choose(card, 'Share'))).toBe("Shared in the team's channel.");
    const shared = await discord.until('the share', () =>
      discord.botMessages(team).find((one) => one.attachments.length > 0),
    );
    expect(textOf(shared)).toMatch(/a red fox[^]*Mei/);
    expect(shared.attachments).toHaveLength(4);
    expect(textOf(await choose(card, 'Share'))).toBe('This is shared already.');
    expect(discord.botMessages(team).filter((one) => textOf(one).includes('a red fox'))).toHaveLength(1);
  });

  it('is reported to the operators', async () => {
    const bea = discord.addPerson('Bea');
    const reported = await answer(bea.submit(await bea.choose(card, 'Report'), { text: 'not nice' }));
    expect(textOf(reported)).toBe('The operators have been told. Thank you.');
    const told = () => discord.botMessages(office).filter((one) => textOf(one).includes('“not nice”'));
    await discord.until('the notice', () => told()[0]);
    expect(told()).toHaveLength(1);
    expect(textOf(told()[0] ?? never())).toContain('被举报');
  });
});

it('a result is deleted by its author alone, for good', async () => {
  const card = await drawn('imagine', { prompt: 'a mistake', size });
  const stranger = await choose(card, 'Delete', discord.addPerson('Ivo'));
  expect(textOf(stranger)).toBe('Only the author of this may do that.');
  const [requestNumber = ''] = /(?<=Number: )\w+/.exec(textOf(await choose(card, 'Details'))) ?? [];
  const sure = await choose(card, 'Delete');
  expect(textOf(await answer(mei.press(sure, 'Delete for good')))).toBe('The pictures are deleted.');
  await discord.until('the empty card', () => card.attachments.length === 0);
  expect(textOf(card)).toMatch(/^### Deleted by its author/);
  // Somebody may still have looked at its buttons.
  expect(textOf(await answer(mei.slash('show', { job: requestNumber })))).toBe('Its author has deleted this.');
});

describe('pictures for adults', () => {
  const nude = { prompt: 'a marble nude', size };

  beforeAll(async () => {
    await answer(ana.slash('admin limits', { adult: 'nude' }));
  });
  afterAll(() => answer(ana.slash('admin limits', { adult: 'none' })));

  it('are asked for among adults, uncovered there and covered everywhere else', async () => {
    expect(textOf(await answer(mei.slash('imagine', nude, newChannel())))).toMatch(/^Not here: “nude”/);
    const adults = newChannel({ nsfw: true });
    const card = await drawn('imagine', nude, adults);
    expect(coveredOf(card)).toEqual([false]);
    const lobby = newChannel();
    const listed = async (words: string, where: string) => coveredOf(await answer(mei.slash(words, {}, where))).at(0);
    for (const words of ['gallery', 'history', 'jobs']) {
      expect([words, await listed(words, lobby), await listed(words, adults)]).toEqual([words, true, false]);
    }
    const [job] = await mei.complete('show', 'job', 'nude');
    const shown = async (where: string) =>
      coveredOf(await answer(mei.slash('show', { job: String(job?.value) }, where)));
    expect([await shown(lobby), await shown(adults)]).toEqual([[true], [false]]);
    const before = discord.botMessages(team).length;
    expect(textOf(await choose(card, 'Share'))).toBe("Shared in the team's channel.");
    const shared = await discord.until('the share', () => discord.botMessages(team)[before]);
    expect(coveredOf(shared)).toEqual([true]);
  });
});

it('who is denied shares, reports and completes nothing', async () => {
  const eve = discord.addPerson('Eve');
  const channelId = newChannel();
  const card = await done(await answer(eve.slash('imagine', { prompt: 'a fox', size }, channelId)));
  await answer(ana.slash('admin deny', { person: eve.user.id }));
  for (const label of ['Share', 'Report', 'Delete', 'Details', 'Same seed']) {
    expect(textOf(await choose(card, label, eve))).toMatch(/^You may not do this here/);
  }
  expect(await eve.complete('imagine', 'model', '')).toEqual([]);
  await answer(ana.slash('admin clear', { person: eve.user.id }));
  expect((await eve.complete('imagine', 'model', '')).length).toBeGreaterThan(0);
});

it('operators are told what they must know, once each', async () => {
  const card = await drawn('imagine', { prompt: 'a cursed fox', size });
  const { sql } = desk.db;
  const [asked] = await sql`
    update jobs set state = 'quarantined', error = '{"code": "crashed", "message": {"en": "It died.", "zh": "崩溃。"}}'
    where request_id = (select id from requests where place->>'id' = ${card.channelId}) returning request_id`;
  await sql`
    insert into instances (id, client_id, holder, epoch, lease_expires_at)
    values ('gpu-of-yore', gen_random_uuid(), gen_random_uuid(), 1, now() - interval '5 minutes')`;
  await sql`
    insert into agent_usage (run_id, day, person_id, model, micro_dollars)
    select gen_random_uuid(), (now() at time zone 'utc')::date, id, 'claude', 2000000000 from people limit 1`;
  // A report has them looked after at once, and not only every ten seconds.
  const reason = { text: 'cursed' };
  await answer(ana.submit(await ana.choose(card, 'Report'), reason));
  const told = (words: RegExp) => discord.botMessages(office).filter((one) => words.test(textOf(one)));
  const number = String(asked?.['requestId']).slice(0, 8);
  const putAside = new RegExp(`请求 ${number} 的任务已被隔离`);
  const notices = [/gpu-of-yore 的工作进程已离线/, /语言模型预算已用完/, putAside];
  await discord.until('the notices', () => notices.every((words) => told(words).length > 0));
  expect(notices.map((words) => told(words).length)).toEqual([1, 1, 1]);
  expect(pingsIn(office)).toEqual([]);
  expect(flatten(discord.botMessages(office)[0]?.components ?? []).every(({ type }) => type === 10)).toBe(true);
});
