import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase, useTestNats } from '@atelier/tests/support/servers';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { finishLinks } from '@atelier/shared/db/chat/link-codes';
import { findQuestionRequest } from '@atelier/shared/db/chat/request-marks';
import { findPersonId } from '@atelier/shared/db/people/person-store';
import { askQuestion, expireQuestions, readAnswers } from '@atelier/shared/db/requests/ask-question';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import { plan } from '@atelier/shared/db/testing/record-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import { type Backstage, makeFolder, openBackstage, startTestBot, type TestBot } from '../app-fixtures.ts';
import type { Asker } from '../core/access/asker.ts';
import { formatButtonId, parseButtonId, type PressedButton } from '../core/cards/card-buttons.ts';
import { renderJobCard } from '../core/cards/render-job-card.ts';
import type { ChatCore, ChatOutcome } from '../ports.ts';
import { createSpeaker, person, refusal, silentAdapter } from './chat-fixtures.ts';

const database = useTestDatabase();
const nats = useTestNats();
let folder: Awaited<ReturnType<typeof makeFolder>>;
let bot: TestBot;
let backstage: Backstage;
let chat: ChatCore;
const posted: ClaimedPost[] = [];
/** Of the disk that keeps pictures, in bytes. */
let disk = { free: 2 ** 39, total: 2 ** 40 };
/** Links that were followed. */
const fetched: string[] = [];

beforeAll(async () => {
  folder = await makeFolder();
  backstage = await openBackstage(database().url, nats());
  bot = await startTestBot({
    databaseUrl: database().url,
    nats: nats(),
    folder: folder.path,
    sweepMs: 300,
    publicUrl: 'https://atelier.example.org',
    admins: ['discord:boss'],
    readDiskSpace: async () => disk,
    async fetchPicture(url) {
      fetched.push(url);
      return sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
        .png()
        .toBuffer();
    },
    createAdapters(core) {
      chat = core;
      return [
        {
          ...silentAdapter,
          async post(post) {
            posted.push(post);
            return { outcome: 'sent', messageRef: { id: post.id } };
          },
          start: () => Promise.reject(new AppError('config', 'the token is refused')),
        },
      ];
    },
  });
  // One person does what a team does in an hour.
  await run('/admin limits --rate 1000', person('boss'));
});
afterAll(async () => {
  await bot?.app.stop();
  await backstage?.close();
  await folder?.remove();
});

const { run, press } = createSpeaker(() => chat);

async function accepted(outcome: Promise<ChatOutcome>): Promise<string> {
  const found = await outcome;
  if (found.outcome !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(found)}`);
  return found.requestId;
}

/** A request with its picture. */
async function drawn(by: Asker, text = '/imagine a red fox'): Promise<string> {
  return finished(await accepted(run(text, by)));
}

async function finished(requestId: string): Promise<string> {
  await backstage.plan(requestId);
  const lease = await backstage.run();
  const bytes = Buffer.from(randomUUID());
  const stored = await bot.files.put(bytes, { mediaType: 'image/png', maxBytes: 1_000 });
  const output = { ...stored, index: 0, mediaType: 'image/png', width: 8, height: 8, nodeId: '9', filename: 'fox.png' };
  await backstage.finish(lease, [output]);
  await expect
    .poll(async () => (await chat.readFacts([requestId]))[0]?.request.state, { timeout: 10_000 })
    .toBe('succeeded');
  return requestId;
}

/** A request that asks its author something. @returns the question's id. */
async function asking(by: Asker): Promise<string> {
  const requestId = await accepted(run('a fox, but which?', by));
  const holder = randomUUID();
  const [claimed] = await claimRequests(backstage.db, { holder, leaseMs: 30_000, limit: 1, requestId });
  const question: PendingQuestion = {
    id: randomUUID(),
    kind: 'plan',
    text: { en: 'Run?', zh: '运行？' },
    choices: ['run', 'change', 'cancel'].map((id) => ({ id, label: { en: id, zh: id } })),
    allowText: true,
  };
  await askQuestion(backstage.db, { requestId, holder, epoch: claimed!.agentEpoch }, question, 60_000);
  return question.id;
}

const bodyOf = async (requestId: string) => (await chat.readFacts([requestId]))[0]?.request.body;
describe('buttons', () => {
  it('make new requests from a picture, with where they come from', async () => {
    const mei = person('mei');
    const requestId = await drawn(mei);
    const [facts] = await chat.readFacts([requestId]);
    const card = renderJobCard({ ...facts!, delivered: true }, chat.live(), 'en');
    const varied = card.buttons.find(({ action }) => action === 'vary_subtle');
    const next = await accepted(press(parseButtonId(varied?.id ?? '')!, person('ada')));
    const [made] = await chat.readFacts([next]);
    expect(made?.request).toMatchObject({
      parentRequestId: requestId,
      parentPicture: 0,
      body: { kind: 'derive', action: 'vary_subtle', source: { requestId, picture: 0 } },
    });
    expect(renderJobCard(made!, chat.live(), 'en').lineage?.text).toBe('Variation of picture 1');
    expect(await refusal(press({ action: 'upscale_subtle', requestId, picture: 7 }, mei))).toMatch(/no longer kept/);

    const form = await press({ action: 'remix', requestId }, mei);
    if (form.outcome !== 'form') throw new Error('no form');
    const values = Object.fromEntries(form.form.fields.map((field) => [field.name, field.value ?? '']));
    expect(values['prompt']).toBe(plan.prompt);
    const remixed = await accepted(
      chat.submitForm(parseButtonId(form.form.id)!, { ...values, prompt: 'a blue fox --ar 1:1' }, person('mei')),
    );
    expect(await bodyOf(remixed)).toMatchObject({
      action: 'remix',
      options: { prompt: 'a blue fox', aspect: '1:1', negative: plan.negative },
    });
  });

  it('show a region before it is redrawn, which is no picture to list', async () => {
    const mei = person('mei');
    const source = { requestId: await drawn(mei), picture: 0 };
    const words = { region: 'the tail', text: 'a blue tail' };
    const asked = { kind: 'derive', action: 'vary_region', source, ...words } as const;
    const form: PressedButton = { action: 'vary_region', ...source };
    const requestId = await finished(await accepted(chat.submitForm(form, words, mei)));
    expect(await bodyOf(requestId)).toEqual({ ...asked, showRegion: true });
    const { sql } = backstage.db;
    await sql`update requests set plan = plan || ${sql.json({ shownRegion: words.region })} where id = ${requestId}`;

    await press({ action: 'favourite', requestId, picture: 0 }, mei);
    for (const line of ['/gallery', '/gallery mine']) {
      expect(JSON.stringify(await run(line, mei))).not.toContain(requestId);
    }
    const redrawn = await accepted(press({ action: 'redraw_region', requestId }, mei));
    expect(await bodyOf(redrawn)).toEqual(asked);
    const [made] = await chat.readFacts([redrawn]);
    expect(made?.request).toMatchObject({ parentRequestId: source.requestId, parentPicture: 0 });
    // Only what shows a region has one to redraw.
    await refusal(press({ action: 'redraw_region', requestId: source.requestId }, mei));
    await press({ action: 'delete', requestId, arg: 'yes' }, mei);
    expect(await refusal(press({ action: 'redraw_region', requestId }, mei))).toMatch(/deleted/);
  });

  it('keep, show and delete pictures, each for who may', async () => {
    const mei = person('mei');
    const requestId = await drawn(mei);
    const keep: PressedButton = { action: 'favourite', requestId, picture: 0 };
    expect(await press(keep, mei)).toMatchObject({ text: expect.stringContaining('Kept') });
    expect(await run('/gallery mine', mei)).toMatchObject({ list: { entries: [{ requestId }] } });
    expect(await press({ ...keep, arg: 'on' }, mei)).toMatchObject({ text: expect.stringContaining('Kept') });
    expect(await press(keep, mei)).toMatchObject({ text: expect.stringContaining('No longer') });
    const files = await press({ action: 'original', requestId }, person('ada'));
    if (files.outcome !== 'files' || files.files[0]?.kind !== 'stored') throw new Error('no files');
    const link = files.files[0].url?.replace('https://atelier.example.org', bot.url) ?? '';
    expect((await fetch(link)).status).toBe(200);
    const another = link.replace(/(?<=\/files\/)./, (first) => (first === '0' ? '1' : '0'));
    expect((await fetch(another)).status).toBe(404);

    expect(await refusal(press({ action: 'delete', requestId, arg: 'yes' }, person('ada')))).toMatch(/Only the author/);
    expect(await press({ action: 'delete', requestId }, mei)).toMatchObject({ outcome: 'panel' });
    await press({ action: 'delete', requestId, arg: 'yes' }, mei);
    expect(await refusal(press({ action: 'original', requestId }, mei))).toMatch(/deleted/);
    expect((await fetch(link)).status).toBe(404);
    const [facts] = await chat.readFacts([requestId]);
    expect(renderJobCard(facts!, chat.live(), 'en')).toMatchObject({ isDeleted: true, buttons: [], tiles: [] });
  });

  it('hide private requests from everybody else', async () => {
    const requestId = await drawn(person('mei'), '/imagine a secret fox --private');
    expect(await refusal(press({ action: 'details', requestId }, person('ada')))).toMatch(/not allowed/);
    expect(await press({ action: 'details', requestId }, person('mei'))).toMatchObject({ outcome: 'panel' });
    const derived = await accepted(press({ action: 'reroll', requestId }, person('mei')));
    expect((await chat.readFacts([derived]))[0]?.request.isPrivate).toBe(true);
    const edited = await accepted(run(`/edit make it blue --job ${requestId}`, person('mei')));
    expect((await chat.readFacts([edited]))[0]?.request.isPrivate).toBe(true);
    const about = { ...person('ada'), text: 'make it blue', about: [{ requestId }] };
    expect(await refusal(chat.submit(about))).toMatch(/not allowed/);
  });

  it('show a private request to everybody once its author has shared it', async () => {
    const requestId = await drawn(person('mei'), '/imagine a shared secret --private');
    await press({ action: 'share', requestId }, person('mei'));
    const gallery = await run('/gallery', person('ada'));
    if (gallery.outcome !== 'list') throw new Error('no list');
    expect(gallery.list.entries.map((entry) => entry.requestId)).toContain(requestId);
    const varied = await accepted(press({ action: 'reroll', requestId }, person('ada')));
    expect((await chat.readFacts([varied]))[0]?.request.isPrivate).toBe(false);
  });

  it('keep what is private out of Telegram groups, also where its author asks there', async () => {
    const alone: Asker = {
      ...person('701', { door: 'telegram', standing: { isDirect: true } }),
      place: { door: 'telegram', id: '701', userId: '701' },
    };
    const inGroup = person('701', { door: 'telegram', standing: { isDirect: false } });
    const requestId = await drawn(alone, '/imagine a hidden fox --private');
    await press({ action: 'favourite', requestId, picture: 0 }, alone);
    expect(await run('/history', alone)).toMatchObject({ list: { entries: [{ requestId }] } });
    for (const line of ['/history', '/jobs', '/history hidden', '/gallery mine'])
      expect(await run(line, inGroup)).toMatchObject({ list: { entries: [] } });
    expect(await refusal(run(`/show ${requestId}`, inGroup))).toMatch(/private chat/);
    expect(await refusal(press({ action: 'original', requestId }, inGroup))).toMatch(/private chat/);
  });

  it('answer questions once, for their author', async () => {
    const questionId = await asking(person('mei'));
    const choose = (arg: string, by: Asker) => press({ action: 'answer', requestId: questionId, arg }, by);
    const requestId = await findQuestionRequest(backstage.db, questionId);
    const [facts] = await chat.readFacts([requestId ?? '']);
    expect(renderJobCard(facts!, chat.live(), 'en').rows[0]?.map(({ id }) => id)).toEqual(
      ['run', 'change', 'cancel'].map((arg) => formatButtonId('answer', questionId, { arg })),
    );
    expect(await refusal(choose('run', person('ada')))).toMatch(/Only the author/);
    expect(await choose('change', person('mei'))).toMatchObject({ outcome: 'form', form: { textField: 'text' } });
    expect(await choose('run', person('mei'))).toMatchObject({ outcome: 'answered', requestId });
    expect(await choose('run', person('mei'))).toMatchObject({ outcome: 'answered' });
    expect(await refusal(choose('cancel', person('mei')))).toMatch(/answered already/);
  });

  it('need not be pressed: words that reply to one’s own card that asks are the answer', async () => {
    const [lena, ada] = [person('lena'), person('ada')];
    const questionId = await asking(lena);
    const requestId = (await findQuestionRequest(backstage.db, questionId)) ?? '';
    const reply = (by: Asker) => chat.submit({ ...by, text: 'the one at night', about: [{ requestId }] });
    // Of another person they are a request about it.
    expect(await reply(ada)).toMatchObject({ outcome: 'accepted' });
    expect(await reply(lena)).toMatchObject({ outcome: 'answered', requestId });
    const [answer] = await readAnswers(backstage.db, requestId);
    expect(answer).toMatchObject({ questionId, text: 'the one at night' });
    // Told twice of the same message, it is one answer.
    expect(await reply(lena)).toMatchObject({ outcome: 'answered', requestId });
    const other = await chat.submit({ ...lena, text: 'and a hare', about: [{ requestId }] });
    expect(other).toMatchObject({ outcome: 'accepted' });
  });

  it('say that a question has expired, whatever way it is answered', async () => {
    const lena = person('lena');
    const questionId = await asking(lena);
    await backstage.db.sql`
      update requests set question_expires_at = now() where question->>'id' = ${questionId}`;
    await expireQuestions(backstage.db, 60_000);
    const late = [
      () => press({ action: 'answer', requestId: questionId, arg: 'run' }, lena),
      () => press({ action: 'answer', requestId: questionId, arg: 'change' }, lena),
      () => press({ action: 'answer_text', requestId: questionId }, lena),
      () => chat.submitForm({ action: 'answer_text', requestId: questionId }, { text: 'at night' }, lena),
    ];
    for (const answer of late) expect(await refusal(answer())).toMatch(/question expired/);
  });

  it('try again only the shots of a storyboard that gave nothing', async () => {
    const lena = person('lena');
    const requestId = await accepted(run('/imagine a storyboard', lena));
    await backstage.plan(requestId, 2);
    await backstage.db.sql`
      update jobs set state = case index when 0 then 'succeeded' else 'failed' end, finished_at = now(),
        params = jsonb_build_object('values', '{}'::jsonb, 'shotId', case index when 0 then 'a' else 'b' end)
      where request_id = ${requestId}`;
    await backstage.db.sql`update requests set state = 'succeeded', finished_at = now() where id = ${requestId}`;
    const again = await accepted(press({ action: 'retry', requestId }, lena));
    expect(await bodyOf(again)).toEqual({ kind: 'rerun', requestId, shotIds: ['b'] });
  });
});

describe('rules and limits', () => {
  it('let in only who is allowed, and operators always', async () => {
    const boss = person('boss', { channel: 'office' });
    const details: PressedButton = { action: 'details', requestId: await accepted(run('a fox', person('mei'))) };
    expect(await refusal(run('/admin allow --here channel', person('mei')))).toMatch(/ATELIER_ADMINS/);
    await run('/admin allow --here channel', boss);
    expect(await refusal(run('a fox', person('mei')))).toMatch(/may not do this here/);
    expect(await refusal(press(details, person('mei')))).toMatch(/may not do this here/);
    await accepted(run('a fox', person('mei', { channel: 'thread', standing: { channelIds: ['office'] } })));
    await accepted(run('a fox', person('boss')));
    await run('/admin clear --here channel', boss);
    await accepted(run('a fox', person('mei')));
    // A rule for a name would hold for nobody.
    expect(await refusal(run('/admin deny --person @ada', boss))).toMatch(/by their id/);
  });

  it('refuse blocked words, and words for adults where others read along', async () => {
    await run('/admin limits --block dragon, 龙 --adult nude', person('boss'));
    expect(await refusal(run('a Drägon', person('mei')))).toMatch(/“dragon”/);
    expect(await refusal(run('一条龙', person('mei')))).toMatch(/“龙”/);
    await accepted(run('a dragonfly', person('mei')));
    expect(await refusal(run('a nude', person('mei')))).toMatch(/channels marked for adults/);
    const adult = await accepted(run('a nude', person('mei', { standing: { isAdultPlace: true } })));
    // Uncovered at home, and known to be for adults wherever it is shown.
    expect((await chat.readFacts([adult]))[0]?.marks).toMatchObject({ isForAdults: true, isCovered: false });
    // Nothing is made of it where others read along, whatever its words are.
    const there = person('mei', { channel: 'adults', standing: { isAdultPlace: true } });
    const requestId = await drawn(there, '/imagine a marble statue');
    for (const action of ['reroll', 'rerun', 'retry'] as const) {
      expect(await refusal(press({ action, requestId }, person('mei')))).toMatch(/channels marked for adults/);
    }
    expect(await refusal(run(`/edit at night --job ${requestId}`, person('mei')))).toMatch(/marked for adults/);
    await accepted(press({ action: 'reroll', requestId }, there));
    const words = { action: 'answer_text', requestId: await asking(person('mei')) } as const;
    expect(await refusal(chat.submitForm(words, { text: 'a dragon' }, person('mei')))).toMatch(/“dragon”/);
    await run('/admin limits --unblock dragon, 龙 --adult none', person('boss'));
    await accepted(run('a dragon', person('mei')));
  });

  it('hold for what others see of somebody, too: shares, reports and answers', async () => {
    const boss = person('boss');
    const eve = person('eve');
    const requestId = await drawn(eve);
    const questionId = await asking(eve);
    await run('/admin deny --here channel', boss);
    const attempts = [
      () => press({ action: 'share', requestId }, eve),
      () => press({ action: 'report', requestId }, eve),
      () => press({ action: 'delete', requestId, arg: 'yes' }, eve),
      () => chat.submitForm({ action: 'report', requestId }, { text: 'spam' }, eve),
      () => press({ action: 'answer', requestId: questionId, arg: 'run' }, eve),
    ];
    for (const attempt of attempts) expect(await refusal(attempt())).toMatch(/may not do this here/);
    expect(await chat.suggest('model', '', eve, 'imagine')).toEqual([]);
    expect(await press({ action: 'answer', requestId: questionId, arg: 'cancel' }, eve)).toMatchObject({
      outcome: 'answered',
    });
    await run('/admin clear --here channel', boss);
    expect(await press({ action: 'delete', requestId }, eve)).toMatchObject({ outcome: 'panel' });
  });

  it('count shares and reports with the requests of a minute', async () => {
    await run('/admin limits --rate 2', person('boss'));
    const spammer = person('spammer');
    const requestId = await drawn(spammer);
    await chat.submitForm({ action: 'report', requestId }, { text: 'one' }, spammer);
    expect(await refusal(chat.submitForm({ action: 'report', requestId }, { text: 'two' }, spammer))).toMatch(
      /at most 2 requests a minute/,
    );
    expect(await refusal(press({ action: 'share', requestId }, spammer))).toMatch(/at most 2 requests a minute/);
    await run('/admin limits --rate 1000', person('boss'));
  });

  it('count requests a minute', async () => {
    await run('/admin limits --rate 2', person('boss'));
    const eager = person('eager');
    await accepted(run('one', eager));
    await accepted(run('two', eager));
    expect(await refusal(run('three', eager))).toMatch(/at most 2 requests a minute/);
    await run('/admin limits --rate 1000', person('boss'));
  });
});

describe('settings', () => {
  it('put a style and what somebody likes beneath what they say', async () => {
    const mei = person('likes');
    await run('/prefer set cine, cinematic light --ar 16:9 --no text', mei);
    await run('/settings --count 4 --style cine', mei);
    const plain = await accepted(run('/imagine a fox', mei));
    expect(await bodyOf(plain)).toEqual({
      kind: 'imagine',
      options: { prompt: 'a fox, cinematic light', aspect: '16:9', negative: 'text', count: 4 },
    });
    const said = await accepted(run('/imagine a fox --ar 1:1 --n 1', mei));
    expect(await bodyOf(said)).toMatchObject({ options: { aspect: '1:1', count: 1 } });
    expect(await chat.suggest('style', 'ci', mei)).toEqual([
      { value: 'cine', label: 'cine: cinematic light --ar 16:9 --no text' },
    ]);
  });

  it('answer in the language that somebody chose', async () => {
    await run('/settings --language zh', person('wei'));
    expect(await run('/cancel', person('wei'))).toEqual({ outcome: 'said', text: '没有可以取消的请求。' });
  });

  it('draw cards in the language of their channel, private ones in that of their author', async () => {
    await run('/settings channel --language zh', person('boss', { channel: 'zh' }));
    const mei = person('mei', { channel: 'zh' });
    const ids = [await accepted(run('a fox', mei)), await accepted(run('/imagine a fox --private', mei))];
    expect((await chat.readFacts(ids)).map((facts) => chat.languageFor(facts))).toEqual(['zh', 'en']);
  });

  it('make one person of two, with one history', async () => {
    const there = person('linked');
    const here = person('77', { door: 'telegram' });
    const requestId = await accepted(run('a linked fox', here));
    const code = await run('/link', there);
    const shown = code.outcome === 'panel' ? (code.panel.code ?? '') : '';
    expect(await run(`/link ${shown.toLowerCase()}`, here)).toMatchObject({ text: expect.stringContaining('Linked') });
    expect(await refusal(run(`/link ${shown}`, here))).toMatch(/code is wrong/);
    expect(await run('/history linked', there)).toMatchObject({ list: { entries: [{ requestId }] } });
    expect(await run(`/cancel ${requestId.slice(0, 8)}`, there)).toMatchObject({
      text: expect.stringContaining('Cancelling'),
    });
  });
});

describe('links', () => {
  const codeOf = (outcome: ChatOutcome) => (outcome.outcome === 'panel' ? (outcome.panel.code ?? '') : '');

  it('are made alone', async () => {
    const inGroup = person('702', { door: 'telegram', standing: { isDirect: false } });
    expect(await refusal(run('/link', inGroup))).toMatch(/private chat/);
  });

  it('are guessed by nobody, and who tries stops nobody else', async () => {
    const guesser = person('guesser');
    for (let tries = 0; tries < 5; tries += 1)
      expect(await refusal(run('/link ABCD-EFGH', guesser))).toMatch(/code is wrong/);
    expect(await refusal(run('/link ABCD-EFGH', guesser))).toMatch(/Too many/);
    expect(await refusal(run('/link ABCD-EFGH', person('mei')))).toMatch(/code is wrong/);
  });

  it('made in both directions at once leave one person, for good', async () => {
    const [here, there] = [person('both'), person('703', { door: 'telegram', standing: { isDirect: true } })];
    const [hereCode, thereCode] = [codeOf(await run('/link', here)), codeOf(await run('/link', there))];
    await run(`/link ${hereCode}`, there);
    expect(await run(`/link ${thereCode}`, here)).toMatchObject({ text: expect.stringContaining('already') });
    const before = await findPersonId(backstage.db, here.user);
    await finishLinks(backstage.db);
    expect(await findPersonId(backstage.db, here.user)).toBe(before);
    expect(await findPersonId(backstage.db, there.user)).toBe(before);
  });
});

describe('links in words', () => {
  const link = 'https://example.com/fox.png?size=big';

  it('to pictures are as good as attached ones', async () => {
    const mei = person('mei');
    const typed = await accepted(run(`/imagine like ${link} but blue`, mei));
    const images = [{ mediaType: 'image/png', name: 'fox.png' }];
    expect(await bodyOf(typed)).toMatchObject({ kind: 'imagine', options: { prompt: 'like but blue', images } });
    const said = await accepted(run(`make ${link} blue`, mei));
    expect(await bodyOf(said)).toMatchObject({ kind: 'words', text: 'make blue', images });
  });

  it('are fetched for nobody who may not ask', async () => {
    const before = fetched.length;
    await run('/admin deny --here channel', person('boss', { channel: 'closed' }));
    expect(await refusal(run(`/imagine ${link} blue`, person('mei', { channel: 'closed' })))).toMatch(/may not do/);
    expect(fetched).toHaveLength(before);
    await run('/admin clear --here channel', person('boss', { channel: 'closed' }));
  });
});

describe('workflows', () => {
  const workflowText = '{"1": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615}}}';

  it('are taken in as they are, kept, shared and run', async () => {
    const mei = person('mei');
    const file = await chat.takeInFile(Buffer.from(workflowText), 'fox.json');
    expect(file).toEqual({ kind: 'text', name: 'fox.json', text: workflowText });
    expect(await bodyOf(await accepted(chat.submit({ ...mei, text: '', file })))).toMatchObject({
      kind: 'workflow',
      workflowText,
    });
    await chat.run({ command: 'workflow', subcommand: 'add', values: { name: 'fox' }, attachments: { file } }, mei);
    await run('/workflow set fox steps=30', mei);
    expect(await refusal(run('/workflow run fox', person('ada')))).toMatch(/no workflow fox/);
    await run('/workflow share fox', mei);
    const list = await run('/workflow', person('ada'));
    if (list.outcome !== 'list') throw new Error('no list');
    const button = parseButtonId(list.list.entries[0]?.button?.id ?? '');
    expect(await bodyOf(await accepted(press(button!, person('ada'))))).toMatchObject({ parameters: { steps: 30 } });
    const opened = await run('/workflow open fox', person('ada'));
    expect(opened).toMatchObject({ files: [{ filename: 'fox.json', text: workflowText }] });
  });

  it('open as they ran where nobody knows how the front end draws them', async () => {
    const requestId = await drawn(person('mei'));
    expect(await press({ action: 'open', requestId }, person('mei'))).toMatchObject({
      outcome: 'files',
      files: [{ filename: `workflow-${requestId.slice(0, 8)}-api.json`, mediaType: 'application/json' }],
    });
  });
});

describe('the team', () => {
  it('is shown what somebody shares, once, and operators hear of reports', async () => {
    await run('/settings channel --role team', person('boss', { channel: 'team' }));
    await run('/settings channel --role admin', person('boss', { channel: 'ops' }));
    const requestId = await drawn(person('mei'));
    const share: PressedButton = { action: 'share', requestId };
    expect(await refusal(press(share, person('ada')))).toMatch(/Only the author/);
    expect(await press(share, person('mei'))).toMatchObject({ text: expect.stringContaining('Shared') });
    expect(await press(share, person('mei'))).toMatchObject({ text: expect.stringContaining('already') });
    await chat.submitForm({ action: 'report', requestId }, { text: 'not nice' }, person('ada'));
    await expect
      .poll(
        () =>
          new Set(
            posted.filter((post) => post.requestId === requestId).map(({ kind, place }) => `${kind} ${place.id}`),
          ),
        {
          timeout: 10_000,
        },
      )
      .toEqual(new Set(['notice ops', 'share team']));
    expect(posted.filter((post) => post.requestId === requestId)).toHaveLength(2);
  });

  it('has operators who hear that the disk is nearly full, once', async () => {
    await run('/settings channel --role admin', person('boss', { channel: 'ops' }));
    const requestId = await drawn(person('mei'));
    disk = { free: 2 ** 30, total: 2 ** 40 };
    const full = () => posted.filter(({ text }) => text?.en.includes('nearly full: 1.0 GiB left') === true);
    await expect.poll(() => full().length, { timeout: 10_000 }).toBe(1);
    expect(full()[0]).toMatchObject({ kind: 'notice', place: { id: 'ops' } });
    // Whoever hears of this later has been looked at again.
    await chat.submitForm({ action: 'report', requestId }, { text: 'not nice' }, person('ada'));
    await expect.poll(() => posted.some((post) => post.requestId === requestId), { timeout: 10_000 }).toBe(true);
    expect(full()).toHaveLength(1);
  });

  it('keeps its page where a chat refuses its token, and the page says so', async () => {
    const events = await fetch(`${bot.url}/api/events?lang=en`);
    const reader = events.body!.getReader();
    let text = '';
    while (!text.includes('DISCORD_TOKEN')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain('Discord refuses the bot');
  });
});
