import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import { finishLinks } from '@atelier/shared/db/chat/link-codes';
import { findPersonId } from '@atelier/shared/db/people/person-store';
import { AppError } from '@atelier/shared/errors/app-error';
import { parseButtonId, type PressedButton } from '../core/cards/card-buttons.ts';
import type { ChatOutcome } from '../ports.ts';
import { person, refusal, useTestChat } from './chat-fixtures.ts';

const posted: ClaimedPost[] = [];
/** Of the disk that keeps pictures, in bytes. */
let disk = { free: 2 ** 39, total: 2 ** 40 };
/** Links that were followed. */
const fetched: string[] = [];

const { chat, bot, backstage, run, press, accepted, drawn, asking, bodyOf } = useTestChat(
  {
    sweepMs: 300,
    admins: ['discord:boss'],
    readDiskSpace: async () => disk,
    async fetchPicture(url) {
      fetched.push(url);
      return sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
        .png()
        .toBuffer();
    },
  },
  {
    async post(post) {
      posted.push(post);
      return { outcome: 'sent', messageRef: { id: post.id } };
    },
    start: () => Promise.reject(new AppError('config', 'the token is refused')),
  },
);
beforeAll(async () => {
  // One person does what a team does in an hour.
  await run('/admin limits --rate 1000', person('boss'));
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
    expect((await chat().readFacts([adult]))[0]?.marks).toMatchObject({ isForAdults: true, isCovered: false });
    // Nothing is made of it where others read along, whatever its words are.
    const there = person('mei', { channel: 'adults', standing: { isAdultPlace: true } });
    const requestId = await drawn(there, '/imagine a marble statue');
    for (const action of ['reroll', 'rerun', 'retry'] as const) {
      expect(await refusal(press({ action, requestId }, person('mei')))).toMatch(/channels marked for adults/);
    }
    expect(await refusal(run(`/edit at night --job ${requestId}`, person('mei')))).toMatch(/marked for adults/);
    await accepted(press({ action: 'reroll', requestId }, there));
    const words = { action: 'answer_text', requestId: await asking(person('mei')) } as const;
    expect(await refusal(chat().submitForm(words, { text: 'a dragon' }, person('mei')))).toMatch(/“dragon”/);
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
      () => chat().submitForm({ action: 'report', requestId }, { text: 'spam' }, eve),
      () => press({ action: 'answer', requestId: questionId, arg: 'run' }, eve),
    ];
    for (const attempt of attempts) expect(await refusal(attempt())).toMatch(/may not do this here/);
    expect(await chat().suggest('model', '', eve, 'imagine')).toEqual([]);
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
    await chat().submitForm({ action: 'report', requestId }, { text: 'one' }, spammer);
    expect(await refusal(chat().submitForm({ action: 'report', requestId }, { text: 'two' }, spammer))).toMatch(
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
    expect(await chat().suggest('style', 'ci', mei)).toEqual([
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
    expect((await chat().readFacts(ids)).map((facts) => chat().languageFor(facts))).toEqual(['zh', 'en']);
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
    const before = await findPersonId(backstage().db, here.user);
    await finishLinks(backstage().db);
    expect(await findPersonId(backstage().db, here.user)).toBe(before);
    expect(await findPersonId(backstage().db, there.user)).toBe(before);
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

it('follows no more links of somebody in a minute than requests of theirs are taken', async () => {
  const before = fetched.length;
  const eager = person('linker');
  await run('/admin limits --rate 2', person('boss'));
  // What is refused in the end was fetched all the same.
  await run('/admin limits --block gryphon', person('boss'));
  const line = '/imagine a gryphon like https://example.com/fox.png';
  const said = await Promise.all(Array.from({ length: 5 }, () => refusal(run(line, eager))));
  expect(said.filter((text) => /at most 2 requests a minute/.test(text))).toHaveLength(3);
  expect(fetched).toHaveLength(before + 2);
  await run('/admin limits --rate 1000', person('boss'));
  await run('/admin limits --unblock gryphon', person('boss'));
});

describe('workflows', () => {
  const workflowText = '{"1": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615}}}';

  it('are taken in as they are, kept, shared and run', async () => {
    const mei = person('mei');
    const file = await chat().takeInFile(Buffer.from(workflowText), 'fox.json');
    expect(file).toEqual({ kind: 'text', name: 'fox.json', text: workflowText });
    expect(await bodyOf(await accepted(chat().submit({ ...mei, text: '', file })))).toMatchObject({
      kind: 'workflow',
      workflowText,
    });
    await chat().run({ command: 'workflow', subcommand: 'add', values: { name: 'fox' }, attachments: { file } }, mei);
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
    await chat().submitForm({ action: 'report', requestId }, { text: 'not nice' }, person('ada'));
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
    await chat().submitForm({ action: 'report', requestId }, { text: 'not nice' }, person('ada'));
    await expect.poll(() => posted.some((post) => post.requestId === requestId), { timeout: 10_000 }).toBe(true);
    expect(full()).toHaveLength(1);
  });

  it('keeps its page where a chat refuses its token, and the page says so', async () => {
    const events = await fetch(`${bot().url}/api/events?lang=en`);
    const reader = events.body!.getReader();
    let text = '';
    while (!text.includes('DISCORD_TOKEN')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain('Discord refuses the bot');
  });
});
